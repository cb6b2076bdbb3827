import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { badFiles, digestOfList, listFiles, pathsIn, sizeOfList } from '../../../src/foundryLocal/fileList.ts';
import { digestOf } from '../../../src/models/digest.ts';
import { createProgress } from '../../../src/puller/progress.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { writeFiles } from './fakeCore.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

const reading = () => ({
  progress: createProgress({ revision: 'r', reference: 'tiny', clock: createVirtualClock(), sinks: [] }),
  signal: new AbortController().signal,
});

describe('the list of files', () => {
  it('has every file with its size and hash, in the same order everywhere', async () => {
    await writeFiles(folder, { 'b.txt': 'two', 'a/x.bin': 'one', B: 'three' });
    expect(await listFiles(folder, reading())).toEqual([
      { path: 'B', size: 5, digest: digestOf('three') },
      { path: 'a/x.bin', size: 3, digest: digestOf('one') },
      { path: 'b.txt', size: 3, digest: digestOf('two') },
    ]);
  });

  it('has nothing of the core, nor what a file system keeps for itself', async () => {
    await writeFiles(folder, {
      'model.onnx': 'w',
      'inference_model.json': '{}',
      'download.tmp': '',
      '.download.lock': '',
    });
    await mkdir(join(folder, 'lost+found'));
    await chmod(join(folder, 'lost+found'), 0o000);
    expect(await pathsIn(folder)).toEqual(['model.onnx']);
  });

  it('follows links to files', async () => {
    const elsewhere = await temporaryFolder();
    await writeFile(join(elsewhere, 'blob'), 'weights');
    await symlink(join(elsewhere, 'blob'), join(folder, 'model.onnx'));
    await symlink('nowhere', join(folder, 'dangling'));
    expect(await listFiles(folder, reading())).toEqual([{ path: 'model.onnx', size: 7, digest: digestOf('weights') }]);
  });

  it('of the same files has the same digest, of others another', async () => {
    await writeFiles(folder, { a: '1', b: '2' });
    const files = await listFiles(folder, reading());
    expect(digestOfList(files)).toBe(digestOfList([...files]));
    expect(digestOfList(files)).not.toBe(digestOfList(files.slice(1)));
    expect(sizeOfList(files)).toBe(2);
  });

  it('of an empty folder is refused', async () => {
    await expect(listFiles(folder, reading())).rejects.toMatchObject({ reason: 'NotFound' });
  });
});

it('finds what is missing, has another size or another hash', async () => {
  const large = 'x'.repeat(1024 * 1024 + 1);
  await writeFiles(folder, { gone: 'a', short: 'abc', small: 'abc', large, fine: 'ok' });
  const files = await listFiles(folder, reading());
  await writeFiles(folder, { short: 'ab', small: 'abd', large: large.replace('x', 'y') });
  const left = files.map((file) => (file.path === 'gone' ? { ...file, path: 'not-there' } : file));
  const bad = async (all: boolean) => (await badFiles(folder, left, all, reading())).map(({ path }) => path).sort();
  expect(await bad(false)).toEqual(['not-there', 'short', 'small']);
  expect(await bad(true)).toEqual(['large', 'not-there', 'short', 'small']);
});
