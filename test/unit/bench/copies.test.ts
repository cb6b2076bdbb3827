import { expect, test } from 'vitest';
import type { StoredDeployment } from '../../../src/api/types.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { ownerOf, patternOf, pendingStatus, renamed } from '../../bench/copies.ts';

const deployment: StoredDeployment = {
  apiVersion: 'localmodels.dev/v1alpha1',
  kind: 'LocalModelDeployment',
  metadata: { name: 'model-of-all', namespace: 'here', uid: 'uid-1' },
  spec: {},
  status: {
    readyReplicas: 1,
    conditions: [
      { type: 'Ready', status: 'True', reason: 'Serving', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ],
  },
};

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'model-of-all',
    namespace: 'here',
    uid: 'uid-2',
    resourceVersion: '7',
    labels: { ours: 'model-of-all', foreign: 'x' },
    managedFields: [
      {
        manager: 'local-model-operator',
        operation: 'Apply',
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:ours': {} } }, 'f:spec': { 'f:type': {}, 'f:absent': {} } },
      },
    ],
  },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.7' },
} as KubeObject;
const lock = { ...service, kind: 'ConfigMap' };

test('a pattern has what the operator wrote, without what the server added, and keeps the late ones apart', () => {
  const pattern = patternOf(deployment, [lock, service]);
  expect(pattern.early).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'model-of-all', namespace: 'here', labels: { ours: 'model-of-all' } },
      spec: { type: 'ClusterIP' },
    },
  ]);
  expect(pattern.late.map(({ kind }) => kind)).toEqual(['ConfigMap']);
});

test('a copy belongs to another deployment in all of its fields', () => {
  const [copy] = patternOf(deployment, [service]).early.map((child) =>
    renamed({ ...child, owner: 'uid-1' }, ownerOf(deployment), { name: 'b', namespace: 'there', uid: 'uid-9' }),
  );
  expect(copy).toMatchObject({ metadata: { name: 'b', namespace: 'there', labels: { ours: 'b' } }, owner: 'uid-9' });
});

test('before it is Ready a status says so', () => {
  const pending = pendingStatus(deployment.status ?? {});
  expect(pending.readyReplicas).toBe(0);
  expect(pending.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'Progressing' });
});
