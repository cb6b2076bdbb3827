import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { blobPath, openStore, type Store, tempPath } from '../../../src/models/store.ts';
import {
  checkBlob,
  emptyQuarantine,
  linkBlob,
  listBlobs,
  partialPath,
  partialsOf,
  publishBlob,
  quarantine,
  readBlob,
  touchBlob,
  writeBlob,
} from '../../../src/models/storeBlobs.ts';
import { descriptorOf, temporaryFolder, temporaryStore } from './temporaryStore.ts';

const content = Buffer.from('weights');
const weights = descriptorOf('x', content);
const pathIn = (store: Store) => blobPath(store, weights.digest);

async function elsewhere(text = 'weights'): Promise<string> {
  const path = join(await temporaryFolder(), 'file');
  await writeFile(path, text);
  return path;
}

describe('blobs', () => {
  it('are written whole, readable for all, and leave nothing beside them', async () => {
    const store = await temporaryStore();
    expect(await writeBlob(store, content)).toBe(weights.digest);
    expect(await readFile(pathIn(store))).toEqual(content);
    expect((await stat(pathIn(store))).mode & 0o777).toBe(0o644);
    expect(await readdir(store.temp)).toEqual([]);
  });

  it('are not written twice', async () => {
    const store = await temporaryStore();
    await writeBlob(store, content);
    const { ino } = await stat(pathIn(store));
    await writeBlob(store, content);
    expect((await stat(pathIn(store))).ino).toBe(ino);
  });

  it('are written again where other bytes of the same length are there', async () => {
    const store = await temporaryStore();
    await writeFile(pathIn(store), 'weighty');
    await writeBlob(store, content);
    expect(await readFile(pathIn(store))).toEqual(content);
  });

  it('take the place of what is damaged or linked when they are published', async () => {
    const store = await temporaryStore();
    const target = await elsewhere('we');
    await symlink(target, pathIn(store));
    const temp = tempPath(store, 'download');
    await writeFile(temp, content, { mode: 0o600 });
    await publishBlob(store, temp, weights.digest);
    expect(await readFile(pathIn(store))).toEqual(content);
    expect((await stat(pathIn(store))).mode & 0o777).toBe(0o644);
    expect(await readFile(target, 'utf8')).toBe('we');
  });

  it('stay readable for who has them open while they are replaced', async () => {
    const store = await temporaryStore();
    await writeFile(pathIn(store), 'damaged');
    const temp = tempPath(store, 'download');
    await writeFile(temp, content);
    const before = await stat(pathIn(store));
    await publishBlob(store, temp, weights.digest);
    expect((await stat(pathIn(store))).ino).not.toBe(before.ino);
  });

  it('cannot be published from nowhere', async () => {
    const store = await temporaryStore();
    await expect(publishBlob(store, tempPath(store, 'none'), weights.digest)).rejects.toMatchObject({
      reason: 'Internal',
    });
  });

  it('are listed without strangers', async () => {
    const store = await temporaryStore();
    await writeBlob(store, content);
    await writeFile(join(store.blobs, 'sha256-1234'), '');
    await writeFile(`${pathIn(store)}-partial`, '');
    expect(await listBlobs(store)).toEqual([weights.digest]);
    expect(await listBlobs(openStore('/nowhere'))).toEqual([]);
  });

  it('count as used now when they are touched, also where there is none', async () => {
    const store = await temporaryStore();
    await writeBlob(store, content);
    const then = new Date('2030-01-01T00:00:00Z');
    await touchBlob(store, weights.digest, then);
    expect((await stat(pathIn(store))).mtimeMs).toBe(then.getTime());
    await touchBlob(store, digestOf('none'), then);
  });
});

describe('reading a small blob', () => {
  it('checks what it reads', async () => {
    const store = await temporaryStore();
    const read = (maxBytes = 100) => readBlob(store, weights, maxBytes);
    await expect(read()).rejects.toMatchObject({ reason: 'Corrupt', message: expect.stringContaining('missing') });
    await writeFile(pathIn(store), 'weighty');
    await expect(read()).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining('does not match'),
    });
    await writeFile(pathIn(store), content);
    expect(await read()).toEqual(content);
    await expect(read(6)).rejects.toMatchObject({ reason: 'Corrupt', message: expect.stringContaining('more than 6') });
  });
});

describe('checking a blob', () => {
  it('tells good from missing, short and wrong', async () => {
    const store = await temporaryStore();
    expect(await checkBlob(store, weights)).toBe('missing');
    await writeFile(pathIn(store), 'weight');
    expect(await checkBlob(store, weights)).toBe('wrong');
    await writeFile(pathIn(store), 'weighty');
    expect(await checkBlob(store, weights)).toBe('wrong');
    await writeFile(pathIn(store), content);
    const seen: number[] = [];
    expect(await checkBlob(store, weights, { onBytes: (bytes) => seen.push(bytes) })).toBe('good');
    expect(seen).toEqual([content.length]);
  });
});

describe('quarantine', () => {
  it('moves a bad blob aside, the latest in place of earlier ones', async () => {
    const store = await temporaryStore();
    for (const text of ['first', 'second']) {
      await writeFile(pathIn(store), text);
      expect(await readFile(await quarantine(store, weights.digest), 'utf8')).toBe(text);
    }
    expect(await listBlobs(store)).toEqual([]);
    expect(await readdir(store.bad)).toHaveLength(1);
    await emptyQuarantine(store);
    expect(await readdir(store.bad)).toEqual([]);
  });

  it('takes the link and leaves what it points to', async () => {
    const store = await temporaryStore();
    const target = await elsewhere();
    await linkBlob(store, weights, target);
    await quarantine(store, weights.digest);
    expect(await readFile(target, 'utf8')).toBe('weights');
    expect(await listBlobs(store)).toEqual([]);
  });

  it('has nothing to do for a blob that another has moved already', async () => {
    await quarantine(await temporaryStore(), weights.digest);
  });
});

describe('links', () => {
  it('stand for files elsewhere and follow when these move', async () => {
    const store = await temporaryStore();
    const [first, second] = [await elsewhere(), await elsewhere()];
    for (const target of [first, first, second]) await linkBlob(store, weights, target);
    expect(await readlink(pathIn(store))).toBe(second);
    expect(await checkBlob(store, weights)).toBe('good');
  });

  it('do not replace a whole file, but a damaged one', async () => {
    const store = await temporaryStore();
    const target = await elsewhere();
    await writeBlob(store, content);
    await linkBlob(store, weights, target);
    expect((await stat(pathIn(store))).ino).not.toBe((await stat(target)).ino);
    await writeFile(pathIn(store), 'short');
    await linkBlob(store, weights, target);
    expect(await readlink(pathIn(store))).toBe(target);
  });
});

describe('unfinished downloads', () => {
  it('belong to their writer and are found by all', async () => {
    const ours = await temporaryStore('ours');
    const theirs = openStore(ours.root, 'theirs');
    expect(partialPath(ours, weights.digest)).not.toBe(partialPath(theirs, weights.digest));
    for (const store of [ours, theirs]) await writeFile(partialPath(store, weights.digest), 'w');
    await writeFile(partialPath(ours, digestOf('other')), 'o');
    await mkdir(join(ours.partial, 'folder'));
    expect(await partialsOf(ours, weights.digest)).toEqual([
      partialPath(ours, weights.digest),
      partialPath(theirs, weights.digest),
    ]);
  });
});
