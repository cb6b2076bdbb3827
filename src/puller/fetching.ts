// Bringing what the store lacks: bad blobs moved aside, room made, configs first, then the rest.
import type { Digest } from '../models/digest.ts';
import { PullError } from '../models/errors.ts';
import type { FileLock } from '../models/fileLock.ts';
import { blobsOf, type Descriptor } from '../models/manifest.ts';
import type { Reference } from '../models/reference.ts';
import { blobPath, blobSize, freeBytes, missingBlobs, requireSpace, type Store } from '../models/store.ts';
import { emptyQuarantine, quarantine, quarantined, touchBlob } from '../models/storeBlobs.ts';
import type { PullConfig } from './config.ts';
import type { Gathered } from './derivation.ts';
import { refuseByConfig } from './inspection.ts';
import type { ModelSource, PullContext } from './sources.ts';
import { tidyAhead } from './tidy.ts';
import { badBlobs } from './verification.ts';

export interface Pulling {
  readonly config: PullConfig;
  readonly store: Store;
  readonly source: ModelSource;
  readonly context: PullContext;
  /** Blobs that were found good in this run. */
  readonly checked: Set<Digest>;
  /** Of the store, where it is held. */
  readonly lock?: FileLock | undefined;
}

/** A blob, and a model that it can be had with. */
interface Need {
  readonly reference: Reference;
  readonly blob: Descriptor;
}

/** Every blob once, whichever of the models needs it. */
const needsOf = (models: readonly Gathered[]): Need[] => [
  ...new Map(
    models.flatMap(({ reference, raw }) => blobsOf(raw.manifest).map((blob) => [blob.digest, { reference, blob }])),
  ).values(),
];

export const blobsOfAll = (models: readonly Gathered[]): Descriptor[] => needsOf(models).map(({ blob }) => blob);

/** From here on a blob is worth several connections, so one after the other gets all of them. */
const LARGE_BYTES = 4 * 1024 * 1024;
const SMALL_AT_ONCE = 4;

/** Runs `act` for each, so many at a time; after a failure no new one begins, and none is left running. */
async function each<T>(items: readonly T[], atOnce: number, act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && failures.length === 0; item = queue.shift())
      await act(item).catch((error: unknown) => void failures.push(error));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) throw failures[0];
}

/** In the order of their worth: a config can end the pull before the weights are fetched. */
function groupsOf(models: readonly Gathered[], needs: readonly Need[]) {
  const configs = new Set(models.map(({ raw }) => raw.manifest.config?.digest));
  const rest = needs.filter(({ blob }) => !configs.has(blob.digest));
  return {
    configs: needs.filter(({ blob }) => configs.has(blob.digest)),
    small: rest.filter(({ blob }) => blob.size < LARGE_BYTES),
    large: rest.filter(({ blob }) => blob.size >= LARGE_BYTES),
  };
}

async function bringMissing(
  { source, context: { progress }, checked, store, config }: Pulling,
  models: readonly Gathered[],
  missing: ReadonlySet<Digest>,
): Promise<void> {
  const needs = needsOf(models);
  progress.begin(config.source.kind === 'Registry' ? 'Fetching' : 'Verifying', { layers: blobsOfAll(models) });
  for (const { blob } of needs) if (!missing.has(blob.digest)) progress.layer(blob.digest, blob.size, 0);
  const bring = async ({ reference, blob }: Need) => {
    await source.bring(reference, blob);
    checked.add(blob.digest);
  };
  const lacking = needs.filter(({ blob }) => missing.has(blob.digest));
  const { configs, small, large } = groupsOf(models, lacking);
  await each(configs, SMALL_AT_ONCE, bring);
  for (const { reference, raw } of models) await refuseByConfig(store, raw, reference, config.runtimeVersion);
  await each(small, SMALL_AT_ONCE, bring);
  await each(large, 1, bring);
}

/** Out of the way, so that no reader takes it for good; one of another size is bad without a look. */
async function moveBadAside({ config, store, context, checked }: Pulling, blobs: readonly Descriptor[]): Promise<void> {
  const { log, progress, signal } = context;
  const bad = await badBlobs(store, blobs, { verify: config.verify, checked, progress, signal });
  for (const blob of blobs) {
    const size = await blobSize(store, blob.digest);
    if (size !== undefined && size !== blob.size) bad.push(blob);
  }
  for (const { digest, size } of bad) {
    const aside = await quarantine(store, digest);
    log.warn({ digest, sizeBytes: size, aside }, 'blob in the store does not match its digest, moved aside');
  }
}

/** What could not be believed takes room that its replacement may need, and so does what no revision will need then. */
async function makeRoom({ config, store, context, lock }: Pulling, bytes: number, blobs: readonly Descriptor[]) {
  const isShort = async () => bytes > (await freeBytes(store));
  if (await isShort()) await emptyQuarantine(store);
  if ((await isShort()) && (await lock?.isOurs()))
    await tidyAhead(config, store, context, new Set(blobs.map(({ digest }) => digest)));
  await requireSpace(store, bytes);
}

/** That a replacement cannot be had is only half of the story: the cache was damaged. */
function cannotMend(store: Store, damaged: readonly Digest[], error: unknown): unknown {
  const [first] = damaged;
  if (!first || !(error instanceof PullError) || ['DiskFull', 'ReadOnlyStore', 'Corrupt'].includes(error.reason))
    return error;
  const more = damaged.length > 1 ? ` (and ${damaged.length - 1} more)` : '';
  return new PullError(
    'Corrupt',
    `${blobPath(store, first)}${more} did not match its digest and was moved aside, and cannot be fetched again: ${error.message}`,
    { cause: error },
  );
}

/**
 * Sees to it that all blobs of these models are in the store, and that each of them has been hashed once. Call it with the lock held.
 * Rejects with a PullError, or with the reason of the signal; what has arrived until then is of use to the next pull.
 */
export async function fetchMissing(pulling: Pulling, models: readonly Gathered[]): Promise<void> {
  const { store, source, context } = pulling;
  const blobs = blobsOfAll(models);
  await moveBadAside(pulling, blobs);
  const missing = await missingBlobs(store, blobs);
  const digests = new Set(missing.map(({ digest }) => digest));
  const now = new Date(context.clock.now());
  for (const { digest } of blobs) if (!digests.has(digest)) await touchBlob(store, digest, now);
  if (missing.length === 0) return;
  const damaged = (await quarantined(store)).filter((digest) => digests.has(digest));
  try {
    await makeRoom(pulling, await source.spaceFor(missing), blobs);
    await bringMissing(pulling, models, digests);
  } catch (error) {
    throw cannotMend(store, damaged, error);
  }
}
