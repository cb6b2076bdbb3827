// What a model in the store says of itself, and whether that is what was asked for.
import { PullError } from '../models/errors.ts';
import { expectationProblems, runtimeProblem } from '../models/expectations.ts';
import { type GgufHeader, readGguf } from '../models/gguf.ts';
import {
  layersOf,
  MAX_CONFIG_BYTES,
  type Manifest,
  type ModelConfig,
  parseConfig,
  type RawManifest,
} from '../models/manifest.ts';
import { type ModelFacts, modelFacts } from '../models/modelConfig.ts';
import { type Base, parseParameterLayer } from '../models/modelfile.ts';
import { type Reference, shortReference } from '../models/reference.ts';
import { blobPath, type Store } from '../models/store.ts';
import { readBlob } from '../models/storeBlobs.ts';
import type { Logger } from '../process/logger.ts';
import type { PullConfig } from './config.ts';

export interface Inspected {
  readonly base: Base;
  readonly facts: ModelFacts;
}

async function configOf(store: Store, { config }: Manifest, name: string): Promise<ModelConfig> {
  return config ? parseConfig(await readBlob(store, config, MAX_CONFIG_BYTES), `the config of ${name}`) : {};
}

/**
 * What the config alone tells, before the weights are fetched. Throws a PullError: NotFound for a model that runs elsewhere,
 * NeedsNewerRuntime.
 */
export async function refuseByConfig(
  store: Store,
  { manifest }: RawManifest,
  reference: Reference,
  runtimeVersion: string,
): Promise<void> {
  const name = shortReference(reference);
  const config = await configOf(store, manifest, name);
  if (config.remote_host) throw new PullError('NotFound', `${name} runs on ${config.remote_host}, not here`);
  if (manifest.layers.length === 0)
    throw new PullError('NotFound', `${name} holds nothing: its manifest has no layers`);
  const problem = runtimeProblem(modelFacts({ config }), runtimeVersion);
  if (problem) throw new PullError('NeedsNewerRuntime', `${name} cannot be served: ${problem}`);
}

/** A header that this program cannot read may be one that the runtime can, so it is told and not refused; a disk that fails is. */
export async function headerOf(
  store: Store,
  manifest: Manifest,
  kind: 'model' | 'adapter',
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<GgufHeader | undefined> {
  const [weights] = layersOf(manifest, kind);
  if (!weights) return undefined;
  try {
    return await readGguf(blobPath(store, weights.digest), signal);
  } catch (error) {
    if (!(error instanceof PullError) || error.reason !== 'Corrupt' || error.cause !== undefined) throw error;
    log.warn({ digest: weights.digest, err: error }, 'header of the weights cannot be read');
    return undefined;
  }
}

async function parametersOf(store: Store, manifest: Manifest, name: string): Promise<Base['parameters']> {
  const [layer] = layersOf(manifest, 'params');
  if (!layer) return {};
  return parseParameterLayer(await readBlob(store, layer, MAX_CONFIG_BYTES), `the parameters of ${name}`);
}

/** Everything that is to be known of a model whose blobs are in the store. Throws a PullError. */
export async function inspect(
  store: Store,
  { manifest }: RawManifest,
  reference: Reference,
  options: { log: Logger; signal: AbortSignal },
): Promise<Inspected> {
  const name = shortReference(reference);
  const config = await configOf(store, manifest, name);
  const gguf = await headerOf(store, manifest, 'model', options);
  const base = { reference, manifest, config, gguf, parameters: await parametersOf(store, manifest, name) };
  return { base, facts: modelFacts({ config, gguf }) };
}

/** Throws a PullError `ExpectationMismatch` that names everything that differs. */
export function refuseUnexpected(
  facts: ModelFacts,
  { expect, reference }: Pick<PullConfig, 'expect' | 'reference'>,
): void {
  const problems = expect ? expectationProblems(facts, expect) : [];
  if (problems.length > 0) throw new PullError('ExpectationMismatch', `${reference}: ${problems.join('; ')}`);
}
