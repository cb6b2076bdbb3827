// A lock between processes, so that two test runs do not build the same thing side by side for minutes.
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Clock, delay } from '../../src/process/clock.ts';

const heartbeatMs = 5_000;
const staleMs = 60_000;
const pollMs = 500;

/**
 * Runs `work` while holding the lock that the folder `path` stands for. A lock whose process is gone, or that has not been
 * touched for a minute, is taken over. Only a courtesy: in the worst case two processes do the same work, which is safe
 * because results are put in place in one step.
 */
export async function withLock<T>(
  path: string,
  clock: Clock,
  onWait: (owner: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  while (!(await acquire(path))) {
    if (await isStale(path)) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    if (!told) onWait(await ownerOf(path));
    told = true;
    await setTimeout(pollMs); // holds the process, which a Clock's timer does not
  }
  const stop = new AbortController();
  const beating = beat(path, clock, stop.signal);
  try {
    return await work();
  } finally {
    stop.abort();
    await beating;
    await rm(path, { recursive: true, force: true });
  }
}

async function acquire(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  await writeFile(join(path, 'owner'), `${process.pid} ${hostname()}`);
  return true;
}

async function beat(path: string, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(clock, heartbeatMs, signal);
    const now = new Date();
    await utimes(path, now, now).catch(() => {}); // taken over by somebody who thought us dead: finish all the same
  }
}

async function ownerOf(path: string): Promise<string> {
  const owner = await readFile(join(path, 'owner'), 'utf8').catch(() => '');
  return owner ? `process ${owner.replace(' ', ' on ')}` : 'another process';
}

async function isStale(path: string): Promise<boolean> {
  const [pid, host] = (await readFile(join(path, 'owner'), 'utf8').catch(() => '')).split(' ');
  if (pid && host === hostname() && !isAlive(Number(pid))) return true;
  const entry = await stat(path).catch(() => undefined);
  return entry !== undefined && Date.now() - entry.mtimeMs > staleMs;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
