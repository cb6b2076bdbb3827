// Pulls from folders that an image or a volume has brought: verified, linked, never copied.
import { lstat, mkdir, readFile, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/models/digest.ts';
import { layerMediaTypes } from '../../src/models/manifest.ts';
import { parseReference } from '../../src/models/reference.ts';
import { blobPath, openStore, prepareStore, type Store } from '../../src/models/store.ts';
import { writeBlob } from '../../src/models/storeBlobs.ts';
import { readManifest } from '../../src/models/storeManifests.ts';
import type { PullConfig } from '../../src/puller/config.ts';
import { descriptorOf, putModel, temporaryFolder } from '../unit/models/temporaryStore.ts';
import { llama, tinyGguf } from '../unit/models/tinyGguf.ts';
import { pullFrom, sourceName, weightsOf, wholeModels } from './pull.ts';

const nobody = { host: 'registry.example' };
const weights = weightsOf(1_500_000);

const from = (path: string, kind: 'Image' | 'Volume' = 'Volume'): Partial<PullConfig> => ({
  reference: 'tiny:latest',
  source: kind === 'Volume' ? { kind, path, claimName: 'models' } : { kind, path, reference: 'registry.example/m:1' },
});

/** A store with one model, as Ollama or `lmd pack` leaves it. */
async function sourceStore(root: string, name = 'tiny:latest') {
  const store = openStore(root);
  await prepareStore(store);
  // What putModel writes as weights is text, so the real ones come as one more layer.
  await writeBlob(store, weights);
  const layer = descriptorOf(layerMediaTypes.model, weights);
  const { digest } = await putModel(store, name, 'projector', [layer]);
  return { store, digest, weights: layer };
}

async function pod(path: string, kind?: 'Image' | 'Volume') {
  return pullFrom(nobody, from(path, kind));
}

const isLink = async (store: Store, digest: Parameters<typeof blobPath>[1]) =>
  (await lstat(blobPath(store, digest))).isSymbolicLink();

describe('a store that a volume or an image brings', () => {
  it.each(['Image', 'Volume'] as const)('(%s) is verified and linked', async (kind) => {
    const folder = await temporaryFolder();
    const model = await sourceStore(folder);
    const { run, store } = await pod(folder, kind);
    await expect(run()).resolves.toMatchObject({ reason: 'Done', digest: model.digest, fetchedBytes: 0 });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
    expect(await readlink(blobPath(store, model.weights.digest))).toBe(blobPath(model.store, model.weights.digest));
  });

  it('may lie in a folder models, as in the image of Ollama itself', async () => {
    const folder = await temporaryFolder();
    const { digest } = await sourceStore(join(folder, 'models'));
    await expect((await pod(folder)).run()).resolves.toMatchObject({ reason: 'Done', digest });
  });

  it('carries a Modelfile, whose small layers are files of our own', async () => {
    const folder = await temporaryFolder();
    const { weights: layer } = await sourceStore(folder);
    const { run, store } = await pod(folder);
    const { servedDigest, reason } = await run({ derived: { system: 'Be short.', parameters: [] } });
    expect(reason).toBe('Done');
    const served = await readManifest(store, parseReference(`localmodels.dev/derived/tiny:${servedDigest?.slice(7)}`));
    expect(served?.manifest.layers.map(({ digest }) => digest)).toContain(digestOf('Be short.'));
    expect(await isLink(store, digestOf('Be short.'))).toBe(false);
    expect(await isLink(store, layer.digest)).toBe(true);
  });

  it('without the model says what it holds', async () => {
    const folder = await temporaryFolder();
    await sourceStore(folder, 'other:7b');
    const ending = await (await pod(folder)).run();
    expect(ending).toMatchObject({ reason: 'NotFound', exitCode: 21 });
    expect(ending.message).toMatch(/the claim models has no tiny:latest in .*; it holds other:7b$/);
  });

  it('with something else under the name than was pinned is refused', async () => {
    const folder = await temporaryFolder();
    const { digest } = await sourceStore(folder);
    const { run, store } = await pod(folder);
    const ending = await run({ digest: digestOf('another') });
    expect(ending).toMatchObject({ reason: 'DigestMismatch', exitCode: 24, message: expect.stringContaining(digest) });
    expect(await wholeModels(store)).toEqual([]);
  });

  it.each([
    ['lost', (path: string) => rm(path), /is missing/],
    ['cut short', (path: string) => truncate(path, 100), /has 100 bytes/],
    ['changed', (path: string) => writeFile(path, Buffer.alloc(weights.length)), /does not match its digest/],
  ])('whose weights are %s is refused by the name of the file', async (_, damage, words) => {
    const folder = await temporaryFolder();
    const { store: source, weights: layer } = await sourceStore(folder);
    await damage(blobPath(source, layer.digest));
    const { run, store } = await pod(folder);
    const ending = await run();
    expect(ending).toMatchObject({ reason: 'Corrupt', exitCode: 42, message: words });
    expect(ending.message).toContain(blobPath(source, layer.digest));
    expect(await wholeModels(store)).toEqual([]);
  });

  it('is not read again at a restart, unless every start hashes', async () => {
    const folder = await temporaryFolder();
    const { store: source, weights: layer } = await sourceStore(folder);
    const { run } = await pod(folder);
    await run();
    await writeFile(blobPath(source, layer.digest), Buffer.alloc(weights.length));
    await expect(run()).resolves.toMatchObject({ reason: 'Done' });
    await expect(run({ verify: 'OnStart' })).resolves.toMatchObject({ reason: 'Corrupt' });
  });

  it('cannot lead out of itself', async () => {
    const [folder, outside] = [await temporaryFolder(), await temporaryFolder()];
    const { store: source, weights: layer } = await sourceStore(folder);
    await writeFile(join(outside, 'weights'), weights);
    await rm(blobPath(source, layer.digest));
    await symlink(join(outside, 'weights'), blobPath(source, layer.digest));
    await expect((await pod(folder)).run()).resolves.toMatchObject({ reason: 'Corrupt', message: /leads out of/ });
  });
});

describe('a bare GGUF', () => {
  it.each([
    ['in the folder', (folder: string) => folder],
    ['named by its path', (folder: string) => join(folder, 'Tiny.Q4.gguf')],
  ])('%s is a model, without a copy', async (_, pathOf) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'Tiny.Q4.gguf'), weights);
    await writeFile(join(folder, 'README.md'), 'a model');
    const { run, store } = await pod(pathOf(folder));
    const ending = await run();
    expect(ending).toMatchObject({ reason: 'Done', quantization: 'Q4_K_M', family: 'llama', contextLength: 2048 });
    expect(await wholeModels(store)).toEqual([sourceName(digestOf(await manifestIn(store, ending.digest)))]);
    expect(await readlink(blobPath(store, digestOf(weights)))).toBe(join(folder, 'Tiny.Q4.gguf'));
    // The same file makes the same model everywhere, and again.
    await expect(run()).resolves.toMatchObject({ reason: 'Done', digest: ending.digest });
  });

  it('beside another is refused, and both are named', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.gguf'), weights);
    await writeFile(join(folder, 'b.gguf'), weightsOf(100));
    const ending = await (await pod(folder)).run();
    expect(ending).toMatchObject({ reason: 'NotFound', message: /a\.gguf and .*b\.gguf are both models/ });
  });

  it('has no other models for adapters to be taken from', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.gguf'), weights);
    const { run } = await pod(folder);
    const ending = await run({ derived: { parameters: [], adapters: [{ name: 'lora:v1' }] } });
    expect(ending).toMatchObject({ reason: 'NotFound', message: /lora:v1.*beside it/ });
  });

  it('takes an adapter that lies beside it', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.gguf'), weights);
    const metadata = { ...llama, 'general.type': { type: 'text', value: 'adapter' } } as const;
    await writeFile(join(folder, 'lora.gguf'), tinyGguf({ metadata }));
    const { run, store } = await pod(folder);
    const { digest } = await run();
    expect((await manifestIn(store, digest)).toString()).toContain(layerMediaTypes.adapter);
  });

  it('that is none ends as Corrupt', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.gguf'), 'hello');
    await expect((await pod(folder)).run()).resolves.toMatchObject({ reason: 'Corrupt', message: /a\.gguf/ });
  });
});

const manifestIn = async (store: Store, digest = ''): Promise<Buffer> =>
  readFile(join(store.manifests, 'localmodels.dev/source/tiny', digest.slice(7)));

describe('a folder that holds no model', () => {
  it.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ['is empty', async () => undefined, /neither a store .* nor a file \*\.gguf/],
    ['holds an empty store', (folder) => mkdir(join(folder, 'manifests')), /it holds no model/],
    ['is not there', (folder) => rm(folder, { recursive: true }), /has nothing at/],
  ])('because it %s ends as NotFound', async (_, prepare, words) => {
    const folder = await temporaryFolder();
    await prepare(folder);
    await expect((await pod(folder)).run()).resolves.toMatchObject({
      reason: 'NotFound',
      exitCode: 21,
      message: words,
    });
  });
});
