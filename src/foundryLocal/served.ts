// What the pull of this pod has settled on, for the server that starts after it: a file in the pod's own home. So a variant that an alias
// meant stays the one of this pod, whatever others pull into the same store.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { fileError } from '../models/errors.ts';
import { readBounded } from '../models/files.ts';
import { allVariants, openFoundryStore, readVariant, type VariantRecord } from './records.ts';
import { catalogEntry } from './snapshot.ts';

const served = z.object({
  schema: z.literal(1),
  /** As declared. */
  reference: z.string(),
  id: z.string(),
  /** Absolute. */
  folder: z.string(),
  catalog: catalogEntry.optional(),
});

export type Served = z.output<typeof served>;

const fileIn = (home: string): string => join(home, 'served.json');
const MAX_BYTES = 64 * 1024;

/** Where the files of a variant lie. */
export const folderOf = (store: string, { folder }: Pick<VariantRecord, 'folder'>): string =>
  isAbsolute(folder) ? folder : join(store, folder);

/** What the server needs to know of a variant. */
export const servedOf = (store: string, record: VariantRecord): Pick<Served, 'id' | 'folder' | 'catalog'> => ({
  id: record.id,
  folder: folderOf(store, record),
  ...(record.catalog && { catalog: record.catalog }),
});

/** Replaced as a whole. Throws a PullError. */
export async function writeServed(home: string, record: Omit<Served, 'schema'>): Promise<void> {
  const path = fileIn(home);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, JSON.stringify({ schema: 1, ...record }));
    await rename(`${path}.new`, path);
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
}

/** What the pull of this pod has said for this reference; without one (by hand) what the store has under it, if that is one thing. */
export async function findServed(home: string, root: string, reference: string): Promise<Served | undefined> {
  const bytes = await readBounded(fileIn(home), MAX_BYTES, fileIn(home));
  const result = served.safeParse(bytes && JSON.parse(bytes.toString('utf8')));
  if (result.success && result.data.reference === reference) return result.data;
  const store = openFoundryStore(root);
  const named = reference.includes(':') ? await readVariant(store, reference) : undefined;
  const alike = (await allVariants(store)).filter(({ id }) => id.replace(/:\d+$/, '') === reference);
  const record = named ?? (alike.length === 1 ? alike[0] : undefined);
  return record && { schema: 1, reference, ...servedOf(root, record) };
}
