// What the pull has written, served by a real Ollama as in a pod: from a read-only folder, as another user.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/models/digest.ts';
import { parseReference, shortReference } from '../../../src/models/reference.ts';
import { servedName } from '../../../src/models/servedName.ts';
import { readManifest } from '../../../src/models/storeManifests.ts';
import type { PullConfig } from '../../../src/puller/config.ts';
import { type AtEnd, given } from '../given.ts';
import { tinyBert, tinyBertWidth } from '../models/bert.ts';
import { freeze } from '../models/frozen.ts';
import { tinyLlama } from '../models/llama.ts';
import { tinyLora } from '../models/lora.ts';
import { calmParameters, writeModel } from '../models/written.ts';
import { call } from '../ollama/api.ts';
import { type OllamaServer, startOllama } from '../ollama/server.ts';
import { type RunningRegistry, startRegistry } from '../registries/server.ts';
import { upload } from '../registries/upload.ts';
import { createPod, type Pod, type Pulled } from './pod.ts';

const greeting = 'Hello from the tiny test model.';
const nobody = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

const uploaded = {
  plain: { gguf: tinyLlama() },
  embedding: { gguf: tinyBert() },
  wide: { gguf: tinyLlama(), params: { ...calmParameters, num_ctx: 1024, num_thread: 2 } },
  lora: { gguf: tinyLlama({ seed: 7 }), adapter: tinyLora() },
} as const;

/** References on the registry, by name. */
async function fillRegistry(registry: RunningRegistry, atEnd: AtEnd): Promise<Record<keyof typeof uploaded, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-upload-'));
  atEnd(() => rm(folder, { recursive: true }));
  const references: Partial<Record<keyof typeof uploaded, string>> = {};
  for (const name of ['plain', 'embedding', 'lora', 'wide'] as const) {
    await writeModel(folder, `library/${name}:v1`, uploaded[name]);
    references[name] = (await upload(registry, folder, `library/${name}:v1`)).reference;
  }
  return references as Record<keyof typeof uploaded, string>;
}

const declared: NonNullable<PullConfig['derived']> = {
  system: 'Be brief.',
  template: '{{ .System }} {{ .Prompt }}\n',
  parameters: [
    { name: 'temperature', value: '0.25' },
    { name: 'num_ctx', value: '256' },
    { name: 'stop', value: '<|stop|>' },
  ],
  messages: [
    { role: 'user', content: 'Who are you?' },
    { role: 'assistant', content: 'A test.' },
  ],
  license: 'Do what you like.',
};

/** What the server of these tests is started with. */
const launch = { maxContext: 512, threads: 1 };

interface World {
  pod: Pod;
  pulled: Record<'plain' | 'modelfile' | 'adapted' | 'embedding' | 'wide' | 'held', Pulled>;
  server: OllamaServer;
}

