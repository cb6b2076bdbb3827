import { expect, test } from 'vitest';
import { scheduling } from '../../../src/children/scheduling.ts';
import { gpu, podInput } from './input.ts';

test('node labels of pod, choice and rung come together, always on Linux', () => {
  const input = podInput(
    {
      pod: { nodeSelector: { zone: 'a', 'kubernetes.io/os': 'windows' } },
      hardware: { preferred: { class: 'GPU', nodeSelector: { zone: 'b', product: 'L4' } } },
    },
    { choice: { nodeSelector: { 'kubernetes.io/arch': 'amd64' } } },
  );
  expect(scheduling(input)).toMatchObject({
    nodeSelector: { zone: 'b', product: 'L4', 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux' },
  });
});

test('taints of pod, rung and device are tolerated, each once', () => {
  const dedicated = { key: 'dedicated', operator: 'Exists' } as const;
  const device = { key: 'nvidia.com/gpu', operator: 'Exists' } as const;
  const input = podInput(
    { pod: { tolerations: [dedicated] }, hardware: { preferred: { class: 'GPU', tolerations: [dedicated] } } },
    { choice: { ...gpu.choice, tolerations: [device] } },
  );
  expect(scheduling(input)).toMatchObject({ tolerations: [dedicated, device] });
});

test('a spread constraint without a selector counts the pods of the deployment', () => {
  const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' } as const;
  const own = { ...constraint, topologyKey: 'host', labelSelector: { matchLabels: { a: 'b' } } };
  const { topologySpreadConstraints } = scheduling(podInput({ pod: { topologySpreadConstraints: [constraint, own] } }));
  expect(topologySpreadConstraints).toEqual([
    { ...constraint, labelSelector: { matchLabels: { 'localmodels.dev/deployment': 'qwen' } } },
    own,
  ]);
});

test('what nobody asked for is not there', () => {
  expect(scheduling(podInput())).toEqual({ nodeSelector: { 'kubernetes.io/os': 'linux' } });
});
