// A store as the pull leaves it: models under the names that carry their digests.

import { shortReference } from '../../../src/models/reference.ts';
import { servedName } from '../../../src/models/servedName.ts';
import type { ProgressReport } from '../../../src/puller/progressReport.ts';
import { type ModelParts, type WrittenModel, writeModel } from '../models/written.ts';

export interface ServedInStore {
  /** As the progress of the pull tells it. */
  readonly pulled: NonNullable<ProgressReport['model']>;
  readonly written: WrittenModel;
}

/** Writes the model, and what the pull would say of it. */
export async function storeServed(store: string, model: string, parts: ModelParts): Promise<ServedInStore> {
  const { digest } = await writeModel(store, `scratch/${model}`, parts);
  const name = shortReference(servedName('source', { model }, digest));
  const written = await writeModel(store, name, parts);
  return { written, pulled: { name, digest, sourceDigest: digest, sizeBytes: parts.gguf.length } };
}
