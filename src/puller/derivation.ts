// The model that a Modelfile makes of the pulled one, written into the store.
import { PullError } from '../models/errors.ts';
import { adapterProblem } from '../models/expectations.ts';
import type { RawManifest } from '../models/manifest.ts';
import { adapterOf, type Base, type Derived, derive } from '../models/modelfile.ts';
import { type Reference, shortReference } from '../models/reference.ts';
import type { Store } from '../models/store.ts';
import { writeBlob } from '../models/storeBlobs.ts';
import { writeManifest } from '../models/storeManifests.ts';
import type { Logger } from '../process/logger.ts';
import type { PullConfig } from './config.ts';
import { headerOf } from './inspection.ts';

/** A model that is in the store with all its blobs. */
export interface Gathered {
  readonly reference: Reference;
  readonly raw: RawManifest;
}

interface Options {
  log: Logger;
  signal: AbortSignal;
}

async function refuseMisfit(store: Store, { reference, raw }: Gathered, base: Base, options: Options): Promise<void> {
  const header = await headerOf(store, raw.manifest, 'adapter', options);
  const problem = header && base.gguf && adapterProblem(header, base.gguf);
  if (problem)
    throw new PullError(
      'ExpectationMismatch',
      `the adapter ${shortReference(reference)} does not fit ${shortReference(base.reference)}: ${problem}`,
    );
}

/** Writes nothing yet. Throws a PullError: for parameters that Ollama does not know, for adapters that do not fit. */
export async function deriveFrom(
  store: Store,
  base: Base,
  adapters: readonly Gathered[],
  declaration: NonNullable<PullConfig['derived']>,
  options: Options,
): Promise<Derived> {
  for (const adapter of adapters) await refuseMisfit(store, adapter, base, options);
  return derive(
    base,
    declaration,
    adapters.map(({ reference, raw }) => adapterOf(reference, raw.manifest)),
  );
}

/** The same declaration gives the same bytes, so what is there already is left as it is. */
export async function writeDerived(store: Store, { name, blobs, bytes }: Derived): Promise<void> {
  for (const blob of blobs) await writeBlob(store, blob.bytes);
  await writeManifest(store, name, bytes);
}
