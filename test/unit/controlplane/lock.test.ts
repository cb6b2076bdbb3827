import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/process/clock.ts';
import { withLock } from '../../controlplane/lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmo-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const path = () => join(folder, 'deep', 'lock');

test('keeps two from working at once, and tells the one that waits', async () => {
  let inside = 0;
  let most = 0;
  const waits: string[] = [];
  const work = async () => {
    most = Math.max(most, ++inside);
    await readdir(folder);
    inside--;
  };
  const run = () => withLock(path(), systemClock, (owner) => waits.push(owner), work);
  await Promise.all([run(), run()]);
  expect(most).toBe(1);
  expect(waits.join()).toContain(`process ${process.pid} on ${hostname()}`);
});

test('is freed when the work fails', async () => {
  const failing = withLock(
    path(),
    systemClock,
    () => {},
    () => Promise.reject(new Error('no')),
  );
  await expect(failing).rejects.toThrow('no');
  expect(
    await withLock(
      path(),
      systemClock,
      () => {},
      async () => 'again',
    ),
  ).toBe('again');
});

test('of a process that is gone is taken over', async () => {
  const { pid } = spawnSync('true');
  await mkdir(path(), { recursive: true });
  await writeFile(join(path(), 'owner'), `${pid} ${hostname()}`);
  expect(
    await withLock(
      path(),
      systemClock,
      () => {},
      async () => 'mine',
    ),
  ).toBe('mine');
});
