// One blob of a registry into the store: fetched in parts, hashed while it arrives, put in its place when the hash is right.
import type { Clock, Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type Bandwidth, unlimitedBandwidth } from './bandwidth.ts';
import { type Digest, shortDigest } from './digest.ts';
import { PullError } from './errors.ts';
import { digestOfFile } from './fileDigest.ts';
import type { LockOwner } from './fileLock.ts';
import { openPartial, type PartialFile, removeLeftovers } from './partialFile.ts';
import type { BlobFacts } from './partialState.ts';
import { createPrefixHash, type PrefixHash } from './prefixHash.ts';
import { prefixOf, rangesSize } from './ranges.ts';
import type { Reference } from './reference.ts';
import type { Registry } from './registry.ts';
import { blobSize, type Store } from './store.ts';
import { transfer } from './transfer.ts';

export interface DownloadProgress {
  /** Bytes of the blob that are there. Less than before when what had arrived was wrong. */
  readonly completedBytes: number;
  /** Bytes that came over the network for it, in this call. */
  readonly fetchedBytes: number;
}

export interface DownloadOptions {
  registry: Pick<Registry, 'blob' | 'distrust'>;
  reference: Reference;
  layer: BlobFacts;
  store: Store;
  /** Names us in the lock of the file that we write. */
  owner: LockOwner;
  /** At a time; default 8. */
  connections?: number;
  /** Of one request; default 32 MiB. */
  chunkBytes?: number;
  /** Milliseconds without a byte after which a connection is dropped; default 30 s. */
  stallMs?: number;
  /** Shared by the blobs of a pull. */
  bandwidth?: Bandwidth | undefined;
  signal: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
  clock: Clock;
  random: Random;
  log: Logger;
}

/** What came wrong once may come right; what comes wrong twice is what the registry has. */
const MAX_WRONG = 2;
/** A thread for the hash of less than this would cost more than it saves. */
const HASH_IN_THREAD_BYTES = 4 * 1024 * 1024;

/**
 * Returns when the blob is in the store, at once where it is there already with its size. Several calls may run side by side, in
 * this process and in others, for different blobs or for the same. Rejects with a PullError (`Corrupt` where the registry
 * sends something else), or with the reason of the signal; what has arrived until then is used by the next call.
 */
export async function downloadBlob(options: DownloadOptions): Promise<{ fetchedBytes: number }> {
  const { store, layer, owner, clock, onProgress, chunkBytes = 32 * 1024 * 1024 } = options;
  if ((await blobSize(store, layer.digest)) === layer.size) return { fetchedBytes: 0 };
  const partial = { store, blob: layer, owner, clock, saveEveryBytes: chunkBytes };
  const file = await openPartial(partial);
  let fetchedBytes = 0;
  const report = () => onProgress?.({ completedBytes: rangesSize(file.ranges), fetchedBytes });
  try {
    report();
    await fillRight({ ...options, chunkBytes }, file, report, (bytes) => {
      fetchedBytes += bytes;
    });
    await file.publish();
  } finally {
    await file.close();
  }
  await removeLeftovers(partial);
  return { fetchedBytes };
}

type Filling = DownloadOptions & { chunkBytes: number };

/** Until the file has the right content. What an earlier pull left is not held against the registry. */
async function fillRight(
  options: Filling,
  file: PartialFile,
  report: () => void,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { layer, registry, log } = options;
  for (let wrong = 0; ; ) {
    const isFresh = file.ranges.length === 0;
    const sources = new Set<string>();
    const actual = await fill(options, file, report, (bytes, source) => {
      sources.add(source);
      onBytes(bytes);
    });
    if (actual === layer.digest) return;
    log.warn(
      { digest: layer.digest, actual, sources: [...sources], resumed: !isFresh },
      'blob does not match its digest',
    );
    await file.reset();
    report();
    for (const source of sources) registry.distrust(source);
    if (isFresh) wrong += 1;
    if (wrong === MAX_WRONG) throw mismatch(layer, actual, sources);
  }
}

const mismatch = ({ digest }: BlobFacts, actual: Digest, sources: ReadonlySet<string>) =>
  new PullError(
    'Corrupt',
    `what ${[...sources].join(' and ')} sends as blob ${shortDigest(digest)} hashes to ${shortDigest(actual)}, ${MAX_WRONG} times in a row; the registry or a proxy on the way is damaged`,
  );

async function fill(
  options: Filling,
  file: PartialFile,
  report: () => void,
  onArrival: (bytes: number, source: string) => void,
): Promise<Digest> {
  const { layer, connections = 8, stallMs = 30_000, bandwidth = unlimitedBandwidth } = options;
  const hash = layer.size >= HASH_IN_THREAD_BYTES ? createPrefixHash(file.path, layer.size) : undefined;
  const ends = endsWith(options.signal, file, hash);
  try {
    hash?.advance(prefixOf(file.ranges));
    await transfer({
      ...options,
      blob: layer,
      file,
      connections,
      stallMs,
      bandwidth,
      signal: ends.signal,
      onArrival,
      onWritten() {
        hash?.advance(prefixOf(file.ranges));
        report();
      },
    });
    return hash ? await hash.digest : (await digestOfFile(file.path, { signal: ends.signal })).digest;
  } finally {
    ends.release();
    await hash?.close();
  }
}

/** One signal out of all that can end a download before its time. */
function endsWith(caller: AbortSignal, { lost }: PartialFile, hash: PrefixHash | undefined) {
  const controller = new AbortController();
  const follow = () => controller.abort(caller.reason);
  const giveUp = () =>
    controller.abort(new PullError('Internal', 'another process has taken the download over; it goes on there'));
  if (caller.aborted) follow();
  caller.addEventListener('abort', follow, { once: true });
  lost?.addEventListener('abort', giveUp, { once: true });
  hash?.digest.catch((error: unknown) => controller.abort(error));
  return {
    signal: controller.signal,
    release() {
      caller.removeEventListener('abort', follow);
      lost?.removeEventListener('abort', giveUp);
    },
  };
}
