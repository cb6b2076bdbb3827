// What the judge asks of a runtime, and what it makes of answers that are none.
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createFoundryRuntime } from '../../src/gateway/foundryRuntime.ts';
import { createOllamaRuntime } from '../../src/gateway/ollamaRuntime.ts';
import type { RuntimeClient } from '../../src/gateway/runtimeClient.ts';
import { createRuntimeHttp } from '../../src/gateway/runtimeHttp.ts';
import { freePort } from '../controlplane/ports.ts';
import { answer, drop, type FaultServer, freeze, startFaultServer } from './server.ts';

const atEnd: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const act of atEnd.splice(0).reverse()) await act();
});

const portOf = ({ url }: FaultServer) => Number(new URL(url).port);
const never = new AbortController().signal;

async function scripted<T extends RuntimeClient>(
  create: (port: number) => T,
): Promise<{ server: FaultServer; client: T }> {
  const server = await startFaultServer();
  const client = create(portOf(server));
  atEnd.push(server.close, client.close);
  return { server, client };
}

const bodies = ({ requests }: FaultServer) => requests.map(({ method, path, body }) => ({ method, path, body }));

describe('Ollama', () => {
  it('is alive when it answers at the root, which touches no disk', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('GET', '/', answer('Ollama is running'));
    expect(await client.alive(never)).toEqual({});
  });

  it('lists models with their digests and with the bytes on the device', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    const models = [
      { name: 'a:latest', digest: 'a'.repeat(64), size: 100, size_vram: 40, context_length: 4096, details: {} },
      { name: 'b:latest', digest: 'b'.repeat(64) },
    ];
    server.on('GET', '/api/ps', answer({ models }));
    expect(await client.models(never)).toEqual([
      { name: 'a:latest', digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 100, deviceBytes: 40, contextLength: 4096 },
      { name: 'b:latest', digest: `sha256:${'b'.repeat(64)}` },
    ]);
  });

  it.each([
    ['generate', { capabilities: ['completion', 'tools'] }, 'Generate'],
    ['embed', { capabilities: ['embedding'] }, 'Embed'],
    ['both', { capabilities: ['completion', 'embedding'] }, undefined],
    ['nothing that it says', {}, undefined],
  ])('is asked what the model is for: %s', async (_, shown, kind) => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('POST', '/api/show', answer(shown));
    expect(await client.kindOf('a', never)).toBe(kind);
  });

  it('is told to load for ever, and nothing that would shape the load', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('POST', '/api/generate', answer({ done: true, done_reason: 'load' }));
    server.on('POST', '/api/embed', answer({ embeddings: [] }));
    await client.load({ name: 'a' }, 'Generate', never);
    await client.load({ name: 'a' }, undefined, never);
    await client.load({ name: 'b' }, 'Embed', never);
    const generate = { method: 'POST', path: '/api/generate', body: { model: 'a', keep_alive: -1, stream: false } };
    const embed = { method: 'POST', path: '/api/embed', body: { model: 'b', keep_alive: -1 } };
    expect(bodies(server)).toEqual([generate, generate, embed]);
  });

  it('has its own words in the error of a load that fails', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('POST', '/api/generate', answer({ error: 'tensor offset+size exceeds file size' }, 500));
    await expect(client.load({ name: 'a' }, 'Generate', never)).rejects.toMatchObject({
      reason: 'Answered',
      status: 500,
      message: 'tensor offset+size exceeds file size',
    });
  });

  it('gives up a load as soon as it is told to', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('POST', '/api/generate', freeze);
    const over = new AbortController();
    const load = client.load({ name: 'a' }, 'Generate', over.signal);
    over.abort(new Error('called off'));
    await expect(load).rejects.toThrow('called off');
  });

  it('answers the canary with text, with thoughts, or with numbers', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    const question = { name: 'a', prompt: 'Hi', kind: 'Generate', maxTokens: 8 } as const;
    server.on(
      'POST',
      '/api/generate',
      answer({ response: 'Hello' }),
      answer({ response: '', thinking: 'Hm' }),
      answer({}),
    );
    expect([
      await client.ask(question, never),
      await client.ask(question, never),
      await client.ask(question, never),
    ]).toEqual(['Hello', 'Hm', '']);
    expect(server.requests[0]?.body).toEqual({
      model: 'a',
      keep_alive: -1,
      prompt: 'Hi',
      stream: false,
      options: { num_predict: 8, temperature: 0 },
    });
    server.on('POST', '/api/embed', answer({ embeddings: [[0.5, 0]] }), answer({ embeddings: [[0, 0]] }));
    expect(await client.ask({ ...question, kind: 'Embed' }, never)).not.toBe('');
    expect(await client.ask({ ...question, kind: 'Embed' }, never)).toBe('');
  });

  it.each([
    ['text', 'not JSON at all'],
    ['another shape', { models: [{ name: 5 }] }],
    ['null', null],
  ])('that answers %s has not answered', async (_, body) => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('GET', '/api/ps', answer(body));
    await expect(client.models(never)).rejects.toMatchObject({ reason: 'Answered' });
  });
});

