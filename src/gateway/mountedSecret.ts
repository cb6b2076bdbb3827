// A Secret as kubelet mounts it: read whole, and again every few seconds, because it is swapped while the pod runs.
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../process/clock.ts';

/** Entries by name. Empty: the Secret is missing, or has no entry. */
export type Entries = ReadonlyMap<string, Buffer>;

/** What Kubernetes allows for a Secret as a whole. */
const MAX_BYTES = 1024 * 1024;

/**
 * kubelet writes a new version aside and then swaps the link `..data`, so what it points to is of one version. Throws what
 * the file system says; a version that is swapped away while it is read shows as ENOENT.
 */
async function readVersion(directory: string): Promise<Entries> {
  const root = await realpath(join(directory, '..data')).catch(() => directory);
  const entries = new Map<string, Buffer>();
  for (const name of (await readdir(root)).sort()) {
    const path = join(root, name);
    const stats = await stat(path);
    if (name.startsWith('..') || !stats.isFile() || stats.size > MAX_BYTES) continue;
    entries.set(name, await readFile(path));
  }
  return entries;
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Throws what the file system says, but a folder that is not there is a Secret that is not there. */
async function readMounted(directory: string): Promise<Entries> {
  const first = await readVersion(directory).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  if (first) return first;
  return readVersion(directory).catch((error: unknown) => {
    if (isMissing(error)) return new Map();
    throw error;
  });
}

export interface Watch {
  /** Reads for the first time, and resolves when that is done. */
  start(): Promise<void>;
  stop(): void;
}

/** Often enough that a withdrawn key is soon worth nothing; kubelet itself takes up to a minute and a half to tell. */
const POLL_MS = 5000;

export interface WatchOptions {
  directory: string;
  clock: Clock;
  /** Given what is there now, or why it cannot be read; also when nothing has changed. */
  onRead(entries: Entries | Error): void;
}

/** Reads again and again: a few small files, and it works where the kernel tells nothing of changes. */
export function watchMounted({ directory, clock, onRead }: WatchOptions): Watch {
  let timer: Timer | undefined;
  let stopped = false;
  async function read(): Promise<void> {
    const entries = await readMounted(directory).catch((error: unknown) =>
      error instanceof Error ? error : new Error(String(error)),
    );
    if (stopped) return;
    onRead(entries);
    timer = clock.after(POLL_MS, () => void read());
  }
  return {
    start: read,
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
