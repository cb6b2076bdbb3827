// A pod as the state machine sees it, on a clock that the test moves: says what is seen, and holds the state that follows.
import type { Rules } from '../../../src/gateway/fitness.ts';
import type { LoadedModel, Observation } from '../../../src/gateway/observation.ts';
import { initialState, type State, step } from '../../../src/gateway/state.ts';

export const digest = `sha256:${'a'.repeat(64)}`;
export const otherDigest = `sha256:${'b'.repeat(64)}`;
export const target = { name: 'tiny:latest', digest };
export const model: LoadedModel = { name: 'tiny:latest', digest, sizeBytes: 1000, deviceBytes: 1000 };

export const cpuRules: Rules = {
  residency: { class: 'CPU', required: false },
  loadTimeoutMs: 600_000,
  lameDuckMs: 5000,
  canaryIntervalMs: 60_000,
};
export const gpuRules: Rules = { ...cpuRules, residency: { class: 'GPU', required: true } };

export interface Pod {
  state: State;
  now: number;
  sees(...observations: Observation[]): Pod;
  later(ms: number): Pod;
}

export function createPod(rules: Rules = cpuRules): Pod {
  const pod: Pod = {
    state: initialState(rules, 0),
    now: 0,
    sees(...observations) {
      for (const observation of observations) pod.state = step(pod.state, observation, pod.now);
      return pod;
    },
    later(ms) {
      pod.now += ms;
      return pod.sees({ kind: 'Tick' });
    },
  };
  return pod;
}

export const up: Observation = { kind: 'Runtime', answer: 'Up' };
export const refused: Observation = { kind: 'Runtime', answer: 'Refused' };
export const silent: Observation = { kind: 'Runtime', answer: 'Silent' };
export const lists = (...loaded: LoadedModel[]): Observation => ({ kind: 'Models', loaded });
export const canary = (outcome: 'Passed' | 'Wrong' | 'Failed' | 'Silent'): Observation => ({
  kind: 'Canary',
  outcome,
  seconds: 0.1,
});

/** All that is seen until the declared model is served, without a pull. */
export const becomesServing: readonly Observation[] = [
  up,
  { kind: 'Target', target },
  { kind: 'LoadBegan' },
  { kind: 'LoadEnded' },
  lists(model),
];

/** A pod that serves the declared model. */
export function servingPod(rules: Rules = cpuRules): Pod {
  return createPod(rules)
    .sees({ kind: 'Pull', done: true }, up, { kind: 'Target', target }, { kind: 'LoadBegan' })
    .later(2000)
    .sees({ kind: 'LoadEnded' }, lists(model));
}

export const fails = (pod: Pod): Observation => ({ kind: 'Request', outcome: 'Failed', startedAt: pod.now });
export const succeeds = (pod: Pod): Observation => ({ kind: 'Request', outcome: 'Succeeded', startedAt: pod.now });
