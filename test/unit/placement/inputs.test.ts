import { expect, test } from 'vitest';
import { settingsOf } from '../../../src/api/defaults.ts';
import type { Spec } from '../../../src/api/schema.ts';
import { hashOf } from '../../../src/placement/hash.ts';
import { decisionInputs } from '../../../src/placement/inputs.ts';

const base: Spec = {
  runtime: 'Ollama',
  model: { name: 'phi4-mini:3.8b' },
  hardware: { preferred: { class: 'GPU', vendor: 'nvidia' }, fallback: [{ class: 'CPU' }] },
};
const hash = (spec: Partial<Spec> = {}, reselect?: string) =>
  hashOf(decisionInputs(settingsOf('x', { ...base, ...spec }), reselect));

test.each<[string, Partial<Spec>]>([
  ['scaling', { replicas: 5 }],
  ['another model', { model: { name: 'qwen3:4b' } }],
  ['another image of the runtime', { image: 'docker.io/ollama/ollama:1' }],
  ['resources', { resources: { limits: { cpu: 2 } } }],
  ['the API', { api: { port: 8000 } }],
  ['pausing', { paused: true }],
  ['more time', { hardware: { ...base.hardware, fallbackAfterSeconds: 60 } }],
  [
    'the groups of a rung',
    { hardware: { ...base.hardware, preferred: { class: 'GPU', vendor: 'nvidia', supplementalGroups: [44] } } },
  ],
  [
    'the model of a rung',
    { hardware: { ...base.hardware, preferred: { class: 'GPU', vendor: 'nvidia', model: { name: 'a' } } } },
  ],
])('%s opens no decision', (_what, spec) => expect(hash(spec)).toBe(hash()));

test.each<[string, Partial<Spec>]>([
  ['another rung', { hardware: { preferred: { class: 'GPU', vendor: 'amd' }, fallback: [{ class: 'CPU' }] } }],
  ['one rung less', { hardware: { preferred: { class: 'GPU', vendor: 'nvidia' } } }],
  ['another order', { hardware: { preferred: { class: 'CPU' }, fallback: [{ class: 'GPU', vendor: 'nvidia' }] } }],
  [
    'an image for a rung',
    { hardware: { ...base.hardware, preferred: { class: 'GPU', vendor: 'nvidia', image: 'x' } } },
  ],
  ['where pods may go', { pod: { nodeSelector: { zone: 'a' } } }],
  ['what pods tolerate', { pod: { tolerations: [{ operator: 'Exists' }] } }],
  ['the other runtime', { runtime: 'FoundryLocal' }],
])('%s opens the decision', (_what, spec) => expect(hash(spec)).not.toBe(hash()));

test('the wish to choose anew opens the decision, once per value', () => {
  expect(hash({}, '1')).not.toBe(hash());
  expect(hash({}, '2')).not.toBe(hash({}, '1'));
  expect(hash({}, '1')).toBe(hash({}, '1'));
});

test('the default ladder said outright is the same ladder', () => {
  expect(hash({ hardware: { preferred: { class: 'CPU' } } })).toBe(
    hashOf(decisionInputs(settingsOf('x', { ...base, hardware: undefined }))),
  );
});
