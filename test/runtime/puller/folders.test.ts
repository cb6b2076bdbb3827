// Models that a mount has brought: weights that are read where they lie, and stores that Ollama itself has filled.
import { chmod, lstat, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/models/digest.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { blobPath, openStore, type Store } from '../../../src/models/store.ts';
import { readManifest } from '../../../src/models/storeManifests.ts';
import type { PullConfig, PullSource } from '../../../src/puller/config.ts';
import { type AtEnd, given } from '../given.ts';
import { freeze, thaw } from '../models/frozen.ts';
import { tinyLlama } from '../models/llama.ts';
import { writeModel } from '../models/written.ts';
import { call, createModel } from '../ollama/api.ts';
import { type OllamaServer, startOllama } from '../ollama/server.ts';
import { startRegistry } from '../registries/server.ts';
import { upload } from '../registries/upload.ts';
import { createPod, type Pod } from './pod.ts';

const greeting = 'Hello from the tiny test model.';
const isRoot = process.getuid?.() === 0;

const generate = async ({ url }: OllamaServer, model: string) =>
  (await call(url, '/api/generate', { model, prompt: 'hello' })).body.response;

/** Others may look into it; goes with the test file, also when it was frozen. */
async function folderFor(atEnd: AtEnd): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-source-'));
  await chmod(folder, 0o755);
  atEnd(async () => {
    await thaw(folder);
    await rm(folder, { recursive: true });
  });
  return folder;
}

/** Bytes of all files below, of links nothing. */
async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const stats = await Promise.all(names.map((name) => lstat(join(folder, name))));
  return stats.reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
}

async function expectLinked(store: Store, digest: Digest, original: string): Promise<void> {
  const path = blobPath(store, digest);
  expect((await lstat(path)).isSymbolicLink()).toBe(true);
  const [linked, there] = [await stat(path), await stat(original)];
  expect({ inode: linked.ino, size: linked.size }).toEqual({ inode: there.ino, size: there.size });
}

interface World {
  folder: string;
  pod: Pod;
  gguf: string;
  /** Ollama on the pod's store, as another user where we may, both folders read-only. */
  serve(): Promise<OllamaServer>;
}

const derived: NonNullable<PullConfig['derived']> = {
  system: 'Be brief.',
  parameters: [{ name: 'temperature', value: '0' }],
};

describe('a read-only mount', () => {
  const world = given(['ollama'], async ({ ollama: binaries }, atEnd): Promise<World> => {
    const folder = await folderFor(atEnd);
    await writeModel(join(folder, 'image'), 'team/tiny:v1', { gguf: tinyLlama({ seed: 401 }) });
    await mkdir(join(folder, 'bare'));
    const gguf = join(folder, 'bare', 'tiny.gguf');
    await writeFile(gguf, tinyLlama({ seed: 402 }));
    await freeze(folder);
    const pod = await createPod(atEnd);
    const serve = async () => {
      await freeze(pod.store.root);
      const user = { uid: 65_534, gid: 65_534 };
      const server = await startOllama({ binaries, store: pod.store.root, ...(isRoot && { user }) });
      atEnd(server.stop);
      return server;
    };
    return { folder, pod, gguf, serve };
  });

  test('with a store is served without a copy of the weights, also with a Modelfile', async () => {
    const { folder, pod } = world();
    const source: PullSource = { kind: 'Image', path: join(folder, 'image'), reference: 'registry.example/models:1' };
    for (const revision of ['plain', 'derived']) {
      const more = revision === 'derived' ? { derived } : {};
      const { exitCode, message } = await pod.pull({ reference: 'team/tiny:v1', source, revision, ...more });
      expect({ exitCode, ...message }).toMatchObject({ exitCode: 0, reason: 'Done', fetchedBytes: 0 });
    }
    const raw = await readManifest(openStore(join(folder, 'image')), parseReference('team/tiny:v1'));
    const weights = raw?.manifest.layers[0];
    if (!weights) throw new Error('no weights');
    await expectLinked(pod.store, weights.digest, blobPath(openStore(join(folder, 'image')), weights.digest));
    expect(await bytesIn(pod.store.root)).toBeLessThan(20_000);
  });

  test('with a bare GGUF is served without a copy of it', async () => {
    const { folder, pod, gguf } = world();
    const source: PullSource = { kind: 'Volume', path: join(folder, 'bare'), claimName: 'weights' };
    const { exitCode, message, name } = await pod.pull({ reference: 'bare', source });
    expect({ exitCode, ...message }).toMatchObject({ exitCode: 0, reason: 'Done', fetchedBytes: 0, family: 'llama' });
    const raw = await readManifest(pod.store, parseReference(name));
    await expectLinked(pod.store, raw?.manifest.layers[0]?.digest as Digest, gguf);
    expect(await bytesIn(pod.store.root)).toBeLessThan(20_000);
  });

  test('answers on a real Ollama, which sees the links only', async () => {
    const { pod, serve } = world();
    const server = await serve();
    const { body } = await call(server.url, '/api/tags');
    const names = (body.models as { name: string }[]).map(({ name }) => name);
    expect(names).toHaveLength(3);
    for (const name of names) expect(await generate(server, name)).toBe(greeting);
    const made = names.find((name) => name.includes('/derived/')) ?? '';
    expect((await call(server.url, '/api/show', { model: made })).body).toMatchObject({ system: derived.system });
    expect(await readdir(pod.store.blobs)).not.toEqual([]);
  });
});

describe('a store that Ollama has filled', () => {
  const nowhere: PullSource = { kind: 'Registry', mirrors: [], plainHttp: true };
  const world = given(['ollama', 'registries'], async ({ ollama, registries }, atEnd) => {
    const folder = await folderFor(atEnd);
    await writeModel(folder, 'library/tiny:v1', { gguf: tinyLlama({ seed: 403 }) });
    const registry = await startRegistry({ binaries: registries, kind: 'gcr', ollama: true });
    atEnd(registry.stop);
    const { reference } = await upload(registry, folder, 'library/tiny:v1');
    const pod = await createPod(atEnd);
    const server = await startOllama({ binaries: ollama, store: pod.store.root });
    atEnd(server.stop);
    const pulled = await call(server.url, '/api/pull', { model: reference, insecure: true });
    expect(pulled.body).toEqual({ status: 'success' });
    await createModel(server.url, 'made', tinyLlama({ seed: 404 }), { system: 'Be brief.' });
    await registry.stop();
    return { pod, reference, server };
  });

  test.each(['OnPull', 'OnStart'] as const)('by its pull and by its create passes verification: %s', async (verify) => {
    const { pod, reference } = world();
    for (const name of [reference, 'made']) {
      const digest = (await readManifest(pod.store, parseReference(name)))?.digest;
      expect(digest).toBeDefined();
      const pull = { reference: name, source: nowhere, verify, revision: `${verify}-${name.replace(/\W/g, '-')}` };
      const { exitCode, message } = await pod.pull({ ...pull, ...(digest && { digest }) });
      expect({ exitCode, ...message }).toMatchObject({ exitCode: 0, reason: 'Done', digest, fetchedBytes: 0 });
    }
  });

  test('goes on answering, by its names and by ours', async () => {
    const { server, reference } = world();
    const { body } = await call(server.url, '/api/tags');
    const names = (body.models as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([reference, 'made:latest']));
    expect(names).toHaveLength(4);
    for (const name of names) expect(await generate(server, name)).toBe(greeting);
  });
});
