import { expect, test } from 'vitest';
import type { Spec, Status } from '../../../../src/api/schema.ts';
import type { LiveChild } from '../../../../src/operator/liveChild.ts';
import { plan } from '../../../../src/operator/plan.ts';
import type { PodFacts } from '../../../../src/operator/podFacts.ts';
import {
  at,
  carriedOut,
  conditionIn,
  config,
  deployment,
  NOW,
  nothingFailed,
  notReady,
  observed,
  pod,
  spec,
} from '../observation.ts';

const recreate = spec({ rollout: { strategy: 'Recreate' } });

/** What Ready says of these pods, by the name that the current revision has. */
function wordsOf(pods: (revision: string) => PodFacts[], given: Spec = recreate, now = NOW, previous?: Status) {
  const seen = carriedOut(observed({ deployment: deployment(given) }));
  const { status } = seen.deployment;
  const after = plan(
    { ...seen, deployment: { ...seen.deployment, status: previous ?? status }, pods: pods(status?.revision ?? '') },
    config,
    now,
  );
  return conditionIn(after.status(nothingFailed), 'Ready')?.message ?? '';
}

const leaving = (revision: string, more: Partial<PodFacts['pod']> = {}) =>
  pod({ name: 'model-old', revision, metadata: { deletionTimestamp: at(30) }, pod: more });
const ended = (revision: string, words: string, seconds: number) =>
  pod({
    name: `model-${seconds}`,
    revision,
    pod: { phase: 'Failed', ready: false, ended: { words, at: at(seconds) } },
  });

test('with Recreate, a pod of another revision that has not ended yet is named, with the time by which it should', () => {
  expect(wordsOf(() => [leaving('older')])).toBe(
    `0 of 1 replicas of this revision answer; waiting for pod model-old to be gone, which it should be by ${at(30)}`,
  );
});

test.each<[string, (revision: string) => PodFacts[], Spec | undefined]>([
  ['one whose successor is there', (revision) => [leaving(revision), pod({ revision, pod: notReady })], undefined],
  ['one that has ended and was not cleared away', () => [leaving('older', { phase: 'Failed' })], undefined],
  ['one that lives', () => [pod({ revision: 'older' })], undefined],
  ['one while new pods are made beside it', () => [leaving('older')], spec()],
])('nobody waits for %s', (_title, pods, given) => {
  expect(wordsOf(pods, given)).not.toContain('waiting for');
});

test('a rollout that somebody has paused is told with what ends it', () => {
  const seen = carriedOut(observed({ deployment: deployment(spec()) }));
  const workload = seen.children.get('Deployment/model') as LiveChild;
  const held = { ...workload, workload: { isRolledOut: false, isPaused: true as const } };
  const next = plan({ ...seen, children: new Map([['Deployment/model', held]]) }, config, NOW);
  expect(conditionIn(next.status(nothingFailed), 'Ready')?.message).toBe(
    '0 of 1 replicas of this revision answer; the rollout is paused; kubectl rollout resume deployment/model',
  );
});

test('the last pod that was evicted tells why another is needed', () => {
  const words = wordsOf((revision) => [ended(revision, 'Evicted: b', 2), ended(revision, 'Evicted: a', 1)]);
  expect(words).toBe('0 of 1 replicas of this revision answer; a pod before came to nothing: Evicted: b');
});

test('one of another revision, or that ended long before replicas were missing, tells nothing', () => {
  expect(wordsOf(() => [ended('older', 'Evicted: a', 0)])).not.toContain('Evicted');
  const ready = {
    type: 'Ready',
    status: 'False',
    reason: 'Progressing',
    message: '',
    lastTransitionTime: at(3600),
  } as const;
  const missing = { conditions: [ready] };
  expect(wordsOf((revision) => [ended(revision, 'Evicted: a', 0)], recreate, NOW + 3_700_000, missing)).not.toContain(
    'Evicted',
  );
  expect(wordsOf((revision) => [ended(revision, 'Evicted: a', 3590)], recreate, NOW + 3_700_000, missing)).toContain(
    'Evicted',
  );
});
