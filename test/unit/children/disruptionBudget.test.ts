import { expect, test } from 'vitest';
import { disruptionBudget } from '../../../src/children/disruptionBudget.ts';
import { podInput } from './input.ts';

test.each([0, 1])('%i replicas have no budget, which would only block drains', (replicas) => {
  expect(disruptionBudget(podInput({ replicas }))).toBeUndefined();
});

test('a budget lets broken pods go', () => {
  expect(disruptionBudget(podInput({ replicas: 2, disruption: { maxUnavailable: '50%' } }))?.spec).toEqual({
    maxUnavailable: '50%',
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    selector: { matchLabels: { 'localmodels.dev/deployment': 'qwen' } },
  });
});
