// The one place where the state of the pod is held: observations in, a step for each, and all who act on it told.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Rules } from './fitness.ts';
import type { Observation } from './observation.ts';
import { initialState, type State, step } from './state.ts';

export interface Truth {
  readonly state: State;
  /** Takes a step. What a listener observes in turn is taken after all listeners have heard of this one. */
  observe(observation: Observation): void;
  /** After every step, also one that changed nothing but the time. Returns how to stop listening. */
  onStep(listener: (now: State, before: State) => void): () => void;
  /** Lets no more time pass. */
  stop(): void;
}

export interface TruthOptions {
  rules: Rules;
  clock: Clock;
  log: Logger;
}

/** Some reasons pass with time alone. */
const TICK_MS = 1000;

function logChange(log: Logger, now: State, before: State): void {
  if (now.reason === before.reason && now.phase === before.phase) return;
  const fields = {
    phase: now.phase,
    reason: now.reason,
    why: now.message,
    before: before.reason,
    afterSeconds: Math.round(now.since - before.since) / 1000,
  };
  if (now.phase === 'Degraded' || now.reason === 'LoadFailed') log.warn(fields, 'state changed');
  else log.info(fields, 'state changed');
}

/** Ticks from now on, until it is stopped. */
export function createTruth({ rules, clock, log }: TruthOptions): Truth {
  const listeners = new Set<(now: State, before: State) => void>();
  const waiting: Observation[] = [];
  let state = initialState(rules, clock.monotonic());
  let stepping = false;
  let timer = clock.after(TICK_MS, tick);

  function takeStep(observation: Observation): void {
    const before = state;
    state = step(before, observation, clock.monotonic());
    logChange(log, state, before);
    for (const listener of listeners) {
      try {
        listener(state, before);
      } catch (err) {
        log.error({ err }, 'a listener of the state failed');
      }
    }
  }

  function observe(observation: Observation): void {
    waiting.push(observation);
    if (stepping) return;
    stepping = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) takeStep(next);
    stepping = false;
  }

  function tick(): void {
    timer = clock.after(TICK_MS, tick);
    observe({ kind: 'Tick' });
  }

  return {
    get state() {
      return state;
    },
    observe,
    onStep(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: () => timer.cancel(),
  };
}
