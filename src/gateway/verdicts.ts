// What the kubelet and clients are told: startup, readiness and liveness of both containers, and whether the door is open.

import { isBusy } from './facts.ts';
import { CANARY_LIMIT } from './fitness.ts';
import type { State } from './state.ts';

export interface Verdict {
  readonly ok: boolean;
  /** One line for the body of the probe; never empty. */
  readonly message: string;
}

export interface Verdicts {
  /** Of the gateway itself. */
  readonly gateway: Probes;
  /** Of the main container. */
  readonly runtime: Probes;
}

export interface Probes {
  readonly startup: Verdict;
  readonly readiness: Verdict;
  readonly liveness: Verdict;
}

/** No answer for so long counts as hung. The kubelet asks twelve times more before it acts (src/children/probes.ts). */
export const HUNG_AFTER_MS = 60_000;
/** The server answers and the model does not: slower to judge, since a prompt may take its time. */
export const MUTE_AFTER_MS = 180_000;

const passed = (message: string): Verdict => ({ ok: true, message });
const failed = (message: string): Verdict => ({ ok: false, message });
const seconds = (ms: number) => `${Math.floor(ms / 1000)} s`;

function startup({ facts: { runtime }, message }: State): Verdict {
  return runtime.answer === 'Up' ? passed('the runtime answers') : failed(message);
}

function readiness({ phase, reason, message }: State): Verdict {
  const text = `${reason}: ${message}`;
  return phase === 'Serving' ? passed(text) : failed(text);
}

/** Only positive evidence counts, and only over minutes: a restart costs a loaded model. */
function liveness({ facts, rules, phase }: State, now: number): Verdict {
  const { runtime, load, canary } = facts;
  if (phase === 'Draining') return passed('draining');
  if (load.phase === 'Running' && now - load.since < rules.loadTimeoutMs) return passed('loading');
  if (isBusy(facts, now)) return passed('answers are arriving');
  const missingFor = runtime.missingSince === undefined ? 0 : now - runtime.missingSince;
  if (missingFor >= HUNG_AFTER_MS) return failed(`the runtime has not answered for ${seconds(missingFor)}`);
  const muteFor = canary.failingSince === undefined ? 0 : now - canary.failingSince;
  if (canary.outcome === 'Silent' && canary.failuresInARow > CANARY_LIMIT && muteFor >= MUTE_AFTER_MS)
    return failed(`the runtime has not answered the canary for ${seconds(muteFor)}`);
  return passed('no sign of a hung runtime');
}

/**
 * All probe answers. The gateway's own liveness is that it answers at all; its readiness is the pod's.
 * @param now monotonic milliseconds
 */
export function verdictsOf(state: State, now: number): Verdicts {
  const ready = readiness(state);
  return {
    gateway: { startup: passed('the gateway answers'), readiness: ready, liveness: passed('the gateway answers') },
    runtime: { startup: startup(state), readiness: ready, liveness: liveness(state, now) },
  };
}

/** `Open`: requests are taken. Else what they are refused for, with 503. */
export type Door = 'Open' | 'NotReady' | 'Draining';

/**
 * Whether new requests are taken. A drain leaves the door open for as long as endpoints take to be withdrawn.
 * @param now monotonic milliseconds
 */
export function doorOf({ facts: { drainingSince }, fitness, rules }: State, now: number): Door {
  if (drainingSince !== undefined && now - drainingSince >= rules.lameDuckMs) return 'Draining';
  return fitness.reason === 'Serving' ? 'Open' : 'NotReady';
}

/**
 * Whether main may be stopped: the door is shut and nothing is running, or the runtime hangs, so that waiting is of no use.
 * @param inFlight requests that run or wait
 * @param now monotonic milliseconds
 */
export function drained(state: State, inFlight: number, now: number): boolean {
  if (doorOf(state, now) !== 'Draining') return false;
  const { missingSince } = state.facts.runtime;
  const hung = missingSince !== undefined && now - missingSince >= HUNG_AFTER_MS && !isBusy(state.facts, now);
  return inFlight === 0 || hung;
}