const silentFoundry = (port: number) => createFoundryRuntime(port, async () => undefined);

describe('Foundry Local', () => {
  it('tells its processes apart, and lists variants by id', async () => {
    const { server, client } = await scripted(silentFoundry);
    server.on('GET', '/status', answer({ modelCachePath: '/models', endpoints: [], pid: 7 }));
    server.on('GET', '/models/loaded', answer(['tiny-generic-cpu:1']));
    expect(await client.alive(never)).toEqual({ instance: '7' });
    expect(await client.models(never)).toEqual([{ name: 'tiny-generic-cpu:1' }]);
  });

  it('tells on what the model runs of which its server has spoken, and of no other', async () => {
    const place = { executionProvider: 'CUDAExecutionProvider', device: 'GPU' } as const;
    const report = { schema: 1, model: 'tiny-cuda-gpu:1', ...place } as const;
    const { server, client } = await scripted((port) => createFoundryRuntime(port, async () => report));
    server.on('GET', '/models/loaded', answer(['tiny-cuda-gpu:1', 'other-cuda-gpu:1']));
    expect(await client.models(never)).toEqual([{ name: 'tiny-cuda-gpu:1', ...place }, { name: 'other-cuda-gpu:1' }]);
  });

  it('is told to load only what it has not loaded itself', async () => {
    const { server, client } = await scripted(silentFoundry);
    server.on('GET', '/models/loaded', answer(['tiny-generic-cpu:1']), answer([]));
    server.on('GET', '/models/load/tiny-generic-cpu%3A1', answer(''));
    await client.load({ name: 'tiny-generic-cpu:1' }, undefined, never);
    expect(server.requests.map(({ path }) => path)).toEqual(['/models/loaded']);
    await client.load({ name: 'tiny-generic-cpu:1' }, undefined, never);
    expect(server.requests.at(-1)?.path).toBe('/models/load/tiny-generic-cpu%3A1');
  });

  it('answers the canary as OpenAI does', async () => {
    const { server, client } = await scripted(silentFoundry);
    const choices = [{ message: { role: 'assistant', content: ' Hello' }, delta: { content: ' Hello' } }];
    server.on('POST', '/v1/chat/completions', answer({ choices }), answer({ choices: [] }));
    const question = { name: 'tiny-generic-cpu:1', prompt: 'Hi', kind: undefined, maxTokens: 8 };
    expect(await client.ask(question, never)).toBe(' Hello');
    expect(await client.ask(question, never)).toBe('');
    expect(server.requests[0]?.body).toMatchObject({ model: 'tiny-generic-cpu:1', max_tokens: 8 });
  });
});

describe('calls of the judge', () => {
  it('tell a port where nobody listens from a connection that breaks', async () => {
    const http = createRuntimeHttp(await freePort());
    atEnd.push(http.close);
    await expect(http.call({ method: 'GET', path: '/', signal: never })).rejects.toMatchObject({ reason: 'Refused' });
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('GET', '/', drop);
    await expect(client.alive(never)).rejects.toMatchObject({ reason: 'Broken' });
  });

  it('are not disturbed by a connection that was closed meanwhile', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('GET', '/', answer('Ollama is running'));
    for (let i = 0; i < 5; i++) {
      await client.alive(never);
      server.dropConnections();
    }
    expect(server.requests).toHaveLength(5);
  });

  it('do not wait behind one that is never answered', async () => {
    const { server, client } = await scripted(createOllamaRuntime);
    server.on('POST', '/api/generate', freeze);
    server.on('GET', '/', answer('Ollama is running'));
    const over = new AbortController();
    const load = client.load({ name: 'a' }, 'Generate', over.signal).catch(() => 'over');
    for (let i = 0; i < 20; i++) await client.alive(never);
    over.abort();
    expect(await load).toBe('over');
  });

  it('end when an answer has no end', async () => {
    const server = await flood();
    const client = createOllamaRuntime(server.port);
    atEnd.push(client.close);
    await expect(client.alive(never)).rejects.toMatchObject({
      reason: 'Answered',
      message: expect.stringContaining('no end'),
    });
  });
});

/** Answers with more bytes than anybody wants. */
async function flood(): Promise<{ port: number }> {
  const piece = Buffer.alloc(1 << 20, 'a');
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on('drain', more);
      more();
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  atEnd.push(() => new Promise((resolve) => server.close(resolve)));
  return { port };
}
