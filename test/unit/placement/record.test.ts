import { expect, test } from 'vitest';
import type { Decision } from '../../../src/placement/decision.ts';
import { readDecision, writeDecision } from '../../../src/placement/record.ts';

const decision: Decision = {
  inputs: 'abcdefghij',
  choice: {
    rung: 1,
    class: 'GPU',
    vendor: 'nvidia',
    resourceName: 'nvidia.com/gpu',
    count: 2,
    nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  },
  since: '2026-11-23T10:00:00Z',
  rejected: [{ class: 'NPU', vendor: 'intel', reason: 'NotOffered', message: 'no node offers npu.intel.com/accel' }],
  unconfirmed: 'Waiting',
};

test('what was written is read back', () => expect(readDecision(writeDecision(decision))).toEqual(decision));

test('the same decision is the same text, whatever the order of its keys', () => {
  const { since, inputs, ...rest } = decision;
  expect(writeDecision({ since, ...rest, inputs })).toBe(writeDecision(decision));
});

test('what a later release adds is left out, not refused', () => {
  expect(readDecision(JSON.stringify({ ...decision, later: 1 }))).toEqual(decision);
});

test.each([undefined, '', '{', 'null', '[]', '{"inputs":"x"}', JSON.stringify({ ...decision, since: 'yesterday' })])(
  'no decision is read from %j',
  (text) => expect(readDecision(text)).toBeUndefined(),
);
