import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock, type FileLock, type LockOwner, STALE_MS, tryLock } from '../../../src/models/fileLock.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';
import { temporaryFolder } from './temporaryStore.ts';

const here: LockOwner = { host: 'here', pid: process.pid };
const elsewhere: LockOwner = { host: 'elsewhere', pid: process.pid };

async function setUp() {
  const path = join(await temporaryFolder(), 'below', 'lock');
  const clock = createVirtualClock();
  const lockAs = (owner: LockOwner) => tryLock({ path, owner, clock });
  /** A file that an owner has left, or beats no more. */
  const leave = async (content: string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  };
  return { path, clock, lockAs, leave };
}

const record = (host: string, pid: number, startedAt = '1') => JSON.stringify({ token: 'old', host, pid, startedAt });

/** Second by second, each only when so many wait for the clock: what they do in between is real file I/O. */
async function passTime(clock: VirtualClock, waiters: number, condition: () => boolean): Promise<void> {
  for (;;) {
    await clock.until(() => condition() || clock.pending >= waiters);
    if (condition()) return;
    await clock.advance(1_000);
  }
}

/** Takes a lock that is there, failing the test where it is not. */
const mine = (lock: FileLock | undefined): FileLock => {
  expect(lock).toBeDefined();
  if (!lock) throw new Error('no lock');
  onTestFinished(() => lock.release());
  return lock;
};

describe('a file lock', () => {
  it('is had by one at a time', async () => {
    const { path, lockAs } = await setUp();
    const lock = mine(await lockAs(here));
    await expect(lockAs(elsewhere)).resolves.toBeUndefined();
    await expect(lockAs(here)).resolves.toBeUndefined();
    await lock.release();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    mine(await lockAs(elsewhere));
  });

  it('is had by one of many that come at once', async () => {
    const { lockAs } = await setUp();
    const locks = await Promise.all(Array.from({ length: 20 }, (_, pid) => lockAs({ host: `host-${pid}`, pid })));
    const had = locks.filter((lock) => lock !== undefined);
    expect(had).toHaveLength(1);
    mine(had[0]);
  });

  it('says whose it is', async () => {
    const { path, lockAs } = await setUp();
    mine(await lockAs(here));
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ host: 'here', pid: process.pid });
  });

  it('is waited for, and the waiter is told once for whom', async () => {
    const { path, clock, lockAs } = await setUp();
    const first = mine(await lockAs(elsewhere));
    const holders: string[] = [];
    let second: FileLock | undefined;
    const waiting = acquireLock({ path, owner: here, clock, onWait: (holder) => void holders.push(holder) }).then(
      (lock) => {
        second = lock;
      },
    );
    await clock.until(() => holders.length === 1);
    await clock.advance(5_000);
    expect(second).toBeUndefined();
    await first.release();
    await passTime(clock, 1, () => second !== undefined);
    await waiting;
    expect(holders).toEqual([`process ${process.pid} on elsewhere`]);
    mine(second);
  });

  it('is waited for no longer than the signal says', async () => {
    const { path, clock, lockAs } = await setUp();
    mine(await lockAs(elsewhere));
    const stop = new AbortController();
    const reason = new Error('stopped');
    const ended = expect(acquireLock({ path, owner: here, clock, signal: stop.signal })).rejects.toBe(reason);
    stop.abort(reason);
    await ended;
  });

  it('of a process that was killed is taken at once on its host', async () => {
    const { lockAs, leave } = await setUp();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const startedAt = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
    await leave(record('here', pid, startedAt));
    await expect(lockAs(here)).resolves.toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'close');
    mine(await lockAs(here));
  });

  it('of a process whose pid another one has now is taken at once', async () => {
    const { lockAs, leave } = await setUp();
    await leave(record('here', process.pid, 'long ago'));
    mine(await lockAs(here));
  });

  it('of another host is taken only after a silence that we have seen ourselves', async () => {
    const { path, clock, lockAs, leave } = await setUp();
    await leave(record('elsewhere', 1));
    await expect(lockAs(here)).resolves.toBeUndefined();
    let lock: FileLock | undefined;
    const waiting = acquireLock({ path, owner: here, clock }).then((taken) => {
      lock = taken;
    });
    const began = clock.monotonic();
    await passTime(clock, 1, () => lock !== undefined);
    await waiting;
    expect(clock.monotonic() - began).toBeGreaterThanOrEqual(STALE_MS);
    expect(clock.monotonic() - began).toBeLessThan(STALE_MS + 10_000);
    mine(lock);
    expect(await readdir(dirname(path))).toEqual(['lock']);
  });

  it('stays with an owner that beats, however long it takes', async () => {
    const { path, clock, lockAs } = await setUp();
    const first = mine(await lockAs(elsewhere));
    const stop = new AbortController();
    const ended = expect(acquireLock({ path, owner: here, clock, signal: stop.signal })).rejects.toThrow('enough');
    const began = clock.monotonic();
    await passTime(clock, 2, () => clock.monotonic() - began > 3 * STALE_MS);
    expect(await first.isOurs()).toBe(true);
    expect(first.lost.aborted).toBe(false);
    stop.abort(new Error('enough'));
    await ended;
  });

  it.each(['', '{', '{"token":1}'])('that nobody has signed (%j) is taken soon', async (content) => {
    const { path, clock, leave } = await setUp();
    await leave(content);
    let lock: FileLock | undefined;
    const waiting = acquireLock({ path, owner: here, clock }).then((taken) => {
      lock = taken;
    });
    const began = clock.monotonic();
    await passTime(clock, 1, () => lock !== undefined);
    await waiting;
    expect(clock.monotonic() - began).toBeLessThan(STALE_MS);
    mine(lock);
  });

  it('tells its owner when another has taken it over, and is then left to him', async () => {
    const { path, clock, lockAs } = await setUp();
    const lock = mine(await lockAs(here));
    const theirs = record('elsewhere', 1);
    await writeFile(path, theirs);
    await passTime(clock, 1, () => lock.lost.aborted);
    expect(await lock.isOurs()).toBe(false);
    await lock.release();
    expect(await readFile(path, 'utf8')).toBe(theirs);
  });

  it('leaves no timer behind', async () => {
    const { clock, lockAs } = await setUp();
    await mine(await lockAs(here)).release();
    expect(clock.pending).toBe(0);
  });

  it('where nothing can be written ends as a PullError that names the file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const path = join(folder, 'file', 'lock');
    await expect(tryLock({ path, owner: here, clock: createVirtualClock() })).rejects.toMatchObject({
      name: 'PullError',
    });
  });
});
