// A short question to the model now and then, when nobody else asks: a runtime may be up and not answer, or answer nonsense.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Admission, LesserSlot } from './admission.ts';
import type { GatewayConfig } from './config.ts';
import type { CanaryOutcome, Observation } from './observation.ts';
import { TimeUp, within } from './patience.ts';
import type { ModelKind } from './routes.ts';
import type { CanaryQuestion, RuntimeClient } from './runtimeClient.ts';
import { canaryDue } from './state.ts';
import type { Truth } from './truth.ts';

export interface CanaryOptions {
  config: NonNullable<GatewayConfig['canary']>;
  client: RuntimeClient;
  truth: Truth;
  admission: Admission;
  clock: Clock;
  log: Logger;
  kind(): ModelKind | undefined;
  /** Told of every one that came to something. */
  onResult?(result: { outcome: CanaryOutcome; seconds: number }): void;
}

export interface Canary {
  stop(): void;
}

const DEFAULT_PROMPT = 'Say hello.';
/** Enough to see that words come. */
const FEW_TOKENS = 8;
/** What is expected may stand behind some thinking. */
const SOME_TOKENS = 64;
/** The first token of a short prompt takes a large model on few processors some seconds. */
const ANSWER_MS = 30_000;
const MAX_QUOTED = 80;

type Seen = Pick<Extract<Observation, { kind: 'Canary' }>, 'outcome' | 'message'>;

const quoted = (text: string) => JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED - 1)}…` : text);

/** What the answer proves. It is never told what the model said: that is nobody's business. */
export function judgeAnswer(text: string, expected: string | undefined): Seen {
  if (text.trim() === '') return { outcome: 'Wrong', message: 'the canary was answered with nothing' };
  if (expected === undefined || text.includes(expected)) return { outcome: 'Passed' };
  return { outcome: 'Wrong', message: `the answer to the canary lacks ${quoted(expected)}` };
}

function judgeError(error: unknown): Seen {
  if (error instanceof TimeUp) return { outcome: 'Silent', message: `the canary got ${error.message}` };
  const words = error instanceof Error ? error.message : String(error);
  return { outcome: 'Failed', message: `the canary has failed: ${words}` };
}

/** Listens to the truth from now on. */
export function createCanary(options: CanaryOptions): Canary {
  const { config, client, truth, admission, clock, log, kind, onResult } = options;
  let running: AbortController | undefined;

  function question(name: string): CanaryQuestion {
    const { prompt = DEFAULT_PROMPT, expectContains } = config;
    return { name, prompt, kind: kind(), maxTokens: expectContains === undefined ? FEW_TOKENS : SOME_TOKENS };
  }

  async function run(name: string, slot: LesserSlot): Promise<void> {
    const abort = new AbortController();
    running = abort;
    slot.recalled.addEventListener('abort', () => abort.abort(), { once: true });
    const began = clock.monotonic();
    const { load } = truth.state.facts;
    const hasCompany = () => admission.inFlight > 1; // itself is one
    const begunBeside = hasCompany();
    // The numbers of an embedding are compared with nothing.
    const expected = kind() === 'Embed' ? undefined : config.expectContains;
    const seen = await within(clock, ANSWER_MS, abort.signal, (limit) => client.ask(question(name), limit)).then(
      (text) => judgeAnswer(text, expected),
      judgeError,
    );
    running = undefined;
    const beside = begunBeside || hasCompany();
    slot.release();
    const same = truth.state.facts.load.since === load.since && truth.state.facts.load.phase === load.phase;
    if (abort.signal.aborted || !same) return; // it gave way, or was asked of a model that has gone
    const seconds = (clock.monotonic() - began) / 1000;
    tell(seen, seconds, beside);
    truth.observe({ kind: 'Canary', seconds, beside, ...seen });
  }

  function tell({ outcome, message }: Seen, seconds: number, beside: boolean): void {
    const fields = { outcome, why: message, seconds };
    if (outcome === 'Silent' && beside) {
      log.info(fields, 'canary told nothing, requests are at the runtime'); // nobody is to be alarmed by a long prompt
      return;
    }
    if (outcome !== 'Passed') log.warn(fields, 'canary failed');
    onResult?.({ outcome, seconds });
  }

  const stopListening = truth.onStep((state) => {
    const { target, drainingSince } = state.facts;
    if (drainingSince !== undefined) running?.abort();
    if (running || !target || !canaryDue(state, clock.monotonic())) return;
    const slot = admission.tryEnter();
    if (slot) void run(target.name, slot);
  });

  return {
    stop() {
      stopListening();
      running?.abort();
    },
  };
}
