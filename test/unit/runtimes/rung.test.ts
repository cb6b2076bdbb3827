import { describe, expect, test } from 'vitest';
import type { Rung } from '../../../src/api/hardware.ts';
import type { Spec } from '../../../src/api/schema.ts';
import { modelOf, rungPath, threadsOf } from '../../../src/runtimes/rung.ts';
import { settings } from './inputs.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

describe('threads', () => {
  test.each<[string, Partial<Spec>, Rung, number | undefined]>([
    ['are left to the runtime without a limit', {}, { class: 'CPU' }, undefined],
    ['follow the CPU limit', { resources: { limits: { cpu: 4 } } }, { class: 'CPU' }, 4],
    ['are rounded down', { resources: { limits: { cpu: '3900m' } } }, { class: 'CPU' }, 3],
    ['are at least one', { resources: { limits: { cpu: '500m' } } }, { class: 'CPU' }, 1],
    ['do not follow a request', { resources: { requests: { cpu: 4 } } }, { class: 'CPU' }, undefined],
    [
      "follow the rung's own limit",
      { resources: { limits: { cpu: 4 } } },
      { class: 'CPU', resources: { limits: { cpu: 16 } } },
      16,
    ],
    [
      'take no limit from the deployment where the rung has resources of its own',
      { resources: { limits: { cpu: 4 } } },
      { class: 'CPU', resources: {} },
      undefined,
    ],
    ['are what the user says', { performance: { threads: 7 }, resources: { limits: { cpu: 4 } } }, { class: 'CPU' }, 7],
  ])('%s', (_what, spec, rung, threads) => expect(threadsOf(settings(spec), rung)).toBe(threads));
});

describe('the model of a rung', () => {
  const base: Partial<Spec> = { model: { name: 'a', digest: digest('1') } };

  test.each<[string, Rung['model'], { name: string; digest?: string }]>([
    ["is the deployment's", undefined, { name: 'a', digest: digest('1') }],
    ["under another name does not inherit the deployment's digest", { name: 'b' }, { name: 'b' }],
    ['has its own digest', { name: 'b', digest: digest('2') }, { name: 'b', digest: digest('2') }],
    ['may differ in the digest alone', { digest: digest('2') }, { name: 'a', digest: digest('2') }],
  ])('%s', (_what, model, wanted) =>
    expect(modelOf(settings(base), { class: 'CPU', ...(model && { model }) })).toEqual(wanted),
  );
});

test('a rung is named as it stands in the spec', () =>
  expect([0, 1, 2].map(rungPath)).toEqual([
    'spec.hardware.preferred',
    'spec.hardware.fallback[0]',
    'spec.hardware.fallback[1]',
  ]));
