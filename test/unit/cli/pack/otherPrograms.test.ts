// What other programs make of our archives: tar always, skopeo where it is installed; and what our own pull makes of the image.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lmd } from '../../../../src/cli/lmd.ts';
import type { Digest } from '../../../../src/models/digest.ts';
import { blobsOf } from '../../../../src/models/manifest.ts';
import { parseReference } from '../../../../src/models/reference.ts';
import type { Store } from '../../../../src/models/store.ts';
import { checkBlob } from '../../../../src/models/storeBlobs.ts';
import { silentLogger } from '../../../../src/process/logger.ts';
import { createFolderSource } from '../../../../src/puller/folderSource.ts';
import { createProgress } from '../../../../src/puller/progress.ts';
import type { ModelSource } from '../../../../src/puller/sources.ts';
import { putModel, temporaryFolder, temporaryStore } from '../../models/temporaryStore.ts';
import { tinyGguf } from '../../models/tinyGguf.ts';
import { createVirtualClock } from '../../virtualClock.ts';
import { surroundingsOf } from '../surroundings.ts';
import { filesIn, isThere, output, untar } from './programs.ts';

const skopeo = await isThere('skopeo');
if (!skopeo)
  process.stdout.write('skopeo is not installed, so tar alone reads the archives (apt-get install skopeo)\n');

async function packed(...args: string[]) {
  const path = join(await temporaryFolder(), 'image.tar');
  const surroundings = surroundingsOf();
  expect([await lmd(['pack', ...args, '-o', path], surroundings), surroundings.said()]).toEqual([0, '']);
  return { path, told: surroundings.told() };
}

/** The root file system of the image: its layers, one over the other. */
async function rootOf(archive: string): Promise<string> {
  const folder = await temporaryFolder();
  const root = join(folder, 'root');
  await untar(archive, join(folder, 'archive'));
  const json = async (name: string) => JSON.parse(await readFile(join(folder, 'archive', name), 'utf8'));
  const blob = (digest: string) => `blobs/sha256/${digest.slice(7)}`;
  const [{ digest }] = (await json('index.json')).manifests;
  for (const layer of (await json(blob(digest))).layers) await untar(join(folder, 'archive', blob(layer.digest)), root);
  return root;
}

/** What a pod mounts, as the pull sees it. */
function sourceOf(root: string, name: string, store: Store): ModelSource {
  const clock = createVirtualClock();
  return createFolderSource({ kind: 'Image', path: root, reference: 'image' }, name, store, {
    clock,
    random: () => 0,
    log: silentLogger,
    progress: createProgress({ revision: 'r', reference: name, clock, sinks: [] }),
    owner: { host: 'test', pid: 1 },
    userAgent: 'test',
    proxies: {},
    signal: new AbortController().signal,
  });
}

/** Every blob, hashed on its way. */
async function pull(root: string, name: string): Promise<Digest> {
  const store = await temporaryStore('pull');
  const source = sourceOf(root, name, store);
  const reference = parseReference(name);
  const { manifest, digest } = await source.manifest(reference, undefined);
  for (const blob of blobsOf(manifest)) {
    await source.bring(reference, blob);
    expect(await checkBlob(store, blob)).toBe('good');
  }
  return digest;
}

describe('an archive, read by tar', () => {
  it('gives the store back, byte by byte', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi4-mini:3.8b', 'weights '.repeat(300_000));
    await putModel(store, 'registry.example.org:5000/some/Model:v1', 'other weights');
    const root = await rootOf(
      (await packed('--store', store.root, 'phi4-mini:3.8b', 'registry.example.org:5000/some/Model:v1')).path,
    );
    const wanted = await filesIn(store.root);
    const found = await filesIn(root);
    expect([...found.keys()]).toEqual([...wanted.keys()]);
    expect([...found].filter(([name, bytes]) => !wanted.get(name)?.equals(bytes))).toEqual([]);
    expect(found.size).toBe(5);
  });

  it('can be read by every user', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const root = await rootOf((await packed('--store', store.root, 'phi:1')).path);
    for (const name of (await filesIn(root)).keys()) expect((await stat(join(root, name))).mode & 0o777).toBe(0o644);
    for (const name of ['blobs', 'manifests', 'manifests/registry.ollama.ai/library/phi'])
      expect((await stat(join(root, name))).mode & 0o777).toBe(0o755);
  });

  it('is what the pull takes from an image volume, under the same digest', async () => {
    const store = await temporaryStore();
    const { digest } = await putModel(store, 'phi:1', 'weights');
    const { path, told } = await packed('--store', store.root, 'phi:1');
    expect(told).toContain(digest);
    expect(await pull(await rootOf(path), 'phi:1')).toBe(digest);
  });

  it('makes of a GGUF the model that the pull makes of the bare file', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'Tiny-Q4.gguf');
    await writeFile(file, tinyGguf());
    const { path } = await packed('--gguf', file);
    expect(await pull(await rootOf(path), 'Tiny-Q4')).toBe(await pull(folder, 'Tiny-Q4'));
  });
});

describe.runIf(skopeo)('an archive, read by skopeo', () => {
  const inspect = async (image: string) => JSON.parse(await output('skopeo', '--insecure-policy', 'inspect', image));

  it('is an image with the digest that was printed, by its tag or alone', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const { path, told } = await packed('--store', store.root, 'phi:1', '--tag', 'registry.example.org/ai/phi:v7');
    for (const image of [`oci-archive:${path}`, `oci-archive:${path}:v7`]) {
      const { Digest, Labels, Layers } = await inspect(image);
      expect(told).toContain(Digest);
      expect(Labels).toEqual({ 'localmodels.dev/models': 'phi:1' });
      expect(Layers).toHaveLength(3);
    }
  });

  it('can be copied with every digest checked and kept', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights '.repeat(100_000));
    const { path } = await packed('--store', store.root, 'phi:1');
    const folder = join(await temporaryFolder(), 'copy');
    await mkdir(folder);
    await output('skopeo', '--insecure-policy', 'copy', '--preserve-digests', `oci-archive:${path}`, `dir:${folder}`);
    expect((await inspect(`dir:${folder}`)).Digest).toBe((await inspect(`oci-archive:${path}`)).Digest);
  });

  it('is what docker load would read, where that was asked for', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const { path } = await packed('--store', store.root, 'phi:1', '--format', 'docker');
    const folder = join(await temporaryFolder(), 'copy');
    await mkdir(folder);
    const name = `docker-archive:${path}:localhost/phi:1`;
    await output('skopeo', '--insecure-policy', 'copy', name, `dir:${folder}`);
    expect((await inspect(name)).Layers).toHaveLength(3);
  });
});
