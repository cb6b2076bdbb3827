// What the gateway knows of its pod: observations gathered, with runs of failures counted. No judgement here.
import type {
  CanaryOutcome,
  CanarySeen,
  LoadedModel,
  Observation,
  Problem,
  RuntimeAnswer,
  Target,
} from './observation.ts';

/** All times are monotonic milliseconds. */
export interface Facts {
  readonly problems: readonly Problem[];
  readonly pull: { readonly done: boolean; readonly message?: string };
  readonly target?: Target;
  readonly runtime: RuntimeFacts;
  readonly load: LoadFacts;
  /** Absent: not known since the runtime came up, or since the last load. */
  readonly loaded?: readonly LoadedModel[];
  readonly requests: RequestFacts;
  readonly canary: CanaryFacts;
  /** The model has been served since the runtime last came up. */
  readonly servedThisRun: boolean;
  /** The model has been served in the life of this gateway. */
  readonly served: boolean;
  readonly drainingSince?: number;
}

export interface RuntimeFacts {
  /** Absent: not asked yet. */
  readonly answer?: RuntimeAnswer;
  readonly silentInARow: number;
  /** Since when it has not answered; absent while it answers, and before it was asked. */
  readonly missingSince?: number;
  readonly everUp: boolean;
  readonly instance?: string;
  /** Seen by this gateway. */
  readonly restarts: number;
}

export interface LoadFacts {
  readonly phase: 'None' | 'Running' | 'Done' | 'Failed';
  /** Of this phase. */
  readonly since: number;
  /** Begun since the model was last served. */
  readonly attempts: number;
  /** It was served before, in this run of the runtime. */
  readonly again: boolean;
  readonly message?: string;
  /** Of the last load that ended well. */
  readonly seconds?: number;
}

export interface RequestFacts {
  readonly failuresInARow: number;
  /** When the first of them was told of. */
  readonly failingSince?: number;
  readonly lastFailureAt?: number;
  /** Last answer, or last token of one. */
  readonly lastSuccessAt?: number;
}

export interface CanaryFacts {
  readonly outcome?: CanaryOutcome;
  readonly at?: number;
  /** When a later one ended that does not count. */
  readonly toldNothingAt?: number;
  readonly seconds?: number;
  readonly message?: string;
  readonly failuresInARow: number;
  /** Of the run of failures. */
  readonly failingSince?: number;
}

/** Tokens within this time prove that a runtime which does not answer a probe is busy, not hung. */
export const BUSY_MS = 15_000;

const noLoad = (now: number, seconds?: number): LoadFacts => ({
  phase: 'None',
  since: now,
  attempts: 0,
  again: false,
  ...(seconds !== undefined && { seconds }),
});

const noFailures = { failuresInARow: 0 } as const;

export const noFacts = (now: number): Facts => ({
  problems: [],
  pull: { done: false },
  runtime: { silentInARow: 0, everUp: false, restarts: 0 },
  load: noLoad(now),
  requests: noFailures,
  canary: noFailures,
  servedThisRun: false,
  served: false,
});

/** Tokens have arrived, or answers, so lately that silence elsewhere only means that the runtime is busy. */
export const isBusy = ({ requests: { lastSuccessAt } }: Facts, now: number): boolean =>
  lastSuccessAt !== undefined && now - lastSuccessAt < BUSY_MS;

/** What was known of a process that is gone is worth nothing. */
function forgotten(facts: Facts, now: number): Facts {
  const { loaded: _, ...rest } = facts;
  const { lastSuccessAt } = facts.requests;
  return {
    ...rest,
    load: noLoad(now, facts.load.seconds),
    requests: { ...noFailures, ...(lastSuccessAt !== undefined && { lastSuccessAt }) },
    canary: noFailures,
    servedThisRun: false,
  };
}

type Of<K extends Observation['kind']> = Extract<Observation, { kind: K }>;

function runtimeSeen(facts: Facts, { answer, instance }: Of<'Runtime'>, now: number): Facts {
  const { missingSince: since = now, ...known } = facts.runtime;
  if (answer === 'Up') {
    const another = instance !== undefined && known.instance !== undefined && instance !== known.instance;
    const restarted = known.everUp && (known.answer === 'Refused' || another);
    const runtime = {
      ...known,
      answer,
      silentInARow: 0,
      everUp: true,
      restarts: known.restarts + (restarted ? 1 : 0),
      ...(instance !== undefined && { instance }),
    };
    return { ...(restarted ? forgotten(facts, now) : facts), runtime };
  }
  const silentInARow = answer === 'Silent' ? known.silentInARow + (isBusy(facts, now) ? 0 : 1) : 0;
  const runtime = { ...known, answer, silentInARow, missingSince: since };
  return { ...(answer === 'Refused' ? forgotten(facts, now) : facts), runtime };
}

