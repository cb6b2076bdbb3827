import { expect, test } from 'vitest';
import { childMetadata, childNames, selectorLabels } from '../../../src/children/metadata.ts';
import { podInput } from './input.ts';

test('the selector is one label, for ever', () => {
  expect(selectorLabels('qwen')).toEqual({ 'localmodels.dev/deployment': 'qwen' });
});

test('the names that the docs promise', () => {
  const { deployment, clientService, metricsService, lock, claim } = childNames('qwen');
  expect([deployment, clientService, metricsService, lock, claim]).toEqual([
    'qwen',
    'qwen',
    'qwen-metrics',
    'qwen-lock',
    'qwen-models',
  ]);
});

test('no label that is handed in replaces one of ours', () => {
  const labels = { 'localmodels.dev/deployment': 'other', 'app.kubernetes.io/managed-by': 'me', team: 'a' };
  const metadata = childMetadata(podInput(), 'child', 'metrics', { labels });
  expect(metadata.labels).toMatchObject({
    'localmodels.dev/deployment': 'qwen',
    'app.kubernetes.io/managed-by': 'local-model-operator',
    team: 'a',
  });
});
