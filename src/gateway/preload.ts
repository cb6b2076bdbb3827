// Tells the runtime to load the declared model, whenever it is not there, and holds the connection until it is.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Target } from './observation.ts';
import { TimeUp, within } from './patience.ts';
import type { ModelKind } from './routes.ts';
import type { RuntimeClient } from './runtimeClient.ts';
import { wantsLoad } from './state.ts';
import type { Truth } from './truth.ts';

export interface Preload {
  /** Of the model that was loaded last; undefined where the runtime does not say. */
  kind(): ModelKind | undefined;
  /** Calls off a load that is under way. */
  stop(): void;
}

export interface PreloadOptions {
  client: RuntimeClient;
  truth: Truth;
  clock: Clock;
  log: Logger;
  loadTimeoutMs: number;
}

const DESCRIBE_MS = 10_000;

/** Listens to the truth from now on. */
export function createPreload({ client, truth, clock, log, loadTimeoutMs }: PreloadOptions): Preload {
  let kind: ModelKind | undefined;
  let running: { abort: AbortController; begun: boolean } | undefined;

  async function load(target: Target, signal: AbortSignal): Promise<void> {
    kind = await within(clock, DESCRIBE_MS, signal, (limit) => client.kindOf(target.name, limit));
    await within(clock, loadTimeoutMs, signal, (limit) => client.load(target, kind, limit));
  }

  function wordsOf(error: unknown): string {
    if (error instanceof TimeUp) return `${error.message}; see performance.loadTimeoutSeconds`;
    return error instanceof Error ? error.message : String(error);
  }

  async function run(target: Target): Promise<void> {
    const abort = new AbortController();
    const mine = { abort, begun: false };
    running = mine;
    const began = clock.monotonic();
    truth.observe({ kind: 'LoadBegan' });
    log.info({ model: target.name, digest: target.digest }, 'load begun');
    const message = await load(target, abort.signal).then(() => undefined, wordsOf);
    if (running !== mine) return; // called off: what it came to says nothing of what is wanted now
    running = undefined;
    const seconds = Math.round(clock.monotonic() - began) / 1000;
    if (message === undefined) log.info({ model: target.name, seconds }, 'load ended');
    else log.warn({ model: target.name, seconds, why: message }, 'load failed');
    truth.observe(message === undefined ? { kind: 'LoadEnded' } : { kind: 'LoadFailed', message });
  }

  function callOff(): void {
    running?.abort.abort();
    running = undefined;
  }

  const stopListening = truth.onStep((state) => {
    const { target, load } = state.facts;
    if (running && load.phase === 'Running') running.begun = true;
    // The runtime has gone, or what has to be served is another model.
    if (running?.begun && load.phase !== 'Running') callOff();
    if (!running && target && wantsLoad(state, clock.monotonic())) void run(target);
  });

  return {
    kind: () => kind,
    stop() {
      stopListening();
      callOff();
    },
  };
}
