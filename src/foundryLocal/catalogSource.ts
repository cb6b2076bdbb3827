// Microsoft's catalog as the source of a model, through the core: it knows the way there, and checks nothing of what arrives.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, PullError } from '../models/errors.ts';
import { limitSilence } from '../models/silence.ts';
import { requireSpace } from '../models/store.ts';
import { type Clock, delay } from '../process/clock.ts';
import { type CatalogVariant, CoreError, type FoundryCore } from './core.ts';
import { cachedFolder, foldersOf } from './folderSource.ts';
import type { Pulling } from './pull.ts';
import { readVariant, type VariantRecord } from './records.ts';
import { folderOf } from './served.ts';
import { unlessStopped } from './stopping.ts';
import { chooseVariant } from './variants.ts';
import { wholeVariant } from './verification.ts';

/** The core tries again by itself for longer than anybody wants to wait without a word. */
const CATALOG_LIMIT_MS = 60_000;
/** Bytes move the percentage in steps, and a large model has large ones. */
const SILENCE_MS = 300_000;

/** What the core cannot be told to leave off is left alone, for the end of the process. */
async function within<T>(clock: Clock, ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  const over = new AbortController();
  const limit = delay(clock, ms, over.signal).then(() => {
    if (!over.signal.aborted) throw late();
    return work;
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
  }
}

/** The core's own words, which tell a full disk from a broken network only in words. */
function pullError(error: unknown, doing: string): Error {
  if (!(error instanceof CoreError)) return error instanceof Error ? error : new Error(String(error));
  if (error.reason === 'Missing') return new PullError('Internal', error.message, { cause: error });
  const full = /no space left|disk full|not enough space/i.test(error.message);
  return new PullError(full ? 'DiskFull' : 'Unreachable', `${doing}: ${error.message}`, { cause: error });
}

async function startFor({ settings, outside, store }: Pulling): Promise<FoundryCore> {
  const [data, logs] = ['pull', 'logs'].map((name) => join(settings.home, name)) as [string, string];
  return outside.startCore({ libraries: settings.libraries, cache: store.root, data, logs, catalog: 'Public' });
}

async function choose(
  core: FoundryCore,
  { config, settings, context, locked, store }: Pulling,
): Promise<CatalogVariant> {
  context.progress.begin('Resolving', { message: `asking the catalog for ${config.reference}` });
  const { provider } = settings;
  // The catalog lists variants for the providers of this process only.
  if (provider && provider.device !== 'CPU') await core.register([provider.executionProvider]);
  const listing = within(
    context.clock,
    CATALOG_LIMIT_MS,
    core.variants(),
    () => new PullError('Unreachable', `the catalog did not answer within ${CATALOG_LIMIT_MS / 1000} s`),
  );
  const variant = chooseVariant(config.reference, await listing, provider);
  context.log.info({ reference: config.reference, id: variant.id, locked, store: store.root }, 'variant resolved');
  return variant;
}

/**
 * The core gives files their full size before their content comes, and what has its size it never fetches again: after a download that was
 * broken off it would call a file of zeros done. So what is not known to be whole goes first.
 */
async function clearPlace({ store, context }: Pulling, id: string): Promise<void> {
  for (const folder of await foldersOf(store.root, id)) {
    context.log.warn({ id, folder }, 'model that is damaged or not whole removed, to be fetched anew');
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
      throw fileError(error, `remove ${folder}`);
    });
  }
}

const PLACE = `sha256:${'0'.repeat(64)}` as const;

/** Resolves with the bytes that it has told of, which are an estimate. */
async function download(core: FoundryCore, variant: CatalogVariant, { context, store }: Pulling): Promise<number> {
  const { clock, progress, signal } = context;
  const size = variant.sizeBytes ?? 0;
  await requireSpace(store.base, size);
  progress.begin('Fetching', { layers: [{ digest: PLACE, size, mediaType: 'model' }] });
  const silence = limitSilence(
    clock,
    SILENCE_MS,
    signal,
    () => new PullError('Unreachable', `nothing has arrived for ${SILENCE_MS / 60_000} minutes`),
  );
  let done = 0;
  const onPercent = (percent: number) => {
    const bytes = Math.round((size * Math.min(100, percent)) / 100);
    silence.heard();
    if (bytes <= done) return;
    progress.fetched(bytes - done);
    progress.layer(PLACE, bytes, bytes - done);
    done = bytes;
  };
  const late = new Promise<never>((_, reject) => {
    silence.signal.addEventListener('abort', () => reject(silence.signal.reason), { once: true });
  });
  try {
    await Promise.race([core.download(variant.id, { onPercent, signal: silence.signal }), late]);
  } finally {
    silence.end();
    late.catch(() => undefined);
  }
  return done;
}

export interface Fetched {
  readonly variant: CatalogVariant;
  /** Where the store has it whole, with its list of files. */
  readonly record?: VariantRecord;
  readonly folder: string;
  /** Told to have been fetched so far, by the catalog's word on its size; undefined where it was there already. */
  readonly toldBytes: number | undefined;
}

/** The variant that is meant, and the folder into which the core has put it. Rejects with a PullError, or with the reason of the signal. */
export async function fetchVariant(pulling: Pulling): Promise<Fetched> {
  const { context, outside } = pulling;
  context.progress.begin('Resolving');
  await outside.reachCatalog(context);
  let core: FoundryCore | undefined;
  try {
    core = await unlessStopped(context.signal, startFor(pulling));
    const variant = await unlessStopped(context.signal, choose(core, pulling));
    // Another revision may have brought it, and its pods serve from these very files.
    const record = await wholeVariant(pulling, variant.id);
    if (record) return { variant, record, folder: folderOf(pulling.store.root, record), toldBytes: undefined };
    const filled = (await readVariant(pulling.store, variant.id))
      ? undefined
      : await cachedFolder(pulling.store.root, variant.id);
    if (filled) return { variant, folder: filled, toldBytes: undefined };
    await clearPlace(pulling, variant.id);
    const toldBytes = await download(core, variant, pulling);
    return { variant, folder: await core.folderOf(variant.id), toldBytes };
  } catch (error) {
    context.signal.throwIfAborted();
    throw pullError(error, `the model cannot be fetched from the catalog`);
  } finally {
    core?.end();
  }
}
