// Tidying after a pull: variants that no revision needs go, and downloads that were never finished, where the store is ours alone.
import { lstat, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FileLock, tryLock } from '../models/fileLock.ts';
import { namesIn } from '../models/files.ts';
import { GRACE_MS } from '../models/sweep.ts';
import { pathsIn } from './fileList.ts';
import { unfinishedFolders } from './folderSource.ts';
import type { Pulling } from './pull.ts';
import { allRecords, forgetVariant, type RevisionRecord, type VariantRecord } from './records.ts';
import { folderOf } from './served.ts';

const ENTRY = '.json';

/** The operator keeps an entry for each revision that has pods. */
async function locked(lockFile: string): Promise<string[]> {
  const names = await namesIn(dirname(lockFile));
  return names.filter((name) => name.endsWith(ENTRY)).map((name) => name.slice(0, -ENTRY.length));
}

/** The revision of this pull, those with pods, and the latest of the others. */
function needed(revisions: readonly RevisionRecord[], inUse: ReadonlySet<string>, keep: number): Set<string> {
  const latest = [...revisions].sort((a, b) => b.usedAt.localeCompare(a.usedAt)).slice(0, keep);
  return new Set([...latest, ...revisions.filter(({ revision }) => inUse.has(revision))].map(({ id }) => id));
}

/** Whether nothing in it has been written since `before`, milliseconds since the epoch. */
async function isOlder(folder: string, before: number): Promise<boolean> {
  const paths = [folder, ...(await pathsIn(folder)).map((path) => join(folder, path))];
  const stats = await Promise.all(paths.map((path) => lstat(path)));
  return stats.every(({ mtimeMs }) => mtimeMs < before);
}

/** What a download has left that was broken off, and whose variant nobody asks for any more. */
async function removeUnfinished({ store, context }: Pulling, known: readonly VariantRecord[]): Promise<void> {
  const folders = known.map((record) => folderOf(store.root, record));
  for (const folder of await unfinishedFolders(store.root)) {
    if (folders.some((other) => `${other}/`.startsWith(`${folder}/`))) continue;
    if (!(await isOlder(folder, context.clock.now() - GRACE_MS))) continue;
    context.log.info({ folder }, 'download that was never finished removed');
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Call it when the revision is recorded. Without `held` the lock of the store is tried, not waited for. Never rejects: the model is
 * there, and the next pull tidies again.
 */
export async function tidyVariants(pulling: Pulling, held: FileLock | undefined): Promise<void> {
  const { config, store, context } = pulling;
  if (!config.tidy) return;
  const { owner, clock } = context;
  let lock = held;
  try {
    lock ??= await tryLock({ path: store.base.lockFile, owner, clock });
    if (!lock || !(await lock.isOurs())) return;
    const { variants, revisions, unreadable } = await allRecords(store);
    // They might be of what a revision with pods serves.
    if (unreadable > 0) throw new Error(`${unreadable} records of ${store.root} cannot be read`);
    const inUse = new Set([config.revision, ...(await locked(config.lockFile))]);
    const keep = needed(revisions, inUse, config.tidy.keepRevisions);
    for (const record of variants) {
      if (keep.has(record.id)) continue;
      const folder = folderOf(store.root, record);
      if (!folder.startsWith(`${store.root}/`)) continue;
      context.log.info({ id: record.id, folder }, 'variant that no revision needs removed');
      await forgetVariant(store, record.id);
      await rm(folder, { recursive: true, force: true });
    }
    await removeUnfinished(pulling, variants);
  } catch (error) {
    context.log.warn({ err: error }, 'store not tidied');
  } finally {
    if (lock !== held) await lock?.release();
  }
}
