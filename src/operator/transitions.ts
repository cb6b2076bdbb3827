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

/** Who acts, in the words of events.k8s.io: what was the operator doing when it noticed. */
const actions: Record<Watched, string> = {
  Ready: 'Serving',
  Accepted: 'Accepting',
  Placed: 'Placing',
  Pulled: 'Pulling',
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
/** Told by the condition that they come from. */
const toldElsewhere = new Set([
  'NotPlaced',
  'PullFailed',
  'InvalidSpec',
  'UnsupportedField',
  'NameConflict',
  'FieldContested',
  'Forbidden',
  'StorageMismatch',
]);

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
    const quiet = onTheWay.has(after.reason) || (type === 'Ready' && toldElsewhere.has(after.reason));
    return quiet ? undefined : event('Warning');
  }
  if (after.status !== 'True') return undefined;
  if (type === 'Ready') return event('Normal');
  if (type === 'Placed' && after.reason === 'FellBack') return event('Warning');
  return undefined;
}

/** What changed between the status that was written last and the next one. */
export function eventsBetween(before: Status | undefined, after: Status): PlannedEvent[] {
  return (Object.keys(actions) as Watched[]).flatMap((type) => {
    const next = find(after, type);
    return (next && eventFor(type, find(before, type), next)) ?? [];
  });
}
