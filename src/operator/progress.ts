// How long nothing has moved. The Deployment's own deadline cannot be used: it does not see a pull, and a large model may
// take an hour in which no pod becomes ready.
import { movedAtOf } from './gatewayReading.ts';
import { speakersOf } from './gatewayWords.ts';
import type { ApplyFailure } from './observed.ts';
import type { PodFacts } from './podFacts.ts';
import { EVENTS_AGAIN_AFTER_MS, isStuckBeforeStart, STUCK_AFTER_MS } from './podProblems.ts';
import { currentPods, type Situation } from './situation.ts';

const latest = (times: (string | undefined)[]): number =>
  Math.max(0, ...times.filter((t): t is string => Boolean(t)).map((t) => Date.parse(t)));

/** When a pod of this revision last got further (milliseconds since the epoch). A restart is no progress. */
export function lastProgress(situation: Situation): number {
  const { placement } = situation;
  const moved = speakersOf(situation).map(({ heard }) => movedAtOf(heard) ?? 0);
  const pods = currentPods(situation).flatMap(({ metadata, pod }) => [
    metadata.creationTimestamp,
    pod.scheduledAt,
    ...pod.containers.filter(({ restarts }) => restarts === 0).map(({ startedAt }) => startedAt),
  ]);
  return Math.max(latest([placement?.decision.since, ...pods]), readyAt(situation), ...moved, unaskedAt(situation));
}

/** When it was Ready last. While the status says that it is, that is now: what has just failed has not stood still for hours. */
function readyAt({ previous, now }: Situation): number {
  const ready = previous?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? now : latest([ready?.lastTransitionTime]);
}

/** After a restart nobody knows yet how far a pull is: it is given the time until it has been asked. */
function unaskedAt(situation: Situation): number {
  const ready = situation.previous?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.reason === 'ProgressDeadlineExceeded') return 0;
  const isOpen = speakersOf(situation).some(({ pod, heard }) => heard.kind === 'unasked' && !pod.pod.ready);
  return isOpen ? situation.now : 0;
}

/** Whether spec.rollout.progressDeadlineSeconds has passed since then, and when it will (milliseconds since the epoch). */
export function deadlineOf(situation: Situation): { exceeded: boolean; at: number; message: string } {
  const seconds = situation.settings?.rollout.progressDeadlineSeconds ?? 0;
  const at = lastProgress(situation) + seconds * 1000;
  return { exceeded: situation.now >= at, at, message: `nothing has moved for ${seconds} seconds` };
}

/** When the next pass is due without any event (milliseconds from now), if at all. */
export function nextLook(situation: Situation): number | undefined {
  const { outcome, applied, now, settings, problems } = situation;
  const due: number[] = [];
  if (outcome?.nextCheckMs !== undefined) due.push(outcome.nextCheckMs);
  if (applied.failures.some(({ reason }) => reason === 'WaitingForDeletion')) due.push(WAIT_FOR_DELETION_MS);
  if (applied.failures.some(({ reason }) => isForPeople.has(reason))) due.push(REFUSED_MS);
  if (problems.length === 0 && settings && settings.replicas > 0 && outcome?.kind === 'placed') {
    const pods = currentPods(situation);
    const waits = pods.some(({ pod }) => !pod.ready) || pods.length < settings.replicas;
    const { at } = deadlineOf(situation);
    if (waits && at > now) due.push(at - now);
    due.push(...pods.flatMap((pod) => lookAtStuck(pod, now) ?? []));
  }
  return due.length > 0 ? Math.max(1, Math.min(...due)) : undefined;
}

/** Garbage collection of a predecessor's objects takes seconds. */
const WAIT_FOR_DELETION_MS = 2_000;
/**
 * What only people can mend is looked at again without haste: nobody watches another namespace's RBAC, a stranger's Service, or the
 * admission policy that has refused a child.
 */
const REFUSED_MS = 60_000;
const isForPeople: ReadonlySet<ApplyFailure['reason']> = new Set([
  'FieldContested',
  'Forbidden',
  'NameConflict',
  'Rejected',
]);

/** In how many milliseconds the Events of a pod that has not begun are worth reading: once it counts as stuck, and then again and again. */
function lookAtStuck(pod: PodFacts, now: number): number | undefined {
  if (isStuckBeforeStart(pod, now)) return EVENTS_AGAIN_AFTER_MS;
  const { ready, scheduledAt } = pod.pod;
  const left = ready || !scheduledAt ? 0 : Date.parse(scheduledAt) + STUCK_AFTER_MS - now;
  return left > 0 ? left : undefined;
}