function targetSeen(facts: Facts, { target }: Of<'Target'>, now: number): Facts {
  const same = facts.target?.name === target.name && facts.target.digest === target.digest;
  return same ? facts : { ...forgotten(facts, now), target };
}

function loadBegan(facts: Facts, now: number): Facts {
  const { attempts, seconds } = facts.load;
  const again = facts.servedThisRun;
  const load: LoadFacts = { ...noLoad(now, seconds), phase: 'Running', attempts: attempts + 1, again };
  return { ...facts, load };
}

/** A load that ends after its runtime has gone says nothing of the new one. */
function loadEnded(facts: Facts, now: number): Facts {
  if (facts.load.phase !== 'Running') return facts;
  const { loaded: _, ...rest } = facts; // the list is from before
  const load: LoadFacts = { ...facts.load, phase: 'Done', since: now, seconds: (now - facts.load.since) / 1000 };
  return { ...rest, load, requests: { ...facts.requests, ...noFailures }, canary: noFailures };
}

function loadFailed(facts: Facts, { message }: Of<'LoadFailed'>, now: number): Facts {
  if (facts.load.phase !== 'Running') return facts;
  return { ...facts, load: { ...facts.load, phase: 'Failed', since: now, message } };
}

function requestSeen(facts: Facts, { outcome, startedAt }: Of<'Request'>, now: number): Facts {
  const { requests, canary } = facts;
  if (outcome !== 'Failed') {
    // An answer proves that the runtime answers, not that the answer has sense in it.
    const { failingSince: _, ...last } = canary;
    const cleared = canary.outcome === 'Wrong' ? canary : { ...last, ...noFailures };
    return { ...facts, requests: { ...noFailures, lastSuccessAt: now }, canary: cleared };
  }
  // Many requests that one crash has broken are one failure.
  const anotherOne = requests.lastFailureAt === undefined || startedAt >= requests.lastFailureAt;
  if (!anotherOne) return facts;
  const failingSince = requests.failuresInARow === 0 ? now : requests.failingSince;
  const failuresInARow = requests.failuresInARow + 1;
  return {
    ...facts,
    requests: { ...requests, failuresInARow, lastFailureAt: now, ...(failingSince !== undefined && { failingSince }) },
  };
}

/**
 * Being saturated is not being ill: while tokens arrive, and while a runtime reads a long prompt, which takes minutes on processors and
 * lets nobody else have a turn. Where a request has failed it may be ill.
 */
const saysNothing = (facts: Facts, { outcome, beside }: CanarySeen, now: number): boolean =>
  outcome === 'Silent' && (isBusy(facts, now) || (beside === true && facts.requests.failuresInARow === 0));

function canarySeen(facts: Facts, told: CanarySeen, now: number): Facts {
  const { requests } = facts;
  const { outcome, seconds, message } = told;
  const seen = { outcome, at: now, seconds, ...(message !== undefined && { message }) };
  if (outcome === 'Passed')
    return { ...facts, canary: { ...seen, failuresInARow: 0 }, requests: { ...requests, failuresInARow: 0 } };
  if (saysNothing(facts, told, now)) return { ...facts, canary: { ...facts.canary, toldNothingAt: now } };
  const { failuresInARow, failingSince = now } = facts.canary;
  return { ...facts, canary: { ...seen, failuresInARow: failuresInARow + 1, failingSince } };
}

/** @param now monotonic milliseconds */
export function gather(facts: Facts, seen: Observation, now: number): Facts {
  switch (seen.kind) {
    case 'Tick':
      return facts;
    case 'Problems':
      return { ...facts, problems: seen.problems };
    case 'Pull':
      return { ...facts, pull: { done: seen.done, ...(seen.message !== undefined && { message: seen.message }) } };
    case 'Target':
      return targetSeen(facts, seen, now);
    case 'Runtime':
      return runtimeSeen(facts, seen, now);
    case 'Models':
      return { ...facts, loaded: seen.loaded };
    case 'LoadBegan':
      return loadBegan(facts, now);
    case 'LoadEnded':
      return loadEnded(facts, now);
    case 'LoadFailed':
      return loadFailed(facts, seen, now);
    case 'Request':
      return requestSeen(facts, seen, now);
    case 'Canary':
      return canarySeen(facts, seen, now);
    case 'Drain':
      return facts.drainingSince === undefined ? { ...facts, drainingSince: now } : facts;
  }
}
