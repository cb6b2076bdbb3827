// Which revisions of a deployment have used a store, and which models they serve: what the sweep keeps is decided by these.
import { join } from 'node:path';
import * as z from 'zod';
import { type Digest, isDigest } from './digest.ts';
import { removeFile, writeDurably } from './durable.ts';
import { fileError, PullError } from './errors.ts';
import { namesIn, readBounded } from './files.ts';
import { manifestPath, type Reference, referenceOfPath } from './reference.ts';
import { type Store, tempPath } from './store.ts';

export interface RevisionRecord {
  readonly revision: string;
  /** Names in the store that its pods need: the pulled model, its adapters, the derived one. */
  readonly models: readonly Reference[];
  /** What its references meant when it first met them, so that a tag is resolved once. All four parts of the reference. */
  readonly settled?: readonly { readonly reference: string; readonly digest: Digest }[] | undefined;
  /** When a pod of it was last ready to start, ISO 8601. */
  readonly usedAt: string;
}

const MAX_RECORD_BYTES = 64 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const shape = z.object({
  revision: z.string(),
  models: z.array(z.string()),
  settled: z
    .array(
      z.object({
        reference: z.string(),
        digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
      }),
    )
    .optional(),
  usedAt: z.iso.datetime(),
});

const fileOf = ({ revisions }: Store, revision: string): string => join(revisions, `${revision}.json`);

/** Replaces the record of the revision. Throws a PullError. */
export async function recordRevision(
  store: Store,
  { revision, models, usedAt, settled }: RevisionRecord,
): Promise<void> {
  if (!NAME.test(revision)) throw new PullError('Internal', `${JSON.stringify(revision)} cannot name a file`);
  const text = JSON.stringify({ revision, models: models.map(manifestPath), usedAt, settled });
  await writeDurably(tempPath(store, 'revision'), fileOf(store, revision), text);
}

function parsed(text: string | undefined): RevisionRecord | undefined {
  try {
    const result = shape.safeParse(JSON.parse(text ?? ''));
    if (!result.success) return undefined;
    const models = result.data.models.map(referenceOfPath);
    return models.includes(undefined)
      ? undefined
      : { ...result.data, models: models.filter((model) => model !== undefined) };
  } catch {
    return undefined;
  }
}

/** The latest first. Records that cannot be read are counted, not guessed at. */
export async function readRevisions(store: Store): Promise<{ records: RevisionRecord[]; unreadable: number }> {
  const names = (await namesIn(store.revisions)).filter((name) => name.endsWith('.json'));
  const records: RevisionRecord[] = [];
  for (const name of names) {
    const path = join(store.revisions, name);
    const record = parsed((await readBounded(path, MAX_RECORD_BYTES, path))?.toString('utf8'));
    if (record) records.push(record);
  }
  records.sort((a, b) => b.usedAt.localeCompare(a.usedAt) || a.revision.localeCompare(b.revision));
  return { records, unreadable: names.length - records.length };
}

/** Whether the store knows that this revision needs these models. Throws a PullError. */
export async function isRecorded(store: Store, { revision, models }: RevisionRecord): Promise<boolean> {
  const known = (await readRevisions(store)).records.find((record) => record.revision === revision);
  return known?.models.map(manifestPath).join() === models.map(manifestPath).join();
}

export async function forgetRevision(store: Store, revision: string): Promise<void> {
  const path = fileOf(store, revision);
  try {
    await removeFile(path);
  } catch (error) {
    throw fileError(error, `remove ${path}`);
  }
}
