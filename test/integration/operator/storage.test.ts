import { describe, expect } from 'vitest';
import { resources } from '../../../src/kube/resources.ts';
import type { Resource } from '../../../src/kube/types.ts';
import type { Stage } from './harness.ts';
import { type Any, conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const persistentVolume: Resource = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
};
const storageClass: Resource = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  namespaced: false,
};

/** A class that may grow, and a volume of it for this namespace's claim. No provisioner runs here. */
async function provide(stage: Stage, storage = '10Gi'): Promise<string> {
  const { client } = stage.cluster;
  const name = stage.namespace;
  await client.create<Any>(storageClass, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'example.com/none',
    allowVolumeExpansion: true,
  });
  await client.create<Any>(persistentVolume, {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes: ['ReadWriteOnce', 'ReadWriteMany'],
      storageClassName: name,
      claimRef: { namespace: name, name: 'model-models' },
      hostPath: { path: '/none' },
    },
  });
  return name;
}

const on = (storageClassName: string, more: object = {}) => ({
  ...smallest,
  storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { size: '1Gi', storageClassName, ...more } },
});
const claimOf = (stage: Stage) => stage.find(resources.persistentVolumeClaim, 'model-models');

describe.concurrent('a claim', () => {
  test('is made before the pods, mounted by them, and goes with the deployment', async ({ stage }) => {
    const storage = await provide(stage);
    await stage.apply(on(storage));
    const ready = await stage.untilCondition('Ready', 'True');
    expect(ready.status?.effective).toMatchObject({
      storage: 'PersistentVolumeClaim/model-models',
      strategy: 'Recreate',
    });
    const claim = await claimOf(stage);
    expect(claim?.metadata.ownerReferences?.[0]?.uid).toBe(ready.metadata.uid);
    const [pod] = await stage.pods();
    expect(JSON.stringify(pod?.raw.spec.volumes)).toContain('"claimName":"model-models"');
    await stage.remove();
    await stage.until('the claim is gone', async () => !(await claimOf(stage)));
  });

  test('that is retained survives, and the next deployment of that name finds it', async ({ stage }) => {
    const storage = await provide(stage);
    await stage.apply(on(storage, { whenDeleted: 'Retain' }));
    const { status } = await stage.untilCondition('Ready', 'True');
    const before = await claimOf(stage);
    expect(before?.metadata.ownerReferences).toBeUndefined();
    await stage.remove();
    await stage.until('the workload is gone', async () => !(await stage.find(resources.deployment)));
    const retained = await claimOf(stage);
    expect(retained?.metadata.uid).toBe(before?.metadata.uid);
    expect(retained?.metadata.deletionTimestamp).toBeUndefined();
    await stage.apply(on(storage, { whenDeleted: 'Retain' }));
    const again = await stage.untilCondition('Ready', 'True');
    expect((await claimOf(stage))?.metadata.uid).toBe(before?.metadata.uid);
    expect(again.status?.revision).toBe(status?.revision);
    await stage.apply(on(storage, { whenDeleted: 'Delete' }));
    await stage.until('it is owned', async () => (await claimOf(stage))?.metadata.ownerReferences?.length === 1);
  });

  test('grows with the spec, without a new revision', async ({ stage }) => {
    const storage = await provide(stage);
    await stage.apply(on(storage));
    const before = await stage.untilCondition('Ready', 'True');
    await stage.apply(on(storage, { size: '2Gi' }));
    await stage.until(
      'more is asked for',
      async () => (await claimOf(stage))?.spec.resources.requests.storage === '2Gi',
    );
    const after = await stage.untilCondition('Ready', 'True');
    expect(after.status?.revision).toBe(before.status?.revision);
  });

  test('that is larger than the spec says, or of another class, is told and left alone', async ({ stage }) => {
    const storage = await provide(stage);
    await stage.apply(on(storage, { size: '3Gi', whenDeleted: 'Retain' }));
    await stage.untilCondition('Ready', 'True');
    await stage.remove();
    await stage.until('the workload is gone', async () => !(await stage.find(resources.deployment)));
    const before = await claimOf(stage);
    await stage.apply(on(storage, { size: '2Gi' }));
    const smaller = await stage.untilCondition('Accepted', 'False', 'StorageMismatch');
    expect(conditionOf(smaller, 'Accepted')?.message).toMatch(
      /^spec\.storage\.persistentVolumeClaim\.size: the claim that exists has 3Gi, and claims cannot shrink;/,
    );
    expect(conditionOf(smaller, 'Stalled')).toMatchObject({ status: 'True', reason: 'StorageMismatch' });
    await stage.remove();
    await stage.apply(on('another', { size: '3Gi' }));
    const other = await stage.untilCondition('Accepted', 'False', 'StorageMismatch');
    expect(conditionOf(other, 'Accepted')?.message).toMatch(/storageClassName: the claim that exists has class/);
    const after = await claimOf(stage);
    expect(after?.spec).toEqual(before?.spec);
    expect(after?.metadata.ownerReferences).toBeUndefined();
    expect(stage.running.calls.writes().filter(({ kind }) => kind === 'PersistentVolumeClaim')).toHaveLength(1);
    await stage.remove();
    await stage.apply(on(storage, { size: '3Gi' }));
    await stage.untilCondition('Ready', 'True');
  });

  test('that nothing can be bound to keeps the pod waiting, in the scheduler’s words', async ({ stage }) => {
    await stage.apply(on('no-such-class'));
    const { status } = await stage.untilCondition('Placed', 'False', 'Unschedulable');
    expect(conditionOf({ status }, 'Placed')?.message).toMatch(/PersistentVolumeClaim|storage ?class/i);
  });

  test('of the user’s own is used and never touched', async ({ stage }) => {
    const storage = await provide(stage);
    const claim = await stage.cluster.client.create<Any>(resources.persistentVolumeClaim, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'model-models', namespace: stage.namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: storage,
        resources: { requests: { storage: '1Gi' } },
      },
    });
    await stage.apply({
      ...smallest,
      storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { claimName: 'model-models' } },
    });
    await stage.untilCondition('Ready', 'True');
    await stage.remove();
    await stage.until('the workload is gone', async () => !(await stage.find(resources.deployment)));
    const after = await claimOf(stage);
    expect(after?.metadata.uid).toBe(claim.metadata.uid);
    expect(after?.metadata.labels).toBeUndefined();
    expect(after?.metadata.managedFields?.map(({ manager }) => manager)).not.toContain('local-model-operator');
  });

  test('that is taken out of the spec is kept until the deployment goes', async ({ stage }) => {
    const storage = await provide(stage);
    await stage.apply(on(storage));
    await stage.untilCondition('Ready', 'True');
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    expect((await claimOf(stage))?.metadata.deletionTimestamp).toBeUndefined();
    await stage.remove();
    await stage.until('the claim is gone', async () => !(await claimOf(stage)));
  });
});
