// A blob that is being written: its bytes, which of them are there, and a lock that says that somebody is at work.
//
// A killed process loses what it wrote after the last saved state. What a power cut loses besides is found by the hash, which
// is computed over the file itself.
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../process/clock.ts';
import { digestOfBlobName } from './digest.ts';
import { fileError } from './errors.ts';
import { type FileLock, type LockOwner, tryLock } from './fileLock.ts';
import { namesIn } from './files.ts';
import { type BlobFacts, createPartialState, leftovers, lockPath, rangesOf, statePath } from './partialState.ts';
import { prefixOf, type Range } from './ranges.ts';
import { blobSize, makeFolder, type Store } from './store.ts';
import { partialPath, publishBlob } from './storeBlobs.ts';
import { createWriteBack } from './writeBack.ts';

export interface PartialFile {
  readonly path: string;
  readonly ranges: readonly Range[];
  /** Aborts when another process has taken the file over. */
  readonly lost: AbortSignal | undefined;
  /** Each byte is written once: whoever hashes behind us relies on it. Rejects with a PullError. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Forgets all but what is there from the beginning on without a gap. */
  keepPrefix(): void;
  /** Forgets everything. */
  reset(): Promise<void>;
  /** Makes it the blob of the store. The caller has computed its digest. */
  publish(): Promise<void>;
  /** Leaves it to whoever comes next; nothing after `publish`. Never throws. */
  close(): Promise<void>;
}

export interface PartialOptions {
  readonly store: Store;
  readonly blob: BlobFacts;
  readonly owner: LockOwner;
  readonly clock: Clock;
  /** The state is saved after so many bytes, if not before for the time. */
  readonly saveEveryBytes: number;
}

/** The best of what was left by those who are at work no more, else a new file. Rejects with a PullError. */
export async function openPartial(options: PartialOptions): Promise<PartialFile> {
  const { store, blob } = options;
  await makeFolder(store.partial);
  for (const { path } of await leftovers(store, blob)) {
    const lock = await lockOf(path, options);
    if (!lock) continue;
    try {
      // Read once more: its owner may have gone on until now.
      return await openFile(path, await rangesOf(path, blob), lock, options);
    } catch {
      await lock.release(); // another user's, perhaps
    }
  }
  const path = partialPath(store, blob.digest);
  return openFile(path, [], await lockOf(path, options), options);
}

/** Removes what others have left of the same blob and are at work on no more. Never throws. */
export async function removeLeftovers(options: PartialOptions): Promise<void> {
  for (const { path } of await leftovers(options.store, options.blob).catch(() => [])) {
    const lock = await lockOf(path, options);
    if (lock) for (const file of [path, statePath(path)]) await remove(file);
    await lock?.release();
  }
}

/** The file itself, then what lies beside it: its state, a state that is being written, its lock, a lock that was put away. */
const MEMBER = /^(sha256-[0-9a-f]{64})\.[A-Za-z0-9-]+(?=\.|$)/;

/**
 * Removes what belongs to no unfinished download any more and nobody is at work on: a process that was killed right after it had
 * published a blob, or right before its first byte, leaves a state or a lock without a file. Call it when nothing is downloading
 * here. Never throws.
 */
export async function removeOrphans(store: Store, holder: Pick<PartialOptions, 'owner' | 'clock'>): Promise<void> {
  const names = await namesIn(store.partial).catch(() => []);
  for (const [base, members] of Map.groupBy(names, (name) => MEMBER.exec(name)?.[0])) {
    const digest = digestOfBlobName(base?.split('.')[0] ?? '');
    if (base === undefined || digest === undefined) continue;
    if (members.includes(base) && (await blobSize(store, digest).catch(() => undefined)) === undefined) continue;
    const path = join(store.partial, base);
    const lock = await lockOf(path, holder);
    if (lock)
      for (const name of members) if (name !== basename(lockPath(path))) await remove(join(store.partial, name));
    await lock?.release();
  }
}

const remove = (path: string) => rm(path, { force: true }).catch(() => undefined);

/** Undefined where somebody else has it, or where there can be no locks; then its name alone keeps others away. */
const lockOf = (
  path: string,
  { owner, clock }: Pick<PartialOptions, 'owner' | 'clock'>,
): Promise<FileLock | undefined> => tryLock({ path: lockPath(path), owner, clock }).catch(() => undefined);

async function openFile(
  path: string,
  found: readonly Range[],
  lock: FileLock | undefined,
  { store, blob, clock, saveEveryBytes }: PartialOptions,
): Promise<PartialFile> {
  const { digest, size } = blob;
  const file = await guarded(path, open(path, found.length > 0 ? 'r+' : 'w+', 0o644));
  // Its length at once, so that no write moves the end and a limit on file sizes speaks early.
  await guarded(path, file.truncate(size));
  const writeBack = createWriteBack(file);
  const writeThrough = async (bytes: Uint8Array, position: number) => {
    await writeAll(file, bytes, position);
    writeBack.add(bytes.length);
  };
  const state = createPartialState(path, found, { size, clock, saveEveryBytes });
  let isOpen = true;

  async function closeFile(): Promise<void> {
    isOpen = false;
    await file.close().catch(() => undefined);
  }

  return {
    path,
    get ranges() {
      return state.ranges;
    },
    lost: lock?.lost,
    async write(bytes, position) {
      await guarded(path, writeThrough(bytes, position));
      state.add([position, position + bytes.length]);
    },
    keepPrefix() {
      const prefix = prefixOf(state.ranges);
      state.ranges = prefix > 0 ? [[0, prefix]] : [];
    },
    async reset() {
      state.ranges = [];
      await state.save();
      await guarded(path, file.truncate(0)); // gives the disk back its space
      await guarded(path, file.truncate(size));
    },
    async publish() {
      await guarded(path, writeBack.settled());
      await closeFile();
      await publishBlob(store, path, digest);
      await state.remove();
      await lock?.release();
    },
    async close() {
      if (!isOpen) return;
      await writeBack.settled().catch(() => undefined);
      await closeFile();
      if (state.ranges.length > 0) await state.save();
      else await Promise.all([state.remove(), remove(path)]);
      await lock?.release();
    },
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

async function guarded<T>(path: string, act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
}
