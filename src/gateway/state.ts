// The truth about a model pod: Starting → RuntimeUp → Loading → Serving ⇄ Degraded → Draining, a pure function of what was seen.
import { type Facts, gather, noFacts } from './facts.ts';
import { FAILURE_LIMIT, type Finding, fitnessOf, type Rules, servedModel } from './fitness.ts';
import type { Observation } from './observation.ts';
import { type GatewayReason, type Phase, phaseOf } from './reasons.ts';

export interface State {
  readonly rules: Rules;
  readonly facts: Facts;
  /** What would be said if there were no drain. */
  readonly fitness: Finding;
  readonly phase: Phase;
  readonly reason: GatewayReason;
  readonly message: string;
  /** Of phase and reason, monotonic milliseconds. */
  readonly since: number;
}

const drainFinding: Finding = { reason: 'Draining', message: 'the pod is being stopped; running requests go on' };

function judged(rules: Rules, facts: Facts, now: number): Omit<State, 'since'> {
  const fitness = fitnessOf(facts, rules, now);
  const { reason, message } = facts.drainingSince === undefined ? fitness : drainFinding;
  return { rules, facts, fitness, reason, message, phase: phaseOf(reason, facts.served) };
}

/** Being served is itself a fact that later judgements need. */
function withServed(facts: Facts, { reason }: Finding): Facts {
  if (reason !== 'Serving') return facts;
  const { load } = facts;
  if (facts.servedThisRun && load.attempts === 0) return facts;
  return { ...facts, served: true, servedThisRun: true, load: { ...load, attempts: 0 } };
}

/** @param now monotonic milliseconds */
export function initialState(rules: Rules, now: number): State {
  return { ...judged(rules, noFacts(now), now), since: now };
}

/**
 * The state after one more observation. Tick at least once a second: some reasons pass with time alone.
 * @param now monotonic milliseconds
 */
export function step(state: State, observation: Observation, now: number): State {
  const next = judged(state.rules, gather(state.facts, observation, now), now);
  const facts = withServed(next.facts, next.fitness);
  const same = next.phase === state.phase && next.reason === state.reason;
  return { ...next, facts, since: same ? state.since : now };
}

/** First wait after a load that did not bring the model; doubled each time. */
const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Whether the runtime should be told to load the model now: it is not there, and no load is under way.
 * The caller says LoadBegan when it does, then LoadEnded or LoadFailed, and asks for the list of models again.
 */
export function wantsLoad({ facts }: State, now: number): boolean {
  const { runtime, target, load, loaded, drainingSince } = facts;
  if (runtime.answer !== 'Up' || !target || drainingSince !== undefined || load.phase === 'Running') return false;
  if (load.phase === 'Done' && (!loaded || servedModel(facts))) return false;
  if (load.attempts === 0) return true;
  return now - load.since >= Math.min(FIRST_RETRY_MS * 2 ** (load.attempts - 1), LONGEST_RETRY_MS);
}

/** Between tries while the pod is Degraded: recovery should show soon. */
const CANARY_RETRY_MS = 5000;
/** Between tries while it alone can tell whether the requests or the runtime are to blame. */
const CANARY_VERDICT_MS = 1000;

/**
 * Whether a canary should be sent now. It has the lowest priority: only when no real request succeeded in the interval,
 * or when one is needed to prove that something works again.
 */
export function canaryDue({ facts, fitness, rules }: State, now: number): boolean {
  const { canaryIntervalMs } = rules;
  if (canaryIntervalMs === undefined || facts.drainingSince !== undefined) return false;
  const { canary, requests } = facts;
  const never = Number.NEGATIVE_INFINITY;
  const sinceLast = now - Math.max(canary.at ?? never, canary.toldNothingAt ?? never);
  const doubtful = canary.failuresInARow > 0 || requests.failuresInARow > 0;
  switch (fitness.reason) {
    case 'Failing':
    case 'CanaryFailed':
    case 'CanaryWrong':
      return sinceLast >= CANARY_RETRY_MS;
    case 'Serving': {
      if (requests.failuresInARow >= FAILURE_LIMIT) return sinceLast >= CANARY_VERDICT_MS;
      if (doubtful) return sinceLast >= Math.min(CANARY_RETRY_MS, canaryIntervalMs);
      const sinceSuccess = now - (requests.lastSuccessAt ?? never);
      return Math.min(sinceLast, sinceSuccess) >= canaryIntervalMs;
    }
    default:
      return false;
  }
}
