// The pull for Foundry Local, from beginning to end: which variant, what is missing, fetch by the core, hash, record, tell the server.
import type { Digest } from '../models/digest.ts';
import { PullError } from '../models/errors.ts';
import { expectationProblems } from '../models/expectations.ts';
import { sizeOfFile } from '../models/files.ts';
import { refuseEscape } from '../models/linkedStore.ts';
import type { PullConfig } from '../puller/config.ts';
import type { Pull } from '../puller/ending.ts';
import type { ServedModel } from '../puller/progressReport.ts';
import { lockedDigest } from '../puller/settled.ts';
import type { PullContext } from '../puller/sources.ts';
import { takeStoreLock } from '../puller/storeLock.ts';
import { fetchVariant } from './catalogSource.ts';
import type { StartCore } from './core.ts';
import { digestOfList, type ListedFile, listFiles, sizeOfList } from './fileList.ts';
import { cachedFolder, idOf, openFolderSource } from './folderSource.ts';
import { factsOf, type ModelFolder, openModelFolder, refuseOtherDevice } from './modelFolder.ts';
import {
  allVariants,
  type FoundryStore,
  openFoundryStore,
  prepareFoundryStore,
  type RevisionRecord,
  readRevision,
  readVariant,
  type VariantRecord,
  writeRevision,
  writeVariant,
} from './records.ts';
import { folderOf, servedOf, writeServed } from './served.ts';
import type { CommonSettings } from './settings.ts';
import { entryIn } from './snapshot.ts';
import { tidyVariants } from './tidy.ts';
import { refuseByName } from './variants.ts';
import { wholeVariant } from './verification.ts';

/** What reaches out of the process. */
export interface PullOutside {
  readonly startCore: StartCore;
  /** Rejects with a PullError `Unreachable` where the catalog is out of reach. */
  readonly reachCatalog: (context: PullContext) => Promise<void>;
}

export interface Pulling {
  readonly config: PullConfig;
  readonly settings: CommonSettings;
  readonly store: FoundryStore;
  readonly context: PullContext;
  readonly outside: PullOutside;
  /** The revision's own, if it has settled on one. */
  readonly locked: Digest | undefined;
}

const titleOf = ({ config: { source } }: Pulling): string => {
  switch (source.kind) {
    case 'Image':
      return `the image ${source.reference}`;
    case 'Volume':
      return `the claim ${source.claimName}`;
    case 'Registry':
      return 'the model';
  }
};

/** The id that this revision has settled on, as far as it can be known without asking anybody. */
async function settledId({ config, store, locked }: Pulling): Promise<string | undefined> {
  const recorded = await readRevision(store, config.revision);
  if (recorded?.reference === config.reference) return recorded.id;
  if (config.reference.includes(':')) return config.reference;
  if (!locked) return undefined;
  return (await allVariants(store)).find(({ files }) => digestOfList(files) === locked)?.id;
}

/** Known, whole and as it was: then nobody is asked, and no core is started. */
async function alreadyThere(pulling: Pulling): Promise<VariantRecord | undefined> {
  const id = await settledId(pulling);
  const record = id === undefined ? undefined : await wholeVariant(pulling, id);
  return record && pulling.locked && digestOfList(record.files) !== pulling.locked ? undefined : record;
}

interface Found {
  readonly id: string;
  readonly model: ModelFolder;
  /** The folder in which the core's memory of the catalog may lie. */
  readonly cache: string;
  /** As it stands in the record. */
  readonly folder: string;
  readonly executionProvider?: string;
}

async function recordOf(
  { store, context }: Pulling,
  found: Found,
  files: readonly ListedFile[],
): Promise<VariantRecord> {
  const { family, contextLength } = factsOf(found.model.config);
  const catalog = await entryIn(found.cache, found.id);
  const record: VariantRecord = {
    schema: 1,
    id: found.id,
    folder: found.folder,
    files: [...files],
    ...(contextLength !== undefined && { contextLength }),
    ...(family && { family }),
    ...(found.executionProvider && { executionProvider: found.executionProvider }),
    ...(catalog && { catalog }),
  };
  await writeVariant(store, record);
  context.log.info({ id: found.id, digest: digestOfList(files), files: files.length }, 'files listed');
  return record;
}

/** Nothing is copied: the record names the folder in the volume or the image, which every pod has at the same place. */
async function fromFolder(pulling: Pulling, path: string): Promise<VariantRecord> {
  const { config, settings, context } = pulling;
  const title = titleOf(pulling);
  const model = await openFolderSource(path, config.reference, title);
  refuseOtherDevice(model.config, settings.provider, title);
  const files = await listFiles(model.path, context);
  for (const file of files) await refuseEscape(path, `${model.path}/${file.path}`);
  return recordOf(pulling, { id: idOf(config.reference), model, cache: path, folder: model.path }, files);
}

/** A folder of the core's that we have no list of: people have filled the claim, or a pull was killed between download and list. */
async function adopted(pulling: Pulling): Promise<VariantRecord | undefined> {
  const { config, settings, store, context } = pulling;
  if (!config.reference.includes(':') || (await readVariant(store, config.reference))) return undefined;
  const folder = await cachedFolder(store.root, config.reference);
  if (!folder) return undefined;
  const model = await openModelFolder(folder, config.reference);
  refuseOtherDevice(model.config, settings.provider, config.reference);
  const files = await listFiles(model.path, context);
  return recordOf(
    pulling,
    { id: config.reference, model, cache: store.root, folder: relativeTo(store, model.path) },
    files,
  );
}

