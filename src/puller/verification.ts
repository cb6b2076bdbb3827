// Which blobs of a store can be trusted. Every blob is hashed once by us, when it arrives or when it is met; after that its presence
// and size count, unless each start shall hash.
import type { Digest } from '../models/digest.ts';
import { blobsOf, type Descriptor } from '../models/manifest.ts';
import { promisedDigest } from '../models/servedName.ts';
import { hasBlob, type Store } from '../models/store.ts';
import { checkBlob } from '../models/storeBlobs.ts';
import { listManifests } from '../models/storeManifests.ts';
import type { PullConfig } from './config.ts';
import type { Progress } from './progress.ts';

/** To hash these takes no time, and a damaged config or template would be believed. */
const ALWAYS_HASHED_BYTES = 1024 * 1024;

/** Blobs of the models under names that only a pull of ours writes, and only after it has verified them. */
async function vouchedBlobs(store: Store): Promise<ReadonlySet<Digest>> {
  const vouched = new Set<Digest>();
  for (const stored of await listManifests(store)) {
    if (!('raw' in stored) || promisedDigest(stored.reference) !== stored.raw.digest) continue;
    for (const { digest } of blobsOf(stored.raw.manifest)) vouched.add(digest);
  }
  return vouched;
}

export interface VerifyOptions {
  readonly verify: PullConfig['verify'];
  /** Found good in this run, so not hashed again; grows. */
  readonly checked: Set<Digest>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Blobs that are there and do not match their digest. Those that are missing, or not of their size, are not looked at. */
export async function badBlobs(
  store: Store,
  blobs: readonly Descriptor[],
  { verify, checked, progress, signal }: VerifyOptions,
): Promise<Descriptor[]> {
  const vouched = verify === 'OnStart' ? new Set<Digest>() : await vouchedBlobs(store);
  const doubtful = blobs.filter(
    ({ digest, size }) => !checked.has(digest) && (size <= ALWAYS_HASHED_BYTES || !vouched.has(digest)),
  );
  const present = await Promise.all(doubtful.map((blob) => hasBlob(store, blob)));
  const hashed = doubtful.filter((_, index) => present[index]);
  if (hashed.length > 0) progress.begin('Verifying', { layers: hashed });
  const bad: Descriptor[] = [];
  for (const blob of hashed) {
    let read = 0;
    const onBytes = (bytes: number) => {
      read += bytes;
      progress.layer(blob.digest, read, bytes);
    };
    if ((await checkBlob(store, blob, { signal, onBytes })) === 'wrong') bad.push(blob);
    else checked.add(blob.digest);
  }
  return bad;
}
