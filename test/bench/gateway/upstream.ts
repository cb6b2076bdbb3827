// A runtime that costs nothing: answers at once, and streams tokens at a fixed pace. A program of its own, so that its CPU and
// its event loop are not those of who measures. Says the port that it listens on.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Asked {
  model?: string;
  prompt?: string;
  stream?: boolean;
  max_tokens?: number;
  stream_options?: { include_usage?: boolean };
}

/** A token every 20 ms, as a small model on a GPU gives them. */
const TOKEN_MS = 20;

const loaded = JSON.parse(process.argv[2] ?? '[]') as object[];

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked) : {};
}

function json(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

interface Stream {
  response: ServerResponse;
  left: number;
  tokens: number;
  tellsUsage: boolean;
}

const head = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'bench',
  system_fingerprint: 'fp',
};
const event = (body: object): string => `data: ${JSON.stringify({ ...head, ...body })}\n\n`;
const token = event({ choices: [{ index: 0, delta: { role: 'assistant', content: ' word' }, finish_reason: null }] });
const last = event({ choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop' }] });
const usageOf = (tokens: number) => ({ prompt_tokens: 12, completion_tokens: tokens, total_tokens: tokens + 12 });

const streams = new Set<Stream>();

function end({ response, tokens, tellsUsage }: Stream): void {
  response.write(last);
  if (tellsUsage) response.write(event({ choices: [], usage: usageOf(tokens) }));
  response.end('data: [DONE]\n\n');
}

setInterval(() => {
  for (const stream of streams) {
    if (stream.left-- > 0) stream.response.write(token);
    else {
      streams.delete(stream);
      end(stream);
    }
  }
}, TOKEN_MS);

function chat({ stream, max_tokens: tokens = 16, stream_options }: Asked, response: ServerResponse): void {
  if (!stream) {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'word' }, finish_reason: 'stop' }];
    json(response, { ...head, object: 'chat.completion', choices, usage: usageOf(1) });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const begun: Stream = { response, left: tokens, tokens, tellsUsage: stream_options?.include_usage === true };
  streams.add(begun);
  response.once('close', () => streams.delete(begun));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = await read(request);
  switch (request.url) {
    case '/v1/chat/completions':
      return chat(asked, response);
    case '/api/ps':
      return json(response, { models: loaded });
    case '/api/show':
      return json(response, { capabilities: ['completion'] });
    case '/api/version':
      return json(response, { version: '0.32.15' });
    default:
      return json(response, { response: 'word', done: true, done_reason: 'stop', eval_count: 1 });
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
