import { expect, test } from 'vitest';
import type { StoredDeployment } from '../../../src/api/types.ts';
import { trimDeployment } from '../../../src/operator/remembered.ts';

const stored = (changes: object = {}): StoredDeployment => ({
  apiVersion: 'localmodels.dev/v1alpha1',
  kind: 'LocalModelDeployment',
  metadata: {
    name: 'a',
    namespace: 'ai',
    uid: 'uid-1',
    resourceVersion: '7',
    generation: 2,
    labels: { team: 'x' },
    annotations: {
      'localmodels.dev/restarted-at': 'now',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    },
    managedFields: [{ manager: 'kubectl' }],
  },
  spec: { runtime: 'Ollama' },
  ...changes,
});

test('keeps what is read again, and of the annotations our own', () => {
  const { metadata, spec } = trimDeployment(stored());
  expect(spec).toEqual({ runtime: 'Ollama' });
  expect(metadata).toEqual({
    name: 'a',
    namespace: 'ai',
    uid: 'uid-1',
    resourceVersion: '7',
    generation: 2,
    annotations: { 'localmodels.dev/restarted-at': 'now' },
  });
});

test('a status says the same afterwards, whatever its shape', () => {
  const condition = { type: 'Ready', status: 'True', reason: 'Serving', message: 'm', lastTransitionTime: 't' };
  for (const status of [
    { conditions: [condition], replicas: 1 },
    { conditions: [] },
    {},
    { conditions: 'junk' },
    { conditions: [null, 5, {}] },
  ])
    expect(trimDeployment(stored({ status })).status).toEqual(status);
  expect('status' in trimDeployment(stored())).toBe(false);
});

test('trimming twice changes nothing', () => {
  const once = trimDeployment(stored({ status: { conditions: [] } }));
  expect(trimDeployment(once)).toEqual(once);
});