describe('a store that the pull has written', () => {
  const world = given(['ollama', 'registries'], async ({ ollama, registries }, atEnd): Promise<World> => {
    const registry = await startRegistry({ binaries: registries, kind: 'distribution' });
    atEnd(registry.stop);
    const references = await fillRegistry(registry, atEnd);
    const pod = await createPod(atEnd);
    const source = await pod.from(registry);
    const adapted = { parameters: [], adapters: [{ name: references.lora }] };
    const pulled = {
      plain: await pod.pull({ reference: references.plain, source }),
      modelfile: await pod.pull({ reference: references.plain, source, derived: declared, revision: 'modelfile' }),
      adapted: await pod.pull({ reference: references.plain, source, derived: adapted, revision: 'adapted' }),
      embedding: await pod.pull({ reference: references.embedding, source }),
      wide: await pod.pull({ reference: references.wide, source }),
      held: await pod.pull({ reference: references.wide, source, launch, revision: 'held' }),
    };
    await freeze(pod.store.root);
    const { root: store } = pod.store;
    const server = await startOllama({ binaries: ollama, store, ...(isRoot && { user: nobody }) });
    atEnd(server.stop);
    return { pod, pulled, server };
  });

  const generate = (model: string) => call(world().server.url, '/api/generate', { model, prompt: 'hello' });

  test('was written by pulls that ended well', () => {
    for (const { message, exitCode } of Object.values(world().pulled))
      expect({ exitCode, ...message }).toMatchObject({ exitCode: 0, reason: 'Done' });
  });

  test('is listed, each model with the digest that the pull has told', async () => {
    const { server, pulled } = world();
    const { body } = await call(server.url, '/api/tags');
    const listed = (body.models as { name: string; digest: string }[]).map(({ name, digest }) => [
      name,
      `sha256:${digest}`,
    ]);
    const told = Object.values(pulled).map(({ name, message }) => [name, message.servedDigest]);
    expect(listed).toEqual(expect.arrayContaining(told));
  });

  test('is served by a process of another user', async ({ skip }) => {
    skip(!isRoot, 'only root may start a process of another user');
    expect(await readFile(`/proc/${world().server.pid()}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534/m);
  });

  test('is loaded', async () => {
    const { server, pulled } = world();
    const { name, message } = pulled.plain;
    const loaded = await call(server.url, '/api/generate', { model: name, keep_alive: -1 });
    expect(loaded).toMatchObject({ status: 200, body: { done: true, done_reason: 'load' } });
    const { body } = await call(server.url, '/api/ps');
    expect(body.models).toMatchObject([{ name, digest: message.servedDigest?.slice('sha256:'.length) }]);
  });

  test('generates, chats, and answers as OpenAI does', async () => {
    const { server, pulled } = world();
    const { name: model } = pulled.plain;
    const messages = [{ role: 'user', content: 'hi' }];
    expect((await generate(model)).body.response).toBe(greeting);
    const chat = await call(server.url, '/api/chat', { model, messages });
    expect(chat).toMatchObject({ status: 200, body: { message: { content: greeting }, done: true } });
    const openAi = await call(server.url, '/v1/chat/completions', { model, messages });
    expect(openAi).toMatchObject({ status: 200, body: { choices: [{ message: { content: greeting } }] } });
  });

  test('embeds', async () => {
    const { server, pulled } = world();
    const input = ['hello world', 'abc'];
    const { status, body } = await call(server.url, '/api/embed', { model: pulled.embedding.name, input });
    expect(status).toBe(200);
    const [first, second] = body.embeddings as number[][];
    expect(first).toHaveLength(tinyBertWidth);
    expect(first).not.toEqual(second);
  });

  test('says with an adapter what the adapter makes it say', async () => {
    const { pulled } = world();
    expect((await generate(pulled.adapted.name)).body.response).toBe('Howdy from the tiny test model.');
  });

  test('has the context of the server, also where the parameters of the model would go before it', async () => {
    const { server, pulled } = world();
    const contextOf = async ({ name }: Pulled) => {
      expect(await call(server.url, '/api/generate', { model: name })).toMatchObject({ status: 200 });
      const { body } = await call(server.url, '/api/ps');
      return (body.models as { name: string; context_length: number }[]).find((loaded) => loaded.name === name)
        ?.context_length;
    };
    expect(await contextOf(pulled.wide)).toBe(1024);
    expect(await contextOf(pulled.held)).toBe(launch.maxContext);
    const { body } = await call(server.url, '/api/show', { model: pulled.held.name });
    expect(body.parameters).toMatch(/num_thread +1\b/);
  });

  test('shows what the Modelfile declares, over what the model had', async () => {
    const { server, pulled } = world();
    const { status, body } = await call(server.url, '/api/show', { model: pulled.modelfile.name });
    expect(status).toBe(200);
    const { system, template, license, messages } = declared;
    expect(body).toMatchObject({ system, template, license, messages });
    const parameters = String(body.parameters)
      .split('\n')
      .map((line) => line.split(/\s+/).join(' '));
    const kept = ['num_predict 32', 'num_thread 1', 'seed 1'];
    expect(parameters.sort()).toEqual([...kept, 'num_ctx 256', 'stop "<|stop|>"', 'temperature 0.25'].sort());
    const answer = await call(server.url, '/api/generate', { model: pulled.modelfile.name, prompt: 'hello' });
    expect(answer).toMatchObject({ status: 200, body: { done: true } });
  });
});

describe('the model that a Modelfile makes', () => {
  const world = given(['ollama', 'registries'], async ({ ollama, registries }, atEnd) => {
    const registry = await startRegistry({ binaries: registries, kind: 'gcr' });
    atEnd(registry.stop);
    const { plain: reference } = await fillRegistry(registry, atEnd);
    const pod = await createPod(atEnd);
    const source = await pod.from(registry);
    const pulled = await pod.pull({ reference, source, derived: declared });
    await chmod(pod.folder, 0o755);
    const server = await startOllama({ binaries: ollama, store: pod.store.root });
    atEnd(server.stop);
    return { reference, pod, pulled, server };
  });

  test('is in every byte the one that ollama create makes of the same words', async () => {
    const { server, pulled, pod, reference } = world();
    const { system, template, license, messages } = declared;
    const parameters = { temperature: 0.25, num_ctx: 256, stop: ['<|stop|>'] };
    // By the name that the model was pulled by, since a layer says where it comes from.
    const source = shortReference(servedName('source', parseReference(reference), pulled.message.digest as Digest));
    expect((await call(server.url, '/api/copy', { source, destination: reference })).status).toBe(200);
    const words = { from: reference, system, template, license, messages, parameters };
    const created = await call(server.url, '/api/create', { model: 'created', ...words });
    expect(created).toMatchObject({ status: 200, body: { status: 'success' } });
    const [ours, theirs] = await Promise.all(
      [pulled.name, 'created'].map((name) => readManifest(pod.store, parseReference(name))),
    );
    expect(theirs?.manifest).toEqual(ours?.manifest);
    expect(pulled.message.servedDigest).toBe(theirs?.digest);
  });
});
