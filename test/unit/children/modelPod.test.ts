import { expect, test } from 'vitest';
import { modelPod } from '../../../src/children/modelPod.ts';
import { podInput } from './input.ts';

test('pods carry their revision, the time of a wished restart and the container that people mean', () => {
  const { labels, annotations } = modelPod(podInput({}, { restartedAt: '2026-10-01T08:00:00Z' })).metadata;
  expect(labels['localmodels.dev/revision']).toBe('rev1');
  expect(annotations).toEqual({
    'kubectl.kubernetes.io/default-container': 'ollama',
    'localmodels.dev/restarted-at': '2026-10-01T08:00:00Z',
  });
});

test("the user's labels and annotations reach the pods", () => {
  const { labels, annotations } = modelPod(podInput({ pod: { labels: { a: 'b' }, annotations: { c: 'd' } } })).metadata;
  expect(labels).toHaveProperty('a', 'b');
  expect(annotations).toHaveProperty('c', 'd');
});
