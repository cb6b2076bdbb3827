// What we know of the variants in a store, written by the pull and believed by the next one: which files with which hashes, and which
// revision serves which of them. Beside the folders of the core, where it never looks.
import { join } from 'node:path';
import * as z from 'zod';
import { removeFile, writeDurably } from '../models/durable.ts';
import { fileError, PullError } from '../models/errors.ts';
import { namesIn, readBounded } from '../models/files.ts';
import { makeFolder, openStore, type Store, tempPath } from '../models/store.ts';
import { listedFile } from './fileList.ts';
import { catalogEntry } from './snapshot.ts';

const variantRecord = z.object({
  schema: z.literal(1),
  /** As the core calls it while it serves: name:version. */
  id: z.string(),
  /** The folder with genai_config.json: relative to the store, or absolute where a volume or an image has brought it. */
  folder: z.string(),
  files: z.array(listedFile),
  contextLength: z.number().optional(),
  family: z.string().optional(),
  /** Such as CPUExecutionProvider, where the catalog says it. */
  executionProvider: z.string().optional(),
  /** What the catalog says of it, where it is from there. */
  catalog: catalogEntry.optional(),
});

export type VariantRecord = z.output<typeof variantRecord>;

const revisionRecord = z.object({
  schema: z.literal(1),
  revision: z.string(),
  /** As declared. */
  reference: z.string(),
  id: z.string(),
  /** When a pod of it was last ready to start, ISO 8601. */
  usedAt: z.iso.datetime(),
});

export type RevisionRecord = z.output<typeof revisionRecord>;

/** A catalog model has about ten files; an index of thousands is none of ours. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,210}$/;

/** A store of Foundry Local: the core's cache folder, with a corner of ours in it. */
export interface FoundryStore {
  /** For locks, temporary names and free space. */
  readonly base: Store;
  readonly root: string;
  readonly variants: string;
  readonly revisions: string;
}

export function openFoundryStore(root: string): FoundryStore {
  const own = join(root, '.local-model', 'foundry');
  return { base: openStore(root), root, variants: join(own, 'variants'), revisions: join(own, 'revisions') };
}

/** Throws a PullError, `ReadOnlyStore` above all. */
export async function prepareFoundryStore({ base, variants, revisions }: FoundryStore): Promise<void> {
  for (const folder of [base.temp, variants, revisions]) await makeFolder(folder);
}

function fileNamed(folder: string, name: string): string {
  const plain = name.replaceAll(':', '_');
  if (!NAME.test(plain)) throw new PullError('Internal', `${JSON.stringify(name)} cannot name a file`);
  return join(folder, `${plain}.json`);
}

/** Undefined for what is not there or cannot be read: it is made anew. */
async function read<T>(shape: z.ZodType<T>, path: string): Promise<T | undefined> {
  const bytes = await readBounded(path, MAX_RECORD_BYTES, path);
  try {
    return shape.parse(JSON.parse(bytes?.toString('utf8') ?? ''));
  } catch {
    return undefined;
  }
}

async function write(store: FoundryStore, path: string, record: unknown): Promise<void> {
  await writeDurably(tempPath(store.base, 'record'), path, `${JSON.stringify(record)}\n`);
}

export const readVariant = (store: FoundryStore, id: string): Promise<VariantRecord | undefined> =>
  read(variantRecord, fileNamed(store.variants, id));

export const writeVariant = (store: FoundryStore, record: VariantRecord): Promise<void> =>
  write(store, fileNamed(store.variants, record.id), record);

export async function forgetVariant(store: FoundryStore, id: string): Promise<void> {
  const path = fileNamed(store.variants, id);
  await removeFile(path).catch((error: unknown) => {
    throw fileError(error, `remove ${path}`);
  });
}

export const readRevision = (store: FoundryStore, revision: string): Promise<RevisionRecord | undefined> =>
  read(revisionRecord, fileNamed(store.revisions, revision));

export const writeRevision = (store: FoundryStore, record: RevisionRecord): Promise<void> =>
  write(store, fileNamed(store.revisions, record.revision), record);

/** Those that cannot be read, such as a later version's, are counted, not guessed at. */
async function all<T>(folder: string, shape: z.ZodType<T>): Promise<{ records: T[]; unreadable: number }> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.json'));
  const found = await Promise.all(names.map((name) => read(shape, join(folder, name))));
  const records = found.filter((record) => record !== undefined);
  return { records, unreadable: names.length - records.length };
}

export const allVariants = async ({ variants }: FoundryStore): Promise<VariantRecord[]> =>
  (await all(variants, variantRecord)).records;

export interface FoundryRecords {
  readonly variants: readonly VariantRecord[];
  readonly revisions: readonly RevisionRecord[];
  readonly unreadable: number;
}

export async function allRecords(store: FoundryStore): Promise<FoundryRecords> {
  const [variants, revisions] = [await all(store.variants, variantRecord), await all(store.revisions, revisionRecord)];
  return {
    variants: variants.records,
    revisions: revisions.records,
    unreadable: variants.unreadable + revisions.unreadable,
  };
}
