// The events of a pass: one per change that somebody may want to know of, none for what is as it was.
import type { ConditionType } from '../api/conditions.ts';
import type { Status } from '../api/schema.ts';
import type { Condition } from '../api/status.ts';

export interface PlannedEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  action: string;
  note: string;
}

type Watched = Extract<ConditionType, 'Ready' | 'Accepted' | 'Placed' | 'Pulled'>;

/** What the operator was doing when it noticed, in the words of events.k8s.io. Causes first: Ready often only repeats one. */
const actions: Record<Watched, string> = {
  Accepted: 'Accepting',
  Placed: 'Placing',
  Pulled: 'Pulling',
  Ready: 'Serving',
};

/** Reasons of False that are a way to go, not a problem. */
const onTheWay = new Set([
  'Progressing',
  'Pulling',
  'Loading',
  'Scaling',
  'Paused',
  'Degraded',
  'Unknown',
  'Waiting',
  'Deciding',
]);
/** Reasons of Ready that only point to another condition. */
const pointers = new Set(['NotPlaced', 'PullFailed']);

const find = (status: Status | undefined, type: Watched): Condition | undefined =>
  status?.conditions?.find((c) => c.type === type);

function eventFor(type: Watched, before: Condition | undefined, after: Condition): PlannedEvent | undefined {
  if (before?.status === after.status && before.reason === after.reason) return undefined;
  const event = (kind: PlannedEvent['type']): PlannedEvent => ({
    type: kind,
    reason: after.reason,
    action: actions[type],
    note: after.message,
  });
  if (after.status === 'False') {
    const isPointer = type === 'Ready' && pointers.has(after.reason);
    return onTheWay.has(after.reason) || isPointer ? undefined : event('Warning');
  }
  if (after.status !== 'True') return undefined;
  if (type === 'Ready') return event('Normal');
  if (type === 'Placed' && after.reason === 'FellBack') return event('Warning');
  return undefined;
}

/** What changed between the status that was written last and the next one; one event per reason. */
export function eventsBetween(before: Status | undefined, after: Status): PlannedEvent[] {
  const told = new Map<string, PlannedEvent>();
  for (const type of Object.keys(actions) as Watched[]) {
    const next = find(after, type);
    const event = next && eventFor(type, find(before, type), next);
    if (event && !told.has(event.reason)) told.set(event.reason, event);
  }
  return [...told.values()];
}
