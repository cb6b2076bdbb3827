import { expect, test } from 'vitest';
import { labels } from '../../../src/api/types.ts';
import { isLive, trimPod } from '../../../src/operator/podFacts.ts';
import { pod } from './observation.ts';

const raw = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'ai',
    uid: 'u',
    labels: { [labels.deployment]: 'model', [labels.revision]: 'r1', app: 'x' },
    annotations: { long: 'text' },
    managedFields: [{}],
  },
  spec: { nodeName: 'n', containers: [{ name: 'main', image: 'x' }] },
  status: {
    phase: 'Running',
    podIP: '10.0.0.1',
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-11-22T12:00:00Z' },
    ],
    initContainerStatuses: [
      { name: 'pull', ready: true, restartCount: 1, state: { terminated: { exitCode: 0, message: 'm'.repeat(9000) } } },
    ],
    containerStatuses: [
      {
        name: 'main',
        ready: true,
        started: true,
        state: { running: { startedAt: '2026-11-22T12:00:05Z' } },
        lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      },
    ],
  },
};

test('keeps what is read again and nothing else', () => {
  expect(trimPod(raw as never)).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ai', uid: 'u', labels: { [labels.deployment]: 'model' } },
    pod: {
      revision: 'r1',
      node: 'n',
      ip: '10.0.0.1',
      phase: 'Running',
      ready: true,
      scheduledAt: '2026-11-22T12:00:00Z',
      containers: [
        {
          name: 'pull',
          init: true,
          ready: true,
          started: false,
          restarts: 1,
          terminated: { exitCode: 0, reason: '', message: 'm'.repeat(4096) },
        },
        {
          name: 'main',
          init: false,
          ready: true,
          started: true,
          restarts: 0,
          last: { exitCode: 137, reason: 'OOMKilled', message: '' },
          startedAt: '2026-11-22T12:00:05Z',
        },
      ],
    },
  });
});

test('a pod that nobody has looked at yet is pending', () => {
  const { pod: facts } = trimPod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } });
  expect(facts).toEqual({ revision: '', phase: 'Pending', ready: false, containers: [] });
});

test('one that was ended as a whole has the words of who ended it, and when', () => {
  const evicted = {
    ...raw,
    metadata: { ...raw.metadata, creationTimestamp: '2026-11-22T11:00:00Z' },
    status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
  };
  const words = 'Evicted: The node was low on resource: memory.';
  expect(trimPod(evicted as never).pod.ended).toEqual({ words, at: '2026-11-22T11:00:00Z' });
  const terminated = { state: { terminated: { finishedAt: '2026-11-22T12:30:00Z' } } };
  const ran = { ...evicted, status: { ...evicted.status, containerStatuses: [{ name: 'main', ...terminated }] } };
  expect(trimPod(ran as never).pod.ended).toEqual({ words, at: '2026-11-22T12:30:00Z' });
  expect(trimPod({ ...raw, status: { phase: 'Failed' } } as never).pod.ended).toBeUndefined();
});

test('one that no node takes has the scheduler’s words', () => {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }];
  const { pod: facts } = trimPod({ ...raw, spec: {}, status: { conditions } } as never);
  expect(facts).toMatchObject({ unschedulable: '0/3 nodes' });
  expect(facts).not.toHaveProperty('scheduledAt');
});

test.each([
  ['that runs', {}, true],
  ['that failed', { pod: { phase: 'Failed' } }, false],
  ['that ended', { pod: { phase: 'Succeeded' } }, false],
  ['that is being deleted', { metadata: { deletionTimestamp: '2026-11-22T12:00:00Z' } }, false],
])('whether a pod %s counts', (_title, more, expected) => {
  expect(isLive(pod({ revision: 'r', ...more }))).toBe(expected);
});
