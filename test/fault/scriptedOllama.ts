// An Ollama that says what the test wants it to say: which models are loaded and where, how requests end, and when.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ListedModel {
  name: string;
  /** Without the name of the algorithm. */
  digest: string;
  size: number;
  size_vram: number;
  context_length: number;
}

export interface ScriptedOllama {
  readonly port: number;
  /** What /api/ps says. */
  listed: ListedModel[];
  /** What a load brings into the list. */
  brings: ListedModel[];
  /** Loads are answered with this error. */
  loadFails: string | undefined;
  /** Text of every answer that is not streamed, the canary's too. */
  text: string;
  /** Generating is answered with 500. So is every request with an image, as Ollama does with one that it cannot read. */
  fails: boolean;
  /** Streams that are open, each with a first piece sent. */
  readonly streams: readonly ServerResponse[];
  /** Requests to generate, the canary's and streams too, but no loads. */
  readonly asked: number;
  /** Ends all streams as Ollama does. */
  endStreams(): void;
  close(): Promise<void>;
}

const capabilities = ['completion'];
const line = (value: object): string => `${JSON.stringify(value)}\n`;

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>) : {};
}

function json(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

/** Listens on a free port of 127.0.0.1. */
export async function startScriptedOllama(): Promise<ScriptedOllama> {
  const streams = new Set<ServerResponse>();
  let asked = 0;

  function load(response: ServerResponse): void {
    if (script.loadFails === undefined) {
      script.listed = script.brings;
      json(response, { done: true, done_reason: 'load' });
    } else json(response, { error: script.loadFails }, 500);
  }

  function generate(body: Record<string, unknown>, response: ServerResponse): void {
    asked++;
    if (script.fails || body.images) json(response, { error: 'model runner has unexpectedly stopped' }, 500);
    else if (body.stream === false) json(response, { response: script.text, done: true, eval_count: 3 });
    else stream(body, response);
  }

  function stream(body: Record<string, unknown>, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write(line({ model: body.model, response: 'Hello', done: false }));
    streams.add(response);
    response.once('close', () => streams.delete(response));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    switch (request.url) {
      case '/':
        response.end('Ollama is running');
        return;
      case '/api/version':
        return json(response, { version: '0.32.15' });
      case '/api/ps':
        return json(response, { models: script.listed });
      case '/api/show':
        return json(response, { capabilities });
      case '/api/generate':
        return body.prompt === undefined ? load(response) : generate(body, response);
      default:
        return json(response, { error: 'not scripted' }, 404);
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const script = {
    port: (server.address() as AddressInfo).port,
    listed: [] as ListedModel[],
    brings: [] as ListedModel[],
    loadFails: undefined as string | undefined,
    text: 'Hello from the script.',
    fails: false,
    get streams() {
      return [...streams];
    },
    get asked() {
      return asked;
    },
    endStreams() {
      for (const stream of streams) stream.end(line({ response: '', done: true, done_reason: 'stop', eval_count: 1 }));
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return script;
}
