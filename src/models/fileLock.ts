// A lock between processes that share a folder, also from different nodes. It outlives crashes: the owner beats by touching
// the file, and one that is silent, or known to be gone, loses it.
//
// Only a courtesy: two owners at once would be possible where a file system breaks O_EXCL or a process is frozen for a minute.
// So whoever writes under it must be safe without it; the lock saves work. `lost` tells an owner that it is one no longer.
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { link, open, readFile, rename, rm, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { type Clock, delay } from '../process/clock.ts';
import { errorCode, fileError } from './errors.ts';
import { makeFolder } from './store.ts';

export interface LockOwner {
  /** Host name; in a pod the pod's. */
  readonly host: string;
  readonly pid: number;
}

export interface FileLockOptions {
  readonly path: string;
  readonly owner: LockOwner;
  readonly clock: Clock;
}

export interface FileLock {
  /** Aborts when somebody else has taken the lock over. */
  readonly lost: AbortSignal;
  /** Looks into the file: true while it still says our name. */
  isOurs(): Promise<boolean>;
  /** Removes the file, if it is ours. Never throws. */
  release(): Promise<void>;
}

const BEAT_MS = 5_000;
const POLL_MS = 1_000;
/** By the watcher's own clock, so that clocks need not agree; longer than NFS clients cache attributes (60 s). */
export const STALE_MS = 90_000;
/** Who has made the file names himself in it at once, unless he dies just then. */
const NAMELESS_STALE_MS = 10_000;

const record = z.object({
  token: z.string(),
  host: z.string(),
  pid: z.number(),
  /** When the process began, in clock ticks since boot: pids come again, in a restarted container at once. */
  startedAt: z.string().optional(),
});

type Holder = z.output<typeof record>;

/** A word for people about who has it. */
const nameOf = ({ host, pid }: Holder): string => `process ${pid} on ${host}`;

/**
 * Waits until the lock is ours. `onWait` is told once who has it. Rejects with a PullError where the folder cannot be written,
 * or with the reason of the signal.
 */
export async function acquireLock(
  options: FileLockOptions & { signal?: AbortSignal | undefined; onWait?: (holder: string) => void },
): Promise<FileLock> {
  const { clock, signal, onWait } = options;
  const attempt = lockAttempt(options);
  for (let told = false; ; told = true) {
    signal?.throwIfAborted();
    const result = await attempt();
    if ('lock' in result) return result.lock;
    if (!told) onWait?.(result.holder);
    await delay(clock, POLL_MS, signal);
  }
}

/** The lock, if it is free or its owner is known to be gone; undefined otherwise, at once. Rejects as acquireLock. */
export async function tryLock(options: FileLockOptions): Promise<FileLock | undefined> {
  const attempt = lockAttempt(options);
  // The second one after the remains of a dead owner were put away.
  for (let round = 0; round < 2; round++) {
    const result = await attempt();
    if ('lock' in result) return result.lock;
    if (!result.cleared) return undefined;
  }
  return undefined;
}

type Attempt = { lock: FileLock } | { holder: string; cleared: boolean };

/** Attempts that remember what they saw, since silence is a matter of time. */
function lockAttempt({ path, owner, clock }: FileLockOptions): () => Promise<Attempt> {
  let seen: { state: string; since: number } | undefined;
  return async () => {
    const token = randomUUID();
    if (await create(path, { token, ...owner, startedAt: await startOf(owner.pid) }))
      return { lock: own(path, token, clock) };
    const found = await look(path);
    if (!found) return { holder: 'another process', cleared: true };
    if (seen?.state !== found.state) seen = { state: found.state, since: clock.monotonic() };
    const silent = clock.monotonic() - seen.since >= (found.holder ? STALE_MS : NAMELESS_STALE_MS);
    const cleared = (silent || (await isGone(found.holder, owner))) && (await clear(path, found));
    return { holder: found.holder ? nameOf(found.holder) : 'another process', cleared };
  };
}

async function create(path: string, holder: Holder): Promise<boolean> {
  try {
    await makeFolder(dirname(path));
    writeNew(path, JSON.stringify(holder));
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw fileError(error, `lock ${path}`);
  }
  return (await look(path))?.holder?.token === holder.token;
}

/** In one go: a process that is killed in between leaves a lock without a name, which others have to watch before they trust it. */
function writeNew(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o664);
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}

interface Found {
  /** Absent while the file is empty or damaged: its owner is writing it, or died then. */
  holder: Holder | undefined;
  /** Changes with each beat. */
  state: string;
}

/** Opened anew each time: that is when NFS asks the server (close-to-open consistency). */
async function look(path: string): Promise<Found | undefined> {
  try {
    await using file = await open(path, 'r');
    const { mtimeMs, ino } = await file.stat();
    const text = await file.readFile('utf8');
    return { holder: parseHolder(text), state: `${ino} ${mtimeMs} ${text}` };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESTALE') return undefined;
    throw fileError(error, `read the lock ${path}`);
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return record.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * On our own host a process can be looked up. A container that was restarted in its pod keeps the host name but sees other
 * processes under the pids of the old one, with other start times: gone as well.
 */
async function isGone(holder: Holder | undefined, { host }: LockOwner): Promise<boolean> {
  if (!holder || holder.host !== host || holder.startedAt === undefined) return false;
  return (await startOf(holder.pid)) !== holder.startedAt;
}

/** Field 22 of proc_pid_stat(5); undefined where there is no such process, or no /proc. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Behind the name, which may hold anything; there field 3 comes first.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

/** Moved aside first: of several who saw the same remains, one gets them, and one who was late sees that he took a new lock. */
async function clear(path: string, { state }: Found): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`;
  try {
    const found = await look(path);
    if (found?.state !== state) return false;
    await rename(path, aside);
    const taken = await look(aside);
    if (taken && taken.holder?.token !== found.holder?.token) await link(aside, path).catch(() => undefined);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw fileError(error, `take over the lock ${path}`);
  } finally {
    await rm(aside, { force: true }).catch(() => undefined);
  }
}

function own(path: string, token: string, clock: Clock): FileLock {
  const gone = new AbortController();
  const released = new AbortController();
  const isOurs = async () => (await look(path).catch(() => undefined))?.holder?.token === token;

  const beat = async () => {
    for (;;) {
      await delay(clock, BEAT_MS, released.signal);
      if (released.signal.aborted) return;
      // Unreadable for a moment is not lost: only another's name is.
      const found = await look(path).catch(() => ({ holder: { token } }));
      if (found?.holder?.token !== token) return gone.abort(new Error(`the lock ${path} was taken over`));
      const now = new Date(clock.now());
      await utimes(path, now, now).catch(() => undefined);
    }
  };
  const beating = beat();

  return {
    lost: gone.signal,
    isOurs,
    async release() {
      released.abort();
      await beating;
      if (await isOurs()) await rm(path, { force: true }).catch(() => undefined);
    },
  };
}
