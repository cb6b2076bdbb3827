// Small clusters and ladders for the tests of placement.
import type { Rung } from '../../../src/api/hardware.ts';
import type { LadderInput } from '../../../src/placement/ladder.ts';
import type { NodeFacts, World } from '../../../src/placement/world.ts';
import { ollama } from '../../../src/runtimes/ollama.ts';

export const NOW = Date.parse('2026-11-23T10:00:00Z');

export const node = (
  name: string,
  allocatable: Record<string, string> = {},
  more: Partial<NodeFacts> = {},
): NodeFacts => ({
  name,
  labels: { 'kubernetes.io/arch': 'amd64' },
  allocatable,
  taints: [],
  unschedulable: false,
  ...more,
});

export const worldOf = (...nodes: NodeFacts[]): World => ({ nodes, deviceClasses: 'absent' });

export const forbidden: World = { nodes: 'forbidden', deviceClasses: 'forbidden' };

export const cpu: Rung = { class: 'CPU' };
export const gpu: Rung = { class: 'GPU' };
export const nvidia: Rung = { class: 'GPU', vendor: 'nvidia' };
/** Ollama has no NPU backend, so the rung brings an image. */
export const npu: Rung = { class: 'NPU', vendor: 'intel', image: 'registry.example.org/npu:1' };

export const inputOf = (ladder: Rung[], world: World | undefined, more: Partial<LadderInput> = {}): LadderInput => ({
  ladder,
  world,
  runtime: ollama,
  pod: {},
  inputsHash: 'aaaa',
  pods: { wanted: 1, everScheduled: false },
  now: NOW,
  fallbackAfterMs: 600_000,
  ...more,
});
