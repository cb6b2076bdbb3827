import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { progressFile } from '../../../src/puller/progressFile.ts';
import { type ProgressReport, parseProgress } from '../../../src/puller/progressReport.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';

const report: ProgressReport = {
  schema: 1,
  revision: 'r1',
  reference: 'tiny',
  phase: 'Fetching',
  startedAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:01.000Z',
  completedBytes: 1,
  totalBytes: 2,
  fetchedBytes: 1,
  layers: [],
};

it('replaces the file as a whole, and makes its folder', async () => {
  const path = join(await temporaryFolder(), 'shared', 'progress.json');
  const { log, lines } = recordLog();
  const write = progressFile(path, log);
  await write(report);
  await write({ ...report, completedBytes: 2 });
  expect(parseProgress(await readFile(path, 'utf8'))).toEqual({ ...report, completedBytes: 2 });
  expect(await readdir(join(path, '..'))).toEqual(['progress.json']);
  expect(lines).toEqual([]);
});

it('says once that it cannot be written, and never fails', async () => {
  const path = join(await temporaryFolder(), 'progress.json');
  await mkdir(`${path}.new`);
  const { log, lines } = recordLog();
  const write = progressFile(path, log);
  await write(report);
  await write(report);
  expect(lines).toMatchObject([{ level: 'warn', message: 'progress cannot be written' }]);
});

it.each(['', '{', '{"schema":1}', '[]'])('is no report: %j', (text) => {
  expect(parseProgress(text)).toBeUndefined();
});

it('is read by an older gateway whatever is new in it', () => {
  expect(parseProgress(JSON.stringify({ ...report, schema: 2, phase: 'Dreaming', more: 1 }))).toMatchObject({
    phase: 'Dreaming',
  });
});
