// A pull from beginning to end: which digest, what is missing, fetch, verify, derive, publish, tidy.

import { PullError } from '../models/errors.ts';
import type { FileLock } from '../models/fileLock.ts';
import { sizeOf } from '../models/manifest.ts';
import type { ModelFacts } from '../models/modelConfig.ts';
import type { Derived } from '../models/modelfile.ts';
import { formatReference, type Reference, shortReference } from '../models/reference.ts';
import { isRecorded, type RevisionRecord, recordRevision } from '../models/revisions.ts';
import { servedName } from '../models/servedName.ts';
import { missingBlobs, openStore, prepareStore } from '../models/store.ts';
import { findManifest, readManifest, writeManifest } from '../models/storeManifests.ts';
import type { PullConfig } from './config.ts';
import { declarationOf, deriveFrom, type Gathered, writeDerived } from './derivation.ts';
import { blobsOfAll, fetchMissing, type Pulling } from './fetching.ts';
import { inspect, refuseByConfig, refuseUnexpected } from './inspection.ts';
import type { ServedModel } from './progressReport.ts';
import { type Wanted, wantedModels } from './settled.ts';
import { createSource, type PullContext } from './sources.ts';
import { takeStoreLock } from './storeLock.ts';
import { tidy } from './tidy.ts';
import { badBlobs } from './verification.ts';

type Models = readonly [Gathered, ...Gathered[]];

/** What the store has of a model, by its digest. */
const stored = async ({ store }: Pulling, { reference, digest }: Wanted): Promise<Gathered | undefined> => {
  const raw = digest && (await findManifest(store, digest, reference))?.raw;
  return raw && { reference, raw };
};

async function forAll<T>(wanted: readonly Wanted[], find: (one: Wanted) => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (const one of wanted) found.push(await find(one));
  return found;
}

/** Everything is known and there and good: then nothing is asked of anybody, and no lock is needed either. */
async function alreadyThere(pulling: Pulling): Promise<Models | undefined> {
  const { config, store, context, checked } = pulling;
  const [base, ...adapters] = await forAll(await wantedModels(config, store), (one) => stored(pulling, one));
  if (!base || adapters.includes(undefined)) return undefined;
  const models: Models = [base, ...adapters.filter((adapter) => adapter !== undefined)];
  const blobs = blobsOfAll(models);
  if ((await missingBlobs(store, blobs)).length > 0) return undefined;
  const { verify } = config;
  const bad = await badBlobs(store, blobs, { verify, checked, progress: context.progress, signal: context.signal });
  return bad.length > 0 ? undefined : models;
}

/** Call it with the lock held: what another pull has brought meanwhile counts. */
async function fetchModels(pulling: Pulling): Promise<Models> {
  const { config, store, source, context } = pulling;
  context.progress.begin('Resolving');
  const find = async (wanted: Wanted): Promise<Gathered> =>
    (await stored(pulling, wanted)) ?? {
      reference: wanted.reference,
      raw: await source.manifest(wanted.reference, wanted.digest),
    };
  const [first, ...rest] = await wantedModels(config, store);
  const models: Models = [await find(first), ...(await forAll(rest, find))];
  context.log.info({ reference: formatReference(first.reference), digest: models[0].raw.digest }, 'model resolved');
  await fetchMissing(pulling, models);
  return models;
}

/** On a full disk the record of an earlier start will do: all that this one would tell anew is the time. */
async function recordUse({ store, context: { log } }: Pulling, record: RevisionRecord): Promise<void> {
  try {
    await recordRevision(store, record);
  } catch (error) {
    const isFull = error instanceof PullError && error.reason === 'DiskFull';
    if (!isFull || !(await isRecorded(store, record))) throw error;
    log.warn({ err: error }, 'use of the store not recorded');
  }
}

interface Published {
  readonly served: ServedModel;
}

/** Everything that could refuse the model comes before the first manifest. */
async function publish(pulling: Pulling, models: Models): Promise<Published> {
  const { config, store, context } = pulling;
  const [main, ...adapters] = models;
  for (const { raw, reference } of models) await refuseByConfig(store, raw, reference, config.runtimeVersion);
  const { base, facts } = await inspect(store, main.raw, main.reference, context);
  refuseUnexpected(facts, config);
  const declaration = declarationOf(base, config);
  const derived = declaration && (await deriveFrom(store, base, adapters, declaration, context));
  if (derived) context.progress.begin('Building');
  const names = models.map(({ reference, raw }) => servedName('source', reference, raw.digest));
  for (const [index, { raw }] of models.entries())
    await writeManifest(store, names[index] ?? main.reference, raw.bytes);
  if (derived) await writeDerived(store, derived);
  const served = servedModel(models, facts, derived);
  await recordUse(pulling, {
    revision: config.revision,
    models: [...names, ...(derived ? [derived.name] : [])],
    settled: models.map(({ reference, raw }) => ({ reference: formatReference(reference), digest: raw.digest })),
    usedAt: new Date(context.clock.now()).toISOString(),
  });
  await refuseLost(pulling, derived?.name ?? names[0] ?? main.reference);
  return { served };
}

function servedModel([main, ...adapters]: Models, facts: ModelFacts, derived: Derived | undefined): ServedModel {
  const { reference, raw } = main;
  const { quantization, family, parameterSize, contextLength } = facts;
  return {
    name: shortReference(derived?.name ?? servedName('source', reference, raw.digest)),
    digest: derived?.digest ?? raw.digest,
    sourceDigest: raw.digest,
    ...(adapters.length > 0 && { adapterDigests: adapters.map((adapter) => adapter.raw.digest) }),
    sizeBytes: sizeOf(derived?.manifest ?? raw.manifest),
    ...(quantization && { quantization }),
    ...(family && { family }),
    ...(parameterSize && { parameterSize }),
    ...(contextLength !== undefined && { contextLength }),
  };
}

/** Another pull may have tidied before it could read our record. From now on it can. */
async function refuseLost({ store }: Pulling, name: Reference): Promise<void> {
  const raw = await readManifest(store, name);
  if (raw && (await missingBlobs(store, blobsOfAll([{ reference: name, raw }]))).length === 0) return;
  throw new PullError(
    'Internal',
    `another pull has tidied ${store.root} in the same moment; the next attempt mends it`,
  );
}

async function run(pulling: Pulling): Promise<ServedModel> {
  const { config, store, context } = pulling;
  const there = await alreadyThere(pulling);
  let lock: FileLock | undefined;
  try {
    if (!there) lock = await takeStoreLock(store, context);
    const { served } = await publish(pulling, there ?? (await fetchModels({ ...pulling, lock })));
    await tidy(config, store, context, lock);
    return served;
  } finally {
    await lock?.release();
  }
}

/**
 * Resolves when the model is in the store, verified and published under a name that no tag can move. Rejects with a PullError, or with
 * the reason of `context.signal`; then nothing new is published, and what has arrived is used by the next pull.
 */
export async function pull(config: PullConfig, context: PullContext): Promise<ServedModel> {
  if (config.runtime !== 'Ollama')
    throw new PullError('Internal', `this program pulls for Ollama; ${config.runtime} brings its own`);
  const store = openStore(config.store);
  const source = createSource(config, store, context);
  try {
    await prepareStore(store);
    return await run({ config, store, source, context, checked: new Set() });
  } finally {
    await source.close();
  }
}