const relativeTo = ({ root }: FoundryStore, path: string): string =>
  path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;

async function fromCatalog(pulling: Pulling): Promise<VariantRecord> {
  const { settings, store, context, config } = pulling;
  if (settings.offline)
    throw new PullError(
      'NotFound',
      `${store.root} has no ${config.reference}, and FL_OFFLINE forbids to ask the catalog`,
    );
  const { variant, record, folder, toldBytes } = await fetchVariant(pulling);
  if (record) return record;
  const model = await openModelFolder(folder, variant.id);
  const files = await listFiles(model.path, context);
  if (toldBytes !== undefined) context.progress.fetched(sizeOfList(files) - toldBytes);
  const before = await readVariant(store, variant.id);
  if (before && digestOfList(before.files) !== digestOfList(files))
    context.log.warn({ id: variant.id }, 'catalog serves other files under this id than before');
  const { provider: executionProvider } = variant;
  return recordOf(
    pulling,
    {
      id: variant.id,
      model,
      cache: store.root,
      folder: relativeTo(store, model.path),
      ...(executionProvider && { executionProvider }),
    },
    files,
  );
}

/** Call it with the lock held: what another pull has brought meanwhile counts. */
async function bring(pulling: Pulling): Promise<VariantRecord> {
  const { source } = pulling.config;
  if (source.kind !== 'Registry') return fromFolder(pulling, source.path);
  return (await alreadyThere(pulling)) ?? (await adopted(pulling)) ?? (await fromCatalog(pulling));
}

function refuseUnwanted({ config, locked }: Pulling, { id, files, family, contextLength }: VariantRecord): void {
  const digest = digestOfList(files);
  if (locked && locked !== digest)
    throw new PullError(
      'DigestMismatch',
      `${id} is ${digest} now, and this revision has settled on ${locked}; change the spec, or restart it by annotation, to take the new one`,
    );
  const facts = {
    families: family ? [family] : [],
    ...(family && { family }),
    ...(contextLength && { contextLength }),
  };
  const problems = config.expect ? expectationProblems(facts, config.expect) : [];
  if (problems.length > 0) throw new PullError('ExpectationMismatch', `${id}: ${problems.join('; ')}`);
}

function servedModel({ id, files, family, contextLength }: VariantRecord): ServedModel {
  const digest = digestOfList(files);
  return {
    name: id,
    digest,
    sourceDigest: digest,
    sizeBytes: sizeOfList(files),
    ...(family && { family }),
    ...(contextLength !== undefined && { contextLength }),
  };
}

/** Another pull may have tidied before it could read our record. From now on it can. */
async function refuseLost({ store, context }: Pulling, record: VariantRecord): Promise<void> {
  const folder = folderOf(store.root, record);
  const sizes = await Promise.all(record.files.map(({ path }) => sizeOfFile(`${folder}/${path}`)));
  if (record.files.every(({ size }, index) => sizes[index] === size)) return;
  context.log.warn({ id: record.id, folder }, 'model has gone again');
  throw new PullError(
    'Internal',
    `another pull has tidied ${store.root} in the same moment; the next attempt mends it`,
  );
}

/** On a full disk the record of an earlier start will do: all that this one would tell anew is the time. */
async function recordUse({ store, context }: Pulling, record: RevisionRecord): Promise<void> {
  try {
    await writeRevision(store, record);
  } catch (error) {
    const isFull = error instanceof PullError && error.reason === 'DiskFull';
    if (!isFull || (await readRevision(store, record.revision))?.id !== record.id) throw error;
    context.log.warn({ err: error }, 'use of the store not recorded');
  }
}

async function settle(pulling: Pulling, record: VariantRecord): Promise<void> {
  const { config, settings, store, context } = pulling;
  const { revision, reference } = config;
  refuseUnwanted(pulling, record);
  const usedAt = new Date(context.clock.now()).toISOString();
  await recordUse(pulling, { schema: 1, revision, reference, id: record.id, usedAt });
  await refuseLost(pulling, record);
  await writeServed(settings.home, { reference, ...servedOf(store.root, record) });
}

async function run(pulling: Pulling): Promise<ServedModel> {
  const { store, context } = pulling;
  const there = await alreadyThere(pulling);
  const lock = there ? undefined : await takeStoreLock(store.base, context);
  try {
    const record = there ?? (await bring(pulling));
    await settle(pulling, record);
    await tidyVariants(pulling, lock);
    return servedModel(record);
  } finally {
    await lock?.release();
  }
}

/** A pull of this process's settings; one at a time, since there can be one core in a process. */
export function createPull(settings: CommonSettings, outside: PullOutside): Pull {
  return async (config, context) => {
    if (config.runtime !== 'FoundryLocal')
      throw new PullError('Internal', `this program pulls for Foundry Local; ${config.runtime} has its own`);
    refuseByName(config.reference, settings.provider);
    const store = openFoundryStore(config.store);
    await prepareFoundryStore(store);
    const locked = await lockedDigest(config.lockFile);
    return run({ config, settings, store, context, outside, locked });
  };
}
