// Tidying after a pull: what no revision needs goes, where the store is ours alone and nobody else is at work on it.
import { dirname } from 'node:path';
import type { Digest } from '../models/digest.ts';
import { type FileLock, tryLock } from '../models/fileLock.ts';
import { namesIn } from '../models/files.ts';
import { removeOrphans } from '../models/partialFile.ts';
import { shortReference } from '../models/reference.ts';
import type { Store } from '../models/store.ts';
import { emptyQuarantine } from '../models/storeBlobs.ts';
import { type SweepOptions, sweep } from '../models/sweep.ts';
import type { PullConfig } from './config.ts';
import type { PullContext } from './sources.ts';

const ENTRY = '.json';

/** The operator keeps an entry for each revision that has pods. */
async function revisionsInUse({ revision, lockFile }: PullConfig): Promise<string[]> {
  const names = await namesIn(dirname(lockFile));
  const locked = names.filter((name) => name.endsWith(ENTRY)).map((name) => name.slice(0, -ENTRY.length));
  return [...new Set([revision, ...locked])];
}

/** Of downloads that crashes have ended. They are our own, so they go from a claim that the user brought too. */
const hasLeftovers = async ({ partial }: Store): Promise<boolean> =>
  (await namesIn(partial).catch(() => [])).length > 0;

async function sweepStore(
  store: Store,
  { clock, log, progress }: PullContext,
  options: Omit<SweepOptions, 'now'>,
): Promise<void> {
  progress.begin('Tidying');
  const swept = await sweep(store, { ...options, now: clock.now() });
  if (swept.refused) log.warn({ why: swept.refused }, 'store not tidied');
  if (swept.models.length + swept.blobs.length > 0)
    log.info(
      { models: swept.models.map(shortReference), blobs: swept.blobs.length, freedBytes: swept.freedBytes },
      'store tidied',
    );
}

/**
 * Removes now what would go after this pull, because it takes the room that the new model needs. Call it with the lock of the store
 * held. Never rejects.
 */
export async function tidyAhead(
  config: PullConfig,
  store: Store,
  context: PullContext,
  spared: ReadonlySet<Digest>,
): Promise<void> {
  if (!config.tidy) return;
  try {
    const inUse = await revisionsInUse(config);
    await sweepStore(store, context, { keepRevisions: config.tidy.keepRevisions - 1, inUse, spared });
  } catch (error) {
    context.log.warn({ err: error }, 'store not tidied');
  }
}

/**
 * Call it when the model is published and its revision recorded. Without `held` the lock of the store is tried, not waited for.
 * Never rejects: the model is there, and the next pull tidies again.
 */
export async function tidy(
  config: PullConfig,
  store: Store,
  context: PullContext,
  held: FileLock | undefined,
): Promise<void> {
  if (!config.tidy && !held && !(await hasLeftovers(store))) return;
  const { clock, log, owner } = context;
  let lock = held;
  try {
    lock ??= await tryLock({ path: store.lockFile, owner, clock });
    if (!lock || !(await lock.isOurs())) return;
    await emptyQuarantine(store);
    await removeOrphans(store, { owner, clock });
    if (!config.tidy) return;
    const inUse = await revisionsInUse(config);
    await sweepStore(store, context, { keepRevisions: config.tidy.keepRevisions, inUse });
  } catch (error) {
    log.warn({ err: error }, 'store not tidied');
  } finally {
    if (lock !== held) await lock?.release();
  }
}
