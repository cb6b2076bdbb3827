import { expect, test } from 'vitest';
import type { Status } from '../../../src/api/schema.ts';
import { plan } from '../../../src/operator/plan.ts';
import type { PodFacts } from '../../../src/operator/podFacts.ts';
import { node, worldOf } from '../placement/cluster.ts';
import { carriedOut, config, deployment, NOW, nothingFailed, observed, pod, spec } from './observation.ts';

const HOUR = 3_600_000;

/** On which rung it stands an hour after `pods` were seen on a GPU, when one pod is left, which waits for a node. */
function classAfter(pods: (revision: string) => PodFacts[]) {
  const hardware = { preferred: { class: 'GPU', vendor: 'nvidia' } as const, fallback: [{ class: 'CPU' } as const] };
  const world = worldOf(node('gpu-1', { 'nvidia.com/gpu': '1' }));
  const placed = carriedOut(observed({ deployment: deployment(spec({ hardware })), world }));
  const revision = placed.deployment.status?.revision ?? '';
  const seen: Status = plan({ ...placed, pods: pods(revision) }, config, NOW).status(nothingFailed);
  const waiting = pod({ name: 'model-2', revision, pod: { phase: 'Pending', ready: false, containers: [] } });
  delete waiting.pod.node;
  const later = { ...placed, pods: [waiting], deployment: { ...placed.deployment, status: seen } };
  return plan(later, config, NOW + HOUR).status(nothingFailed).hardware?.class;
}

test('a rung on which no pod ever was is given up in time', () => {
  expect(classAfter(() => [])).toBe('CPU');
});

test('a rung on which a pod was once is kept, also when that pod is gone and the next one finds no node', () => {
  expect(classAfter((revision) => [pod({ revision })])).toBe('GPU');
});
