// One pull at a time at a store that fetches: the others wait, and then find what they want.
import { PullError } from '../models/errors.ts';
import { acquireLock, type FileLock } from '../models/fileLock.ts';
import type { Store } from '../models/store.ts';
import type { PullContext } from './sources.ts';

/**
 * Waits for the lock of the store. Where the file system knows no such locks the pull goes on without one: several writers are safe, they
 * only fetch twice. Rejects with a PullError where the store cannot be written, or with the reason of the signal.
 */
export async function takeStoreLock(store: Store, context: PullContext): Promise<FileLock | undefined> {
  const { clock, owner, signal, progress, log } = context;
  const onWait = (holder: string) => progress.begin('Waiting', { message: `${holder} is at work on ${store.root}` });
  try {
    return await acquireLock({ path: store.lockFile, owner, clock, signal, onWait });
  } catch (error) {
    if (!(error instanceof PullError) || error.reason !== 'Internal') throw error;
    log.warn({ err: error }, 'store has no locks, going on without');
    return undefined;
  }
}
