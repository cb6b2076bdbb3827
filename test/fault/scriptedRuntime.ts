// A runtime that does what the test says: answers piece by piece, breaks off, hangs; and remembers all that it was sent.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

export interface RuntimeCall {
  request: SeenRequest;
  response: ServerResponse;
  json(value: unknown, status?: number): void;
  /** One record, NDJSON. */
  record(value: unknown): void;
  /** One server-sent event. */
  event(value: unknown): void;
  /** Cuts the connection. */
  drop(): void;
  /** The other side has gone before the answer was whole. */
  readonly gone: boolean;
}

export type Script = (call: RuntimeCall) => void;

export interface ScriptedRuntime {
  port: number;
  requests: SeenRequest[];
  calls: RuntimeCall[];
  /** What is done with further requests. */
  script: Script;
  /** Stops listening and cuts everything. */
  stop(): Promise<void>;
}

const chat = {
  model: 'tiny:latest',
  message: { role: 'assistant', content: 'hello' },
  done: true,
  prompt_eval_count: 3,
  eval_count: 2,
};

export const answersChat: Script = (call) => call.json(chat);

export async function startRuntime(script: Script = answersChat): Promise<ScriptedRuntime> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      const seen = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() };
      const call = callOf(seen, response);
      runtime.requests.push(seen);
      runtime.calls.push(call);
      runtime.script(call);
    });
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const runtime: ScriptedRuntime = {
    port: (server.address() as AddressInfo).port,
    requests: [],
    calls: [],
    script,
    stop,
  };
  onTestFinished(stop);
  return runtime;
}

function callOf(request: SeenRequest, response: ServerResponse): RuntimeCall {
  const streamed = (type: string) => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': type });
  };
  return {
    request,
    response,
    json(value, status = 200) {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(value));
    },
    record(value) {
      streamed('application/x-ndjson');
      response.write(`${JSON.stringify(value)}\n`);
    },
    event(value) {
      streamed('text/event-stream');
      response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
    },
    drop: () => void response.socket?.destroy(),
    get gone() {
      return response.destroyed && !response.writableFinished;
    },
  };
}
