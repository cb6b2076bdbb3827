import { chmod, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import {
  blobPath,
  blobSize,
  freeBytes,
  hasBlob,
  makeFolder,
  missingBlobs,
  openStore,
  prepareStore,
  requireSpace,
  tempPath,
} from '../../../src/models/store.ts';
import { descriptorOf, temporaryFolder, temporaryStore } from './temporaryStore.ts';

const isRoot = process.getuid?.() === 0;

describe('a store', () => {
  it('touches nothing until it is prepared', async () => {
    const root = join(await temporaryFolder(), 'store');
    openStore(root);
    await expect(stat(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('can be prepared again and again', async () => {
    const store = await temporaryStore();
    await prepareStore(store);
    expect((await stat(store.blobs)).isDirectory()).toBe(true);
  });

  it('makes folders that another user can read, and pods of one group can write', async () => {
    const parent = await temporaryFolder();
    await chmod(parent, 0o2775);
    const folder = join(parent, 'a', 'b');
    await makeFolder(folder);
    for (const made of [join(parent, 'a'), folder]) expect((await stat(made)).mode & 0o775).toBe(0o775);
    expect((await stat(parent)).mode & 0o7777).toBe(0o2775);
  });

  it('says that a file is in the way of a folder', async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, 'blobs'), '');
    await expect(prepareStore(openStore(root))).rejects.toMatchObject({
      reason: 'Internal',
      message: expect.stringContaining(join(root, 'blobs')),
    });
  });

  it('says that it cannot be written', async ({ skip }) => {
    skip(isRoot, 'root may write anywhere');
    const root = await temporaryFolder();
    await mkdir(join(root, 'blobs'), { mode: 0o555 });
    await expect(prepareStore(openStore(root))).rejects.toMatchObject({ reason: 'ReadOnlyStore' });
  });

  it('gives each writer names of its own, and never the same twice', () => {
    const [a, b] = [openStore('/s'), openStore('/s')];
    const paths = [tempPath(a, 'x'), tempPath(a, 'x'), tempPath(b, 'x')];
    expect(new Set(paths).size).toBe(3);
    expect(paths[0]).toContain(a.writer);
    expect(a.writer).not.toBe(b.writer);
  });
});

describe('presence', () => {
  const weights = descriptorOf('x', Buffer.from('weights'));

  it('is a file of the right size, also behind a link', async () => {
    const store = await temporaryStore();
    expect(await blobSize(store, weights.digest)).toBeUndefined();
    const elsewhere = join(await temporaryFolder(), 'file');
    await writeFile(elsewhere, 'weights');
    await symlink(elsewhere, blobPath(store, weights.digest));
    expect(await hasBlob(store, weights)).toBe(true);
    expect(await hasBlob(store, { ...weights, size: 8 })).toBe(false);
    await rm(elsewhere);
    expect(await blobSize(store, weights.digest)).toBeUndefined();
  });

  it('is no folder and no loop of links', async () => {
    const store = await temporaryStore();
    await mkdir(blobPath(store, weights.digest));
    expect(await blobSize(store, weights.digest)).toBeUndefined();
    const loop = blobPath(store, digestOf('loop'));
    await symlink(loop, loop);
    expect(await blobSize(store, digestOf('loop'))).toBeUndefined();
  });

  it('names what is missing in the order asked', async () => {
    const store = await temporaryStore();
    const blobs = ['a', 'b', 'c'].map((text) => descriptorOf('x', Buffer.from(text)));
    await writeFile(blobPath(store, digestOf('b')), 'b');
    expect(await missingBlobs(store, blobs)).toEqual([blobs[0], blobs[2]]);
  });
});

describe('space', () => {
  it('is enough for a little and not for everything', async () => {
    const store = await temporaryStore();
    expect(await freeBytes(store)).toBeGreaterThan(0);
    await requireSpace(store, 1);
    await expect(requireSpace(store, 2 ** 60)).rejects.toMatchObject({
      reason: 'DiskFull',
      message: expect.stringMatching(/^needs 1024 PiB, [\d.]+ \w+ free on .*store$/),
    });
  });
});
