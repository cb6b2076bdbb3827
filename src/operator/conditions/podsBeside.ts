// What pods that do not count have to do with those that are missing: one that is waited for, and one that came to nothing.
import type { PodFacts } from '../podFacts.ts';
import { currentPods, type Situation } from '../situation.ts';

/** Clocks of nodes, and the time until a pod that has ended is seen to have. */
const SLACK_MS = 60_000;

const hasEnded = ({ pod }: PodFacts): boolean => pod.phase === 'Failed' || pod.phase === 'Succeeded';

/**
 * With Recreate no new pod is made before the last old one is gone, and one on a node that does not answer never is. An old one may
 * be of the same revision: of an upgrade of the operator.
 */
function waitedFor({ pods, strategy, settings }: Situation, counted: number): string[] {
  if (strategy !== 'Recreate' || counted >= (settings?.replicas ?? 0)) return [];
  const [leaving] = pods
    .filter((pod) => pod.metadata.deletionTimestamp && !hasEnded(pod))
    .sort((a, b) => (a.metadata.deletionTimestamp ?? '').localeCompare(b.metadata.deletionTimestamp ?? ''));
  if (!leaving) return [];
  const { name, deletionTimestamp } = leaving.metadata;
  return [`waiting for pod ${name} to be gone, which it should be by ${deletionTimestamp}`];
}

/** The last one that was ended as a whole, since replicas are missing: the next may fare no better. */
function lastEnded({ pods, revision, previous, now }: Situation): string[] {
  const ready = previous?.conditions?.find(({ type }) => type === 'Ready');
  const missingSince = ready && ready.status !== 'True' ? Date.parse(ready.lastTransitionTime) : now;
  const ended = pods
    .filter(({ pod }) => pod.revision === revision)
    .flatMap(({ pod }) => pod.ended ?? [])
    .filter(({ at }) => Date.parse(at) >= missingSince - SLACK_MS)
    .sort((a, b) => a.at.localeCompare(b.at));
  const words = ended.at(-1)?.words;
  return words === undefined ? [] : [`a pod before came to nothing: ${words}`];
}

const heldBack = ({ workload, name }: Situation): string[] =>
  workload?.workload?.isPaused ? [`the rollout is paused; kubectl rollout resume deployment/${name}`] : [];

/** For the message of Ready while replicas are missing. */
export const besideCounted = (situation: Situation): string[] => [
  ...heldBack(situation),
  ...waitedFor(situation, currentPods(situation).length),
  ...lastEnded(situation),
];
