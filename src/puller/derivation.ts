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

type Declared = NonNullable<PullConfig['derived']>;

/** A model without num_ctx takes what the server was started with; num_thread 0 means the same as none. */
function contradictions({ parameters }: Base, { maxContext, threads }: NonNullable<PullConfig['launch']>) {
  const { num_ctx: context = maxContext, num_thread: own } = parameters;
  return [
    ...(context === maxContext ? [] : [{ name: 'num_ctx', value: String(maxContext) }]),
    ...(threads === undefined || !own || own === threads ? [] : [{ name: 'num_thread', value: String(threads) }]),
  ];
}

/**
 * What the model has to be derived with: what was declared, and what keeps the base's own parameters from going before the
 * settings of the server. Undefined where the base can be served as it is.
 */
export function declarationOf(
  base: Base,
  { derived, launch }: Pick<PullConfig, 'derived' | 'launch'>,
): Declared | undefined {
  const declared = derived?.parameters ?? [];
  const held = launch ? contradictions(base, launch) : [];
  const missing = held.filter(({ name }) => !declared.some((other) => other.name === name));
  if (missing.length === 0) return derived;
  return { ...derived, parameters: [...declared, ...missing] };
}

/** Writes nothing yet. Throws a PullError: for parameters that Ollama does not know, for adapters that do not fit. */
export async function deriveFrom(
  store: Store,
  base: Base,
  adapters: readonly Gathered[],
  declaration: Declared,
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
