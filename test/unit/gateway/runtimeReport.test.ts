import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it, test } from 'vitest';
import { reportReader } from '../../../src/gateway/runtimeReport.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';

const report = { schema: 1, model: 'tiny-cuda-gpu:1', executionProvider: 'CUDAExecutionProvider', device: 'GPU' };

let path: string;
beforeEach(async () => {
  path = join(await temporaryFolder(), 'runtime.json');
});

it('tells what stands in the file now, and nothing once it is gone', async () => {
  const read = reportReader(path);
  expect(await read()).toBeUndefined();
  await writeFile(path, JSON.stringify({ ...report, later: 'unknown to us' }));
  expect(await read()).toEqual(report);
  await writeFile(path, JSON.stringify({ ...report, device: 'CPU' }));
  expect(await read()).toMatchObject({ device: 'CPU' });
  await rm(path);
  expect(await read()).toBeUndefined();
});

test.each([
  ['half a document', '{"schema":1,'],
  ['another kind', JSON.stringify({ ...report, schema: 2 })],
  ['a provider that is no word', JSON.stringify({ ...report, executionProvider: 'CUDA\n<b>' })],
  ['a device that there is not', JSON.stringify({ ...report, device: 'TPU' })],
  ['too much', JSON.stringify({ ...report, filler: 'x'.repeat(5_000) })],
])('%s is no report', async (_, text) => {
  await writeFile(path, text);
  expect(await reportReader(path)()).toBeUndefined();
});

it('is nothing where the runtime is not asked, or has made a folder of the file', async () => {
  expect(await reportReader(undefined)()).toBeUndefined();
  await mkdir(path);
  expect(await reportReader(path)()).toBeUndefined();
});
