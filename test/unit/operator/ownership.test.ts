import { describe, expect, test } from 'vitest';
import { annotations, GROUP, KIND, labels, VERSION } from '../../../src/api/types.ts';
import type { KubeObject, OwnerReference } from '../../../src/kube/types.ts';
import { claimOn, isLeftOver } from '../../../src/operator/ownership.ts';
import { at, deployment, pod, spec, UID } from './observation.ts';

const owner = (more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: KIND,
  name: 'model',
  uid: UID,
  controller: true,
  ...more,
});
const service = (metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'model', namespace: 'ai', ...metadata },
});
const ours = { [labels.deployment]: 'model' };
const adopting = (wish: string) => deployment(spec(), { annotations: { [annotations.adopt]: wish } });

describe('an object under the name of a child', () => {
  test.each([
    ['with our reference is ours', { ownerReferences: [owner()] }, 'ours'],
    ['of a predecessor of this name is leaving', { ownerReferences: [owner({ uid: 'before' })] }, 'leaving'],
    [
      'of another deployment is foreign',
      { ownerReferences: [owner({ uid: 'x', name: 'other' })], labels: ours },
      'foreign',
    ],
    [
      'of another controller is foreign, whatever its labels',
      { ownerReferences: [owner({ kind: 'App', uid: 'x' })], labels: ours },
      'foreign',
    ],
    ['with our label and no controller is adopted', { labels: ours }, 'adoptable'],
    [
      'with our label and a mere owner is adopted',
      { labels: ours, ownerReferences: [owner({ uid: 'x', controller: false })] },
      'adoptable',
    ],
    ['with the label of another deployment is foreign', { labels: { [labels.deployment]: 'other' } }, 'foreign'],
    ['without anything is foreign', {}, 'foreign'],
  ] as const)('%s', (_title, metadata, kind) => {
    expect(claimOn(service(metadata as Partial<KubeObject['metadata']>), deployment()).kind).toBe(kind);
  });

  test.each([
    ['true', true],
    ['Service/model', true],
    ['ConfigMap/model-lock, Service/model', true],
    ['Service/other', false],
    ['service/model', false],
    ['', false],
  ])('is handed over by adopt=%j: %s', (wish, expected) => {
    expect(claimOn(service(), adopting(wish)).kind).toBe(expected ? 'adoptable' : 'foreign');
  });

  test('is never handed over while a controller owns it', () => {
    const controlled = service({ ownerReferences: [owner({ kind: 'App', name: 'shop', uid: 'x' })] });
    expect(claimOn(controlled, adopting('true'))).toMatchObject({
      kind: 'foreign',
      message: expect.stringContaining('Service/model is controlled by App/shop'),
    });
  });

  test('says how to solve it', () => {
    expect(claimOn(service(), deployment())).toMatchObject({
      message: expect.stringContaining(`hand it over with the annotation ${annotations.adopt}=Service/model`),
    });
  });
});

describe('a pod with our labels', () => {
  const anew = deployment(spec(), { creationTimestamp: at(10) });
  const workload = (seconds: number) => service({ creationTimestamp: at(seconds) });
  test.each<[string, number, KubeObject | undefined, boolean]>([
    ['older than the deployment is left over', 9, undefined, true],
    ['older than the deployment is left over, also once there is a new workload', 9, workload(11), true],
    ['older than the deployment is ours with a workload that was taken over', 9, workload(5), false],
    ['of the same second is ours', 10, undefined, false],
    ['that is younger is ours', 11, workload(10), false],
  ])('%s', (_title, born, taken, expected) => {
    expect(isLeftOver(pod({ revision: 'r', createdAt: born }), anew, taken)).toBe(expected);
  });
});
