// Looks at the runtime all the time: whether it answers, and which models it has loaded.
import { type Clock, delay } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Observation } from './observation.ts';
import { within } from './patience.ts';
import { type RuntimeClient, RuntimeError } from './runtimeClient.ts';
import type { State } from './state.ts';
import type { Truth } from './truth.ts';

export interface RuntimeWatch {
  /** Of the runtime that answered last, once it has said it. */
  version(): string | undefined;
  /** Resolves when it has ended, after its signal has aborted. */
  readonly ended: Promise<void>;
}

export interface RuntimeWatchOptions {
  client: RuntimeClient;
  truth: Truth;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** Between two looks: a lost runtime or model is told of within this time. */
const EVERY_MS = 1000;
/** A server that is alive answers in milliseconds; one whose processors are all taken, in hundreds. */
const ANSWER_MS = 2000;
/** The list waits for Ollama's scheduler, which waits for a runner that does not answer, ten seconds long (sched.go). */
const LIST_MS = 3000;

type RuntimeSeen = Extract<Observation, { kind: 'Runtime' }>;

const unanswered = (error: unknown): RuntimeSeen => ({
  kind: 'Runtime',
  answer: error instanceof RuntimeError && error.reason === 'Refused' ? 'Refused' : 'Silent',
});

/** What happened that makes the last look worthless, or the next one urgent. */
const isNews = (now: State, before: State): boolean =>
  (now.facts.load !== before.facts.load && now.facts.load.phase !== before.facts.load.phase) ||
  now.facts.requests.failuresInARow > before.facts.requests.failuresInARow;

/** Begins at once, and looks again each second until the signal aborts; sooner when a load has ended or a request has failed. */
export function watchRuntime({ client, truth, clock, log, signal }: RuntimeWatchOptions): RuntimeWatch {
  let version: string | undefined;
  let versionOf = -1;
  let hurry = new AbortController();

  /** Only of a process that has not said it yet. */
  async function lookAtVersion(): Promise<void> {
    const { restarts } = truth.state.facts.runtime;
    if (versionOf === restarts) return;
    version = await within(clock, ANSWER_MS, signal, client.version);
    versionOf = restarts;
    log.info({ version }, 'runtime answers');
  }

  async function lookAtModels(): Promise<void> {
    const { load } = truth.state.facts;
    if (load.phase === 'Running') return; // it would list what is only being loaded
    const loaded = await within(clock, LIST_MS, signal, client.models);
    const after = truth.state.facts.load;
    // A list from before a load, or from before the runtime went, says nothing of now.
    if (after.phase === load.phase && after.since === load.since) truth.observe({ kind: 'Models', loaded });
  }

  async function look(): Promise<void> {
    let seen: RuntimeSeen;
    try {
      seen = { kind: 'Runtime', answer: 'Up', ...(await within(clock, ANSWER_MS, signal, client.alive)) };
    } catch (error) {
      if (!signal.aborted) truth.observe(unanswered(error));
      return;
    }
    const { answer, instance } = truth.state.facts.runtime;
    // Of another process: what was known of the one before is forgotten first, and the list is the new one's.
    if (answer === 'Refused' || seen.instance !== instance) truth.observe(seen);
    try {
      await lookAtModels();
      truth.observe(seen);
    } catch (error) {
      // Up, and nobody knows what it serves: that is no answer either.
      if (!signal.aborted) truth.observe(unanswered(error));
      return;
    }
    await lookAtVersion();
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      hurry = new AbortController();
      const began = clock.monotonic();
      await look().catch((err: unknown) => {
        if (!signal.aborted) log.debug({ err }, 'runtime does not say its version');
      });
      await delay(clock, Math.max(0, began + EVERY_MS - clock.monotonic()), hurry.signal);
    }
  }

  const stopListening = truth.onStep((now, before) => {
    if (isNews(now, before)) hurry.abort();
  });
  signal.addEventListener('abort', () => hurry.abort(), { once: true });
  return {
    version: () => version,
    ended: watch().finally(stopListening),
  };
}
