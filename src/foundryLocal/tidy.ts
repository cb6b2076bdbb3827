// Tidying after a pull: variants that no revision needs go, where the store is ours alone.
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type FileLock, tryLock } from '../models/fileLock.ts';
import { namesIn } from '../models/files.ts';
import type { Pulling } from './pull.ts';
import { allRevisions, allVariants, forgetVariant, type RevisionRecord } from './records.ts';
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

/**
 * Call it when the revision is recorded. Without `held` the lock of the store is tried, not waited for. Never rejects: the model is
 * there, and the next pull tidies again.
 */
export async function tidyVariants({ config, store, context }: Pulling, held: FileLock | undefined): Promise<void> {
  if (!config.tidy) return;
  const { owner, clock } = context;
  let lock = held;
  try {
    lock ??= await tryLock({ path: store.base.lockFile, owner, clock });
    if (!lock) return;
    const { records, unreadable } = await allRevisions(store);
    // It might be of a revision that serves what would go.
    if (unreadable > 0) throw new Error(`${unreadable} records in ${store.revisions} cannot be read`);
    const inUse = new Set([config.revision, ...(await locked(config.lockFile))]);
    const keep = needed(records, inUse, config.tidy.keepRevisions);
    for (const record of await allVariants(store)) {
      if (keep.has(record.id)) continue;
      const folder = folderOf(store.root, record);
      if (!folder.startsWith(`${store.root}/`)) continue;
      context.log.info({ id: record.id, folder }, 'variant that no revision needs removed');
      await forgetVariant(store, record.id);
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    context.log.warn({ err: error }, 'store not tidied');
  } finally {
    if (lock !== held) await lock?.release();
  }
}
