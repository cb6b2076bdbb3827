// Whether a variant in the store is as it was when its files were listed.
import { badFiles } from './fileList.ts';
import type { Pulling } from './pull.ts';
import { readVariant, type VariantRecord } from './records.ts';
import { folderOf } from './served.ts';

/** Its record, where it has one and every file is there as listed; read in full where the spec says so. Throws a PullError. */
export async function wholeVariant(
  { config, store, context }: Pulling,
  id: string,
): Promise<VariantRecord | undefined> {
  const record = await readVariant(store, id);
  if (!record) return undefined;
  const bad = await badFiles(folderOf(store.root, record), record.files, config.verify === 'OnStart', context);
  for (const { path, size } of bad)
    context.log.warn({ id, path, sizeBytes: size }, 'file in the store is not as it was');
  return bad.length === 0 ? record : undefined;
}
