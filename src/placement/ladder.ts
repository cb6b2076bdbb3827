// The rung of the hardware ladder that a deployment stands on, and why the ones above it were passed over.
import type { Rung } from '../api/hardware.ts';
import { reject, type Setting, specRejection, worldRejection } from './checks.ts';
import type { Decision, Rejection, Unconfirmed } from './decision.ts';
import { messageOf, nothingFitsMessage } from './message.ts';
import { findOffer } from './offers.ts';
import { choiceOf, type Request, requestsOf } from './requests.ts';
import { clip } from './words.ts';
import type { World } from './world.ts';

/** How soon a refused ladder is looked at again: nodes are not watched, so only asking tells that one has come. */
export const RECHECK_MS = 60_000;

export interface LadderPods {
  /** Pods that should exist; with none the time to fall back stands still. */
  wanted: number;
  /** Whether any pod of the recorded decision was ever scheduled, also one that is gone by now. */
  everScheduled: boolean;
  /** Creation of the oldest pod that waits for a node, ms since the epoch: after a scale-up from zero the time starts anew. */
  pendingSince?: number;
  /** The scheduler's words about a pod that waits. */
  schedulerMessage?: string;
}

export interface LadderState extends Setting {
  ladder: readonly Rung[];
  previous?: Decision | undefined;
  /** Hash of `decisionInputs`. */
  inputsHash: string;
  pods: LadderPods;
  /** Milliseconds since the epoch. */
  now: number;
  fallbackAfterMs: number;
}

export interface LadderInput extends LadderState {
  /** undefined: not read, because `decisionIsOpen` said that it would not matter. */
  world: World | undefined;
}

export type Outcome =
  | {
      kind: 'placed';
      decision: Decision;
      reason: 'Preferred' | 'FellBack' | Unconfirmed;
      message: string;
      /** When to decide again without any event, if at all. */
      nextCheckMs?: number;
    }
  | { kind: 'nothingFits'; rejected: Rejection[]; message: string; nextCheckMs?: number };

/** The recorded decision, if it still stands: made from the same inputs. */
const standing = ({ previous, inputsHash, ladder }: LadderState): Decision | undefined =>
  previous?.inputs === inputsHash && previous.choice.rung < ladder.length ? previous : undefined;

/** Milliseconds until the decision is given up for the next rung; undefined where it never is. */
function fallbackIn({ ladder, pods, now, fallbackAfterMs }: LadderState, { choice, since }: Decision) {
  if (pods.everScheduled || pods.wanted === 0 || choice.rung === ladder.length - 1) return undefined;
  return Math.max(Date.parse(since), pods.pendingSince ?? 0) + fallbackAfterMs - now;
}

/** Whether a rung from `start` on can only be judged by what the cluster offers. */
function worldMatters(state: LadderState, start: number): boolean {
  const rung = state.ladder.slice(start).find((candidate) => !specRejection(candidate, state));
  return rung !== undefined && rung.class !== 'CPU';
}

/** The rung from which the ladder is to be gone down now; undefined while the recorded decision stands. */
function openFrom(state: LadderState): number | undefined {
  const decision = standing(state);
  if (!decision) return 0;
  const left = fallbackIn(state, decision);
  return left !== undefined && left <= 0 ? decision.choice.rung + 1 : undefined;
}

/** Whether nodes and DeviceClasses must be read for `decide`. At rest they need not be, however many there are. */
export function decisionIsOpen(state: LadderState): boolean {
  const start = openFrom(state);
  return start !== undefined && worldMatters(state, start);
}

interface Landing {
  request: Request;
  unconfirmed?: Unconfirmed;
}

