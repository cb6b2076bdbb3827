// A real Ollama on a store that another program has written: read-only, and as another user where we may start one.
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { given } from '../given.ts';
import { tinyBert, tinyBertWidth } from '../models/bert.ts';
import { freeze, thaw } from '../models/frozen.ts';
import { tinyLlama } from '../models/llama.ts';
import { tinyLora } from '../models/lora.ts';
import { type WrittenModel, writeModel } from '../models/written.ts';
import { call } from './api.ts';
import { type OllamaServer, startOllama } from './server.ts';

const greeting = 'Hello from the tiny test model.';
const nobody = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

interface World {
  store: string;
  models: Record<'plain' | 'modelfile' | 'adapted' | 'embedding' | 'elsewhere', WrittenModel>;
  server: OllamaServer;
}

async function fill(store: string): Promise<World['models']> {
  const messages = [
    { role: 'user', content: 'Who are you?' },
    { role: 'assistant', content: 'A test.' },
  ];
  return {
    plain: await writeModel(store, 'plain', { gguf: tinyLlama() }),
    modelfile: await writeModel(store, 'ns/modelfile:v1', {
      gguf: tinyLlama(),
      system: 'Be brief.',
      template: '{{ .System }} {{ .Prompt }}\n',
      params: { temperature: 0.25, num_ctx: 256, num_thread: 1, stop: ['<|stop|>'] },
      messages,
      license: 'Do what you like.',
    }),
    adapted: await writeModel(store, 'adapted', { gguf: tinyLlama(), adapter: tinyLora() }),
    embedding: await writeModel(store, 'embedding', { gguf: tinyBert() }),
    elsewhere: await writeModel(store, 'registry.example:5000/team/plain:v2', { gguf: tinyLlama() }),
  };
}

describe('a read-only store that another program has written', () => {
  const world = given(['ollama'], async ({ ollama: binaries }, atEnd): Promise<World> => {
    const folder = await mkdtemp(join(tmpdir(), 'lmo-store-'));
    const store = join(folder, 'models');
    const models = await fill(store);
    await chmod(folder, 0o755);
    await freeze(store);
    atEnd(async () => {
      await thaw(store);
      await rm(folder, { recursive: true });
    });
    const server = await startOllama({ binaries, store, ...(isRoot && { user: nobody }) });
    atEnd(server.stop);
    return { store, models, server };
  });

  test('is listed, each model with the digest of its manifest', async () => {
    const { server, models } = world();
    const { status, body } = await call(server.url, '/api/tags');
    expect(status).toBe(200);
    const listed = (body.models as { name: string; digest: string }[]).map(({ name, digest }) => [name, digest]);
    const written = Object.values(models).map(({ name, digest }) => [name, digest.slice('sha256:'.length)]);
    expect(listed.sort()).toEqual(written.sort());
  });

  test('is loaded, and shown as running with its digest', async () => {
    const { server, models } = world();
    const { name, digest } = models.plain;
    const loaded = await call(server.url, '/api/generate', { model: name, keep_alive: -1 });
    expect(loaded).toMatchObject({ status: 200, body: { done: true, done_reason: 'load' } });
    const { body } = await call(server.url, '/api/ps');
    const running = (body.models as { name: string; digest: string; size_vram: number }[]).find((m) => m.name === name);
    expect(running).toMatchObject({ digest: digest.slice('sha256:'.length), size_vram: 0 });
  });

  test('generates, from a model of whatever host and namespace', async () => {
    const { server, models } = world();
    for (const { name } of [models.plain, models.elsewhere]) {
      const answer = await call(server.url, '/api/generate', { model: name, prompt: 'hello' });
      expect(answer).toMatchObject({ status: 200, body: { response: greeting, done: true, done_reason: 'stop' } });
    }
  });

  test('streams a chat, one line per token', async () => {
    const { server, models } = world();
    const chat = { model: models.plain.name, messages: [{ role: 'user', content: 'hi' }], stream: true };
    const { lines } = await call(server.url, '/api/chat', chat);
    const words = lines.map(({ message }) => (message as { content: string }).content);
    expect(words.join('')).toBe(greeting);
    expect(words.filter(Boolean)).toEqual(['Hello', ' from', ' the', ' tiny', ' test', ' model.']);
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: 'stop', eval_count: 7 });
  });

  test('answers as OpenAI does', async () => {
    const { server, models } = world();
    const chat = { model: models.plain.name, messages: [{ role: 'user', content: 'hi' }] };
    const { status, body } = await call(server.url, '/v1/chat/completions', chat);
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'chat.completion', choices: [{ message: { content: greeting } }] });
    expect(body).toMatchObject({ usage: { completion_tokens: 7 } });
  });

  test('embeds, the same text always to the same numbers', async () => {
    const { server, models } = world();
    const input = ['hello world', 'abc', 'hello world'];
    const { status, body } = await call(server.url, '/api/embed', { model: models.embedding.name, input });
    expect(status).toBe(200);
    const [first, second, third] = body.embeddings as number[][];
    expect(first).toHaveLength(tinyBertWidth);
    expect(first).toEqual(third);
    expect(first).not.toEqual(second);
  });

  test('an embedding model is loaded by an embedding, not by generate', async () => {
    const { server, models } = world();
    const model = models.embedding.name;
    const { status, body } = await call(server.url, '/api/generate', { model });
    expect({ status, error: String(body.error) }).toEqual({
      status: 400,
      error: expect.stringContaining('does not support generate'),
    });
  });

  test('an adapter changes what the model says', async () => {
    const { server, models } = world();
    const { body } = await call(server.url, '/api/generate', { model: models.adapted.name, prompt: 'hello' });
    expect(body.response).toBe('Howdy from the tiny test model.');
  });

  test('system prompt, template, parameters, messages and license are shown', async () => {
    const { server, models } = world();
    const { status, body } = await call(server.url, '/api/show', { model: models.modelfile.name });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      system: 'Be brief.',
      template: '{{ .System }} {{ .Prompt }}\n',
      license: 'Do what you like.',
      details: { family: 'llama', quantization_level: 'F16', format: 'gguf' },
    });
    expect(body.messages).toEqual([
      { role: 'user', content: 'Who are you?' },
      { role: 'assistant', content: 'A test.' },
    ]);
    const parameters = String(body.parameters)
      .split('\n')
      .map((line) => line.split(/\s+/).join(' '));
    expect(parameters.sort()).toEqual(['num_ctx 256', 'num_thread 1', 'stop "<|stop|>"', 'temperature 0.25']);
  });

  test('is served by a process of another user', async ({ skip }) => {
    skip(!isRoot, 'only root may start a process of another user');
    const { server } = world();
    const status = await readFile(`/proc/${server.pid()}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t65534\t65534/m);
  });

  test('is not changed by a server that is asked to delete or to pull', async () => {
    const { server, models, store } = world();
    const before = (await readdir(store, { recursive: true })).sort();
    const deleted = await call(server.url, '/api/delete', { model: models.plain.name }, 'DELETE');
    expect(deleted.status).toBeGreaterThanOrEqual(400);
    expect((await readdir(store, { recursive: true })).sort()).toEqual(before);
    const answer = await call(server.url, '/api/generate', { model: models.plain.name, prompt: 'still there?' });
    expect(answer.body.response).toBe(greeting);
  });
});
