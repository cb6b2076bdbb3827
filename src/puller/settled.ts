// Which digest each name means for this revision: pinned by the user, settled by the first pod, or met before on this store.
import * as z from 'zod';
import { type Digest, isDigest } from '../models/digest.ts';
import { PullError } from '../models/errors.ts';
import { readBounded } from '../models/files.ts';
import { formatReference, parseReference, type Reference } from '../models/reference.ts';
import { readRevisions } from '../models/revisions.ts';
import type { Store } from '../models/store.ts';
import type { PullConfig } from './config.ts';

/** A model that the pull has to bring. */
export interface Wanted {
  readonly reference: Reference;
  /** Undefined: whatever its source has under the name now. */
  readonly digest: Digest | undefined;
}

const MAX_LOCK_BYTES = 64 * 1024;
const digestText = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));
const lockEntry = z.object({
  digest: digestText,
  /** In the order of the Modelfile; absent where it has none. */
  adapters: z.array(digestText).optional(),
});

type LockEntry = z.output<typeof lockEntry>;

function pinOf(digest: string | undefined, name: string): Digest | undefined {
  if (digest === undefined || isDigest(digest)) return digest;
  throw new PullError('InvalidReference', `the digest of ${name} must be sha256: and 64 hexadecimal digits`);
}

/** Absent until the operator has written it. One that is there and cannot be read is not passed over: it might say something else. */
async function readLock(path: string): Promise<Partial<LockEntry>> {
  const bytes = await readBounded(path, MAX_LOCK_BYTES, `the lock ${path}`);
  if (!bytes) return {};
  try {
    return lockEntry.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw new PullError('Internal', `the lock ${path} holds no digest; remove the entry from its ConfigMap`);
  }
}

/** Of the model itself; undefined before the lock exists. Throws as readLock does. */
export const lockedDigest = async (path: string): Promise<Digest | undefined> => (await readLock(path)).digest;

/** So that a restart resolves nothing again, also before the lock exists. */
async function recordedDigests(store: Store, revision: string): Promise<ReadonlyMap<string, Digest>> {
  const { records } = await readRevisions(store);
  const settled = records.find((record) => record.revision === revision)?.settled ?? [];
  return new Map(settled.map(({ reference, digest }) => [reference, digest]));
}

/** The model first, then the adapters of its Modelfile. Throws a PullError: InvalidReference, or Internal for a damaged lock. */
export async function wantedModels(config: PullConfig, store: Store): Promise<readonly [Wanted, ...Wanted[]]> {
  const reference = parseReference(config.reference);
  const pinned: readonly [Wanted, ...Wanted[]] = [
    { reference, digest: pinOf(config.digest, config.reference) },
    ...(config.derived?.adapters ?? []).map(({ name, digest }) => ({
      reference: parseReference(name),
      digest: pinOf(digest, name),
    })),
  ];
  const [main, ...adapters] = pinned;
  const isOpen = pinned.some(({ digest }) => digest === undefined);
  const lock = isOpen ? await readLock(config.lockFile) : {};
  const recorded = await recordedDigests(store, config.revision);
  const settle = (wanted: Wanted, locked: Digest | undefined): Wanted => ({
    ...wanted,
    digest: wanted.digest ?? locked ?? recorded.get(formatReference(wanted.reference)),
  });
  return [settle(main, lock.digest), ...adapters.map((adapter, index) => settle(adapter, lock.adapters?.[index]))];
}