/** What to ask for on a rung that passed its spec checks, or why it is passed over. */
function tryRung(rung: Rung, { world, ...setting }: LadderInput): Landing | Rejection {
  const [request, ...others] = requestsOf(rung, setting.runtime);
  if (!request) return reject(rung, 'Unsuitable', 'no device of this class is known; give the rung its resourceName');
  if (rung.class === 'CPU') return { request };
  if (!world) throw new Error(`the world must be read to judge a ${rung.class} rung (decisionIsOpen tells when)`);
  const rejection = worldRejection(rung, { ...setting, world });
  if (rejection) return rung.whenAbsent === 'Wait' ? { request, unconfirmed: 'Waiting' } : rejection;
  if (!request.resourceName)
    return world.deviceClasses === 'forbidden' ? { request, unconfirmed: 'SchedulerDecides' } : { request };
  const offer = findOffer([request, ...others], rung, setting.pod, world);
  return offer.kind === 'offered' ? { request: offer.request } : { request, unconfirmed: 'SchedulerDecides' };
}

const isRejection = (result: Landing | Rejection): result is Rejection => 'reason' in result;

/** RFC 3339, second precision, as Kubernetes writes times. */
const timestamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** Goes down the ladder from `start` to the first rung that can be had. */
function descend(input: LadderInput, start: number, above: readonly Rejection[]): Outcome {
  const rejected = [...above];
  for (const [index, rung] of input.ladder.entries()) {
    if (index < start) continue;
    const result = specRejection(rung, input) ?? tryRung(rung, input);
    if (isRejection(result)) {
      rejected.push(result);
      continue;
    }
    const { request, unconfirmed } = result;
    return placed(input, {
      inputs: input.inputsHash,
      choice: choiceOf(index, rung, request),
      since: timestamp(input.now),
      rejected,
      ...(unconfirmed && { unconfirmed }),
    });
  }
  const mayChange = rejected.some(({ reason }) => reason === 'NotOffered');
  return {
    kind: 'nothingFits',
    rejected,
    message: nothingFitsMessage(rejected),
    ...(mayChange && { nextCheckMs: RECHECK_MS }),
  };
}

function placed(input: LadderInput, decision: Decision, isNew = true): Outcome {
  const { ladder, pods, fallbackAfterMs } = input;
  const unconfirmed = pods.everScheduled && !isNew ? undefined : decision.unconfirmed;
  const left = fallbackIn(isNew ? { ...input, pods: { ...pods, everScheduled: false } } : input, decision);
  return {
    kind: 'placed',
    decision,
    reason: unconfirmed ?? (decision.choice.rung === 0 ? 'Preferred' : 'FellBack'),
    message: messageOf(decision, unconfirmed, ladder[decision.choice.rung + 1], fallbackAfterMs),
    // After the time is over a lower rung may come to be offered: asked for at the pace of a refused ladder.
    ...(left !== undefined && { nextCheckMs: left > 0 ? left : RECHECK_MS }),
  };
}

function notScheduledInTime(rung: Rung, { choice }: Decision, { pods, fallbackAfterMs }: LadderState): Rejection {
  const words = pods.schedulerMessage ? `: ${clip(pods.schedulerMessage, 256)}` : '';
  return reject(
    rung,
    'NotScheduledInTime',
    `no pod was scheduled within ${fallbackAfterMs / 1000} s${words}`,
    choice.vendor,
  );
}

/**
 * Keeps the recorded decision while its inputs are the same; goes one or more rungs down when none of its pods was ever
 * scheduled in time; never up. Throws only if the world is missing although `decisionIsOpen` asked for it.
 */
export function decide(input: LadderInput): Outcome {
  const decision = standing(input);
  if (!decision) return descend(input, 0, []);
  const start = openFrom(input);
  const rung = input.ladder[decision.choice.rung];
  if (start === undefined || !rung) return placed(input, decision, false);
  // The time may have run out between reading the world and deciding: then the next pass reads it.
  if (!input.world && worldMatters(input, start)) return { ...placed(input, decision, false), nextCheckMs: 1 };
  const lower = descend(input, start, [...decision.rejected, notScheduledInTime(rung, decision, input)]);
  return lower.kind === 'placed' ? lower : placed(input, decision, false);
}
