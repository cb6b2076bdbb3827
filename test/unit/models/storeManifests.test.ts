import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { blobsOf, MAX_MANIFEST_BYTES } from '../../../src/models/manifest.ts';
import { formatReference, parseReference } from '../../../src/models/reference.ts';
import { servedName } from '../../../src/models/servedName.ts';
import {
  blobPath,
  manifestFile,
  missingBlobs,
  openStore,
  prepareStore,
  type Store,
} from '../../../src/models/store.ts';
import {
  findManifest,
  listManifests,
  readManifest,
  removeManifest,
  writeManifest,
} from '../../../src/models/storeManifests.ts';
import { putModel, temporaryFolder, temporaryStore } from './temporaryStore.ts';

const phi = parseReference('phi4-mini:3.8b');
const exists = (path: string) => stat(path).then(Boolean, () => false);
const names = async (store: Store) =>
  (await listManifests(store)).map(({ reference }) => reference && formatReference(reference));

async function putRaw(store: Store, path: string, text: string) {
  const file = join(store.manifests, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

describe('a manifest', () => {
  it('is published where Ollama looks for it and read back byte by byte', async () => {
    const store = await temporaryStore();
    const { bytes, digest } = await putModel(store, phi, 'weights');
    expect(await exists(join(store.root, 'manifests/registry.ollama.ai/library/phi4-mini/3.8b'))).toBe(true);
    const raw = await readManifest(store, phi);
    expect(raw?.digest).toBe(digest);
    expect(raw?.bytes).toEqual(bytes);
    expect(await readdir(store.temp)).toEqual([]);
  });

  it('is never published before its blobs are whole', async () => {
    const store = await temporaryStore();
    const { bytes } = await putModel(store, phi, 'weights');
    const other = parseReference('other');
    await writeFile(blobPath(store, digestOf('weights')), 'weight');
    await expect(writeManifest(store, other, bytes)).rejects.toMatchObject({
      reason: 'Internal',
      message: expect.stringContaining('not whole'),
    });
    expect(await exists(manifestFile(store, other))).toBe(false);
  });

  it('is not written again where it stands already', async () => {
    const store = await temporaryStore();
    const { bytes } = await putModel(store, phi, 'weights');
    const { ino } = await stat(manifestFile(store, phi));
    await writeManifest(store, phi, bytes);
    expect((await stat(manifestFile(store, phi))).ino).toBe(ino);
  });

  it('replaces an older one and one that cannot be read', async () => {
    const store = await temporaryStore();
    await putRaw(store, 'registry.ollama.ai/library/phi4-mini/3.8b', '');
    await expect(readManifest(store, phi)).rejects.toMatchObject({ reason: 'Corrupt' });
    await putModel(store, phi, 'old');
    const { digest } = await putModel(store, phi, 'new');
    expect((await readManifest(store, phi))?.digest).toBe(digest);
  });

  it('is not waited for where a pipe or a folder is in its place', async () => {
    const store = await temporaryStore();
    const path = manifestFile(store, phi);
    await mkdir(path, { recursive: true });
    await expect(readManifest(store, phi)).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining('not a file'),
    });
    await rm(path, { recursive: true });
    execFileSync('mkfifo', [path]);
    await expect(readManifest(store, phi)).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining('not a file'),
    });
  });

  it('is undefined where there is none, and refused where it is huge', async () => {
    const store = await temporaryStore();
    expect(await readManifest(store, phi)).toBeUndefined();
    await putRaw(store, 'registry.ollama.ai/library/phi4-mini/3.8b', ' '.repeat(MAX_MANIFEST_BYTES + 1));
    await expect(readManifest(store, phi)).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining('refused'),
    });
  });

  it('goes with the folders that it leaves empty, and no others', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi4-mini:a', 'a');
    await putModel(store, 'phi4-mini:b', 'b');
    await removeManifest(store, parseReference('phi4-mini:a'));
    expect(await names(store)).toEqual(['registry.ollama.ai/library/phi4-mini:b']);
    await removeManifest(store, parseReference('phi4-mini:b'));
    expect(await readdir(store.manifests)).toEqual([]);
    await removeManifest(store, parseReference('never/there'));
  });
});

describe('listing', () => {
  it('shows all that Ollama would read, with what is wrong with it', async () => {
    const store = await temporaryStore();
    await putModel(store, phi, 'weights');
    await putRaw(store, 'h/n/broken/latest', '{');
    await putRaw(store, 'h/n/m/.hidden', '{}');
    await putRaw(store, 'h/n/stray', '');
    await putRaw(store, 'h/n/m/t/deeper', '');
    await symlink('/nowhere', join(store.manifests, 'h/n/m/dangling'));
    const listed = await listManifests(store);
    expect(listed.map((stored) => ('raw' in stored ? 'good' : stored.problem.reason))).toEqual([
      'Corrupt',
      'InvalidReference',
      'good',
    ]);
    expect(await listManifests(openStore('/nowhere'))).toEqual([]);
  });

  it('finds a digest under its own name, the name asked for, or any other', async () => {
    const store = await temporaryStore();
    const { digest, bytes } = await putModel(store, 'somebody/else:x', 'weights');
    expect((await findManifest(store, digest, phi))?.reference.model).toBe('else');
    await writeManifest(store, phi, bytes);
    expect((await findManifest(store, digest, phi))?.reference).toEqual(phi);
    await writeManifest(store, servedName('source', phi, digest), bytes);
    expect((await findManifest(store, digest, phi))?.reference.namespace).toBe('source');
    expect(await findManifest(store, digestOf('none'), phi)).toBeUndefined();
  });

  it('does not believe a name that promises another digest', async () => {
    const store = await temporaryStore();
    const { bytes } = await putModel(store, phi, 'weights');
    await writeManifest(store, servedName('source', phi, digestOf('other')), bytes);
    expect(await findManifest(store, digestOf('other'), phi)).toBeUndefined();
  });
});

describe('several writers on one store', () => {
  it('end with one good store, and no reader ever sees a manifest without its blobs', async () => {
    const root = join(await temporaryFolder(), 'store');
    const writers = Array.from({ length: 8 }, (_, index) => openStore(root, `writer-${index}`));
    const reader = openStore(root, 'reader');
    let writing = true;
    const seen: unknown[] = [];
    const watch = async () => {
      while (writing)
        for (const stored of await listManifests(reader))
          seen.push('raw' in stored ? await missingBlobs(reader, blobsOf(stored.raw.manifest)) : stored.problem);
    };
    const write = async (store: Store) => {
      await prepareStore(store);
      for (const text of ['one', 'two', 'three']) await putModel(store, 'm', text);
    };
    const watching = watch();
    await Promise.all(writers.map(write)).finally(() => {
      writing = false;
    });
    await watching;
    expect(seen.filter((missing) => !(Array.isArray(missing) && missing.length === 0))).toEqual([]);
    expect(await names(reader)).toEqual(['registry.ollama.ai/library/m:latest']);
    expect(await readdir(reader.temp)).toEqual([]);
  });
});
