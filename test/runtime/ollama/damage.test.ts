// What a real Ollama makes of a damaged store: why the puller checks hashes itself. Should one of these fail with a newer
// Ollama, the puller may have less to do.
import { mkdtemp, open, readFile, rename, rm, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Digest, digestOf } from '../../../src/models/digest.ts';
import { blobPath, openStore } from '../../../src/models/store.ts';
import { given } from '../given.ts';
import { tinyLlama } from '../models/llama.ts';
import { type WrittenModel, writeModel } from '../models/written.ts';
import { call } from './api.ts';
import { type OllamaServer, startOllama } from './server.ts';

const world = given(['ollama'], async ({ ollama: binaries }, atEnd): Promise<OllamaServer> => {
  const server = await startOllama({ binaries });
  atEnd(server.stop);
  return server;
});

let seed = 100;
/** A model with weights that no other test has, so that nobody else is harmed. */
const fresh = (name: string): Promise<WrittenModel> =>
  writeModel(world().store, name, { gguf: tinyLlama({ seed: seed++ }) });

const pathOf = (digest: Digest) => blobPath(openStore(world().store), digest);
const generate = (model: string, prompt?: string) =>
  call(world().url, '/api/generate', { model, ...(prompt && { prompt }) });
const isListed = async (name: string) =>
  ((await call(world().url, '/api/tags')).body.models as { name: string }[]).some((model) => model.name === name);

test('a model that is added while it runs is there at once', async () => {
  expect((await generate('late', 'hello')).status).toBe(404);
  await fresh('late');
  expect(await isListed('late:latest')).toBe(true);
  expect((await generate('late', 'hello')).body.response).toBe('Hello from the tiny test model.');
});

test('a flipped byte in the weights is listed and generates without a word', async () => {
  const { weights } = await fresh('flipped');
  const file = await open(pathOf(weights), 'r+');
  await file.write(Buffer.from([0x55]), 0, 1, 100_000);
  await file.close();
  expect(digestOf(await readFile(pathOf(weights)))).not.toBe(weights);
  expect(await isListed('flipped:latest')).toBe(true);
  expect(await generate('flipped', 'hello')).toMatchObject({ status: 200, body: { done: true } });
});

test('truncated weights are listed, and loading fails with 500', async () => {
  const { weights } = await fresh('truncated');
  await truncate(pathOf(weights), 100_000);
  expect(await isListed('truncated:latest')).toBe(true);
  const { status, body } = await generate('truncated');
  expect(status).toBe(500);
  expect(body.error).toMatch(/offset|exceeds|file size|bounds/);
});

test.each([
  ['missing', (path: string) => rm(path)],
  ['empty', (path: string) => truncate(path, 0)],
])('with %s weights a model is still listed, and loading says that it cannot generate', async (name, damage) => {
  const { weights } = await fresh(name);
  await damage(pathOf(weights));
  expect(await isListed(`${name}:latest`)).toBe(true);
  const { status, body } = await generate(name);
  expect({ status, error: String(body.error) }).toEqual({
    status: 400,
    error: expect.stringContaining('does not support generate'),
  });
});

test('without its config a model is not listed', async () => {
  const { config } = await fresh('unconfigured');
  await rm(pathOf(config.digest));
  expect(await isListed('unconfigured:latest')).toBe(false);
});

test('blobs may be links into another folder', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'lmo-elsewhere-'));
  const { config, layers } = await fresh('linked');
  for (const [index, { digest }] of [config, ...layers].entries()) {
    const target = join(elsewhere, String(index));
    await rename(pathOf(digest), target);
    await symlink(target, pathOf(digest));
  }
  expect(await isListed('linked:latest')).toBe(true);
  expect((await generate('linked', 'hello')).body.response).toBe('Hello from the tiny test model.');
  await rm(elsewhere, { recursive: true });
});
