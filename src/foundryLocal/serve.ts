// The server: the core with one model in it, on loopback, from its start to its end.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PullError } from '../models/errors.ts';
import { type Clock, delay } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type CatalogVariant, CoreError, type FoundryCore, type StartCore } from './core.ts';
import { ServeError } from './exits.ts';
import { type GenaiConfig, optionsOf } from './modelFolder.ts';
import { inUse, type ReportFile, reportFile } from './report.ts';
import { findServed, type Served } from './served.ts';
import type { ServeSettings } from './settings.ts';
import { unlessStopped } from './stopping.ts';
import { makeView } from './view.ts';

export interface ServeContext {
  readonly startCore: StartCore;
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts at SIGTERM. */
  readonly signal: AbortSignal;
}

/**
 * How long answers that still run may take at the end. The gateway has drained before kubelet sends SIGTERM, so there are none, unless
 * it has not waited; and the grace that is left is 15 s (DRAIN_SECONDS).
 */
const LAST_ANSWERS_MS = 8_000;
const UNLOAD_MS = 4_000;

/** The core cannot be told to leave off, so what takes too long is left alone, for the end of the process. */
async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<'InTime' | 'Late'> {
  const over = new AbortController();
  try {
    return await Promise.race([
      work.then(() => 'InTime' as const),
      delay(clock, ms, over.signal).then(() => 'Late' as const),
    ]);
  } finally {
    work.catch(() => undefined); // whatever comes of it later
    over.abort();
  }
}

/** What the core says no to is one thing, and that it has gone another. */
function failure(cause: unknown, reason: 'LoadFailed' | 'ServiceFailed', doing: string): Error {
  if (!(cause instanceof CoreError)) return cause instanceof Error ? cause : new Error(String(cause));
  return new ServeError(cause.reason === 'Ended' ? 'CoreEnded' : reason, `${doing}: ${cause.message}`, cause);
}

async function whatToServe({ home, store, model }: ServeSettings): Promise<Served> {
  const served = await findServed(home, store, model);
  if (served) return served;
  throw new ServeError('ModelMissing', `${store} has no ${model} that a pull has verified; run the verb pull first`);
}

/** Resolves with the registered providers. The core of its own accord uses the CPU where the device cannot be had; here that is an error. */
async function takeDevice(core: FoundryCore, { provider }: ServeSettings, log: Logger): Promise<readonly string[]> {
  const known = await core.providers();
  log.info({ providers: known, wanted: provider?.executionProvider }, 'execution providers');
  const there = known.flatMap(({ name, registered }) => (registered ? name : []));
  if (!provider || provider.device === 'CPU' || there.includes(provider.executionProvider)) return there;
  const own = known.some(({ name }) => name === provider.executionProvider);
  const registered = own ? await core.register([provider.executionProvider]) : [];
  if (registered.includes(provider.executionProvider)) return [...there, ...registered];
  throw new ServeError(
    'DeviceMissing',
    `the core has no ${provider.executionProvider} here (it has ${known.map(({ name }) => name).join(', ') || 'none'}): the image must be the one with CUDA, and the device visible in the container`,
  );
}

/** Resolves with what the core says of the model. */
async function load(
  core: FoundryCore,
  served: Served,
  settings: ServeSettings,
  { log, clock }: ServeContext,
): Promise<CatalogVariant> {
  const begun = clock.monotonic();
  const variant = (await core.variants()).find(({ id }) => id === served.id);
  if (!variant) throw new ServeError('LoadFailed', `the core does not take ${served.folder} for ${served.id}`);
  const loading = core.load(served.id).catch((cause: unknown) => {
    throw failure(cause, 'LoadFailed', `the core cannot load ${served.id}`);
  });
  if ((await within(clock, settings.loadTimeoutMs, loading)) === 'Late')
    throw new ServeError('LoadTimeout', `${served.id} was not loaded within ${settings.loadTimeoutMs / 1000} s`);
  log.info({ id: served.id, seconds: (clock.monotonic() - begun) / 1000 }, 'model loaded');
  return variant;
}

async function stop(core: FoundryCore, served: Served, { log, clock }: ServeContext): Promise<void> {
  const ended = await within(clock, LAST_ANSWERS_MS, core.stopService());
  if (ended === 'Late') log.warn({ waitedMs: LAST_ANSWERS_MS }, 'answers still run, stopping without them');
  else {
    const unloaded = await within(clock, UNLOAD_MS, core.unload(served.id));
    if (unloaded === 'Late') log.warn({ waitedMs: UNLOAD_MS }, 'model is still being unloaded');
  }
  log.info({ id: served.id }, 'stopped');
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Resolves when it was asked to stop and has. Rejects with a ServeError when it cannot serve. */
export async function serve(settings: ServeSettings, context: ServeContext): Promise<void> {
  const { signal } = context;
  try {
    await serveUntilStopped(settings, context);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
}

/** Rejects with the reason of the signal where it was asked to stop before it served. */
async function serveUntilStopped(settings: ServeSettings, context: ServeContext): Promise<void> {
  const { startCore, clock, log, signal } = context;
  const report = reportFile(settings.reportFile, log);
  await report.clear();
  const served = await whatToServe(settings);
  const { maxContext, threads, home, libraries, port } = settings;
  const [cache, data, logs] = ['models', 'state', 'logs'].map((name) => join(home, name)) as [string, string, string];
  const view = makeView({ served, folder: cache, maxContext, threads, now: clock.now() });
  const config = await view.catch((error: unknown) => {
    if (error instanceof PullError) throw new ServeError('ModelMissing', error.message, error);
    throw error;
  });
  await mkdir(logs, { recursive: true });
  const starting = startCore({ libraries, cache, data, logs, catalog: 'None', port }).catch((error: unknown) => {
    throw new ServeError('CoreMissing', error instanceof Error ? error.message : String(error), error);
  });
  const core = await unlessStopped(signal, starting);
  const crash = core.ended.then((error) => {
    throw new ServeError('CoreEnded', error.message, error);
  });
  try {
    await Promise.race([crash, run(core, { ...served, config, report }, settings, context)]);
  } finally {
    crash.catch(() => undefined); // it is ended now
    core.end();
  }
}

interface Subject extends Served {
  /** As the core gets it. */
  readonly config: GenaiConfig;
  readonly report: ReportFile;
}

/** Until it listens. */
async function begin(
  core: FoundryCore,
  served: Subject,
  settings: ServeSettings,
  context: ServeContext,
): Promise<void> {
  const registered = await takeDevice(core, settings, context.log);
  const { device } = await load(core, served, settings, context);
  const place = inUse({ asked: optionsOf(served.config), registered, device });
  // Before anybody can ask what is loaded.
  await served.report.write({ model: served.id, ...place });
  const urls = await core.startService().catch((cause: unknown) => {
    throw failure(cause, 'ServiceFailed', `cannot listen on 127.0.0.1:${settings.port}`);
  });
  context.log.info({ id: served.id, urls, ...place }, 'serving');
}

async function run(core: FoundryCore, served: Subject, settings: ServeSettings, context: ServeContext): Promise<void> {
  const { signal } = context;
  await unlessStopped(signal, begin(core, served, settings, context));
  await untilAborted(signal);
  await stop(core, served, context);
}
