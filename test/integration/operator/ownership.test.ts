import { describe, expect } from 'vitest';
import { annotations, GROUP, KIND, labels, VERSION } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { apiVersionOf, type OwnerReference, type Resource } from '../../../src/kube/types.ts';
import type { Stage } from './harness.ts';
import { type Any, conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const everyChild = {
  ...smallest,
  replicas: 2,
  storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { size: '1Gi' } },
};

interface Kind {
  resource: Resource;
  name: string;
  /** What a stranger may have made under our name. */
  body: object;
}

const stranger = { app: 'stranger' };
const podSpec = { containers: [{ name: 'main', image: 'stranger' }] };
const kinds: Kind[] = [
  {
    resource: resources.deployment,
    name: 'model',
    body: {
      spec: {
        replicas: 0,
        selector: { matchLabels: stranger },
        template: { metadata: { labels: stranger }, spec: podSpec },
      },
    },
  },
  { resource: resources.service, name: 'model', body: { spec: { selector: stranger, ports: [{ port: 80 }] } } },
  { resource: resources.service, name: 'model-metrics', body: { spec: { ports: [{ name: 'web', port: 80 }] } } },
  { resource: resources.networkPolicy, name: 'model', body: { spec: { podSelector: { matchLabels: stranger } } } },
  {
    resource: resources.podDisruptionBudget,
    name: 'model',
    body: { spec: { minAvailable: 1, selector: { matchLabels: stranger } } },
  },
  {
    resource: resources.persistentVolumeClaim,
    name: 'model-models',
    body: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  },
  { resource: resources.configMap, name: 'model-lock', body: { data: { mine: 'yes' } } },
];

const make = ({ resource, name, body }: Kind, stage: Stage, metadata: object = {}): Promise<Any> =>
  stage.cluster.client.create<Any>(
    resource,
    {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name, namespace: stage.namespace, ...metadata },
      ...body,
    },
    { fieldManager: 'stranger' },
  );

/** What its owner would miss if it changed: everything but the server's own bookkeeping. */
function face({ metadata, status: _status, ...rest }: Any) {
  const { resourceVersion: _v, generation: _g, managedFields: _m, ...meta } = metadata;
  const { 'deployment.kubernetes.io/revision': _r, ...notes } = meta.annotations ?? {};
  return { ...rest, metadata: { ...meta, annotations: notes } };
}

const ownerOf = ({ metadata }: Any): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller);

/** A lock is wanted only once a pod has reported; the other children are wanted at once. */
const specFor = ({ resource }: Kind) => (resource.kind === 'ConfigMap' ? smallest : everyChild);

describe.concurrent.each(kinds.map((kind) => [`${kind.resource.kind}/${kind.name}`, kind] as const))(
  'a stranger’s %s',
  (id, kind) => {
    test('is left alone and reported', async ({ emptyStage: stage }) => {
      const before = await make(kind, stage);
      stage.start();
      await stage.apply(specFor(kind));
      const { status } = await stage.untilCondition('Accepted', 'False', 'NameConflict');
      expect(conditionOf({ status }, 'Accepted')?.message).toContain(`${id} exists and is not ours`);
      expect(conditionOf({ status }, 'Stalled')).toMatchObject({ status: 'True', reason: 'NameConflict' });
      expect(conditionOf({ status }, 'Ready')).toMatchObject({ status: 'False', reason: 'NameConflict' });
      const after = await stage.find(kind.resource, kind.name);
      expect(face(after as Any)).toEqual(face(before));
      const managers = after?.metadata.managedFields?.map(({ manager }) => manager);
      expect(managers).not.toContain('local-model-operator');
      // The others are made all the same.
      for (const other of kinds.filter(({ resource }) => resource.kind !== 'ConfigMap'))
        if (other !== kind && kind.resource.kind !== 'ConfigMap')
          expect(await stage.find(other.resource, other.name), other.name).toBeDefined();
    });

    test('is left alone also when another controller owns it', async ({ emptyStage: stage }) => {
      const owner = await make(kinds.at(-1) as Kind, stage, { name: 'owner' });
      const ownerReferences = [
        { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid, controller: true },
      ];
      // Even labels of ours do not make it ours.
      const before = await make(kind, stage, { ownerReferences, labels: { [labels.deployment]: 'model' } });
      stage.start();
      await stage.apply(specFor(kind), { annotations: { [annotations.adopt]: 'true' } });
      const { status } = await stage.untilCondition('Accepted', 'False', 'NameConflict');
      expect(conditionOf({ status }, 'Accepted')?.message).toContain(`${id} is controlled by ConfigMap/owner`);
      expect(face((await stage.find(kind.resource, kind.name)) as Any)).toEqual(face(before));
    });

    // A selector cannot be changed, so a stranger's Deployment can be adopted by nobody.
    if (kind.resource.kind !== 'Deployment')
      test('is taken over when it is handed over', async ({ emptyStage: stage }) => {
        const before = await make(kind, stage);
        stage.start();
        await stage.apply(specFor(kind), { annotations: { [annotations.adopt]: id } });
        const adopted = await stage.until('it is ours', async () => {
          const now = await stage.find(kind.resource, kind.name);
          return now && ownerOf(now)?.kind === KIND && now;
        });
        // What has an address cannot become headless: the metrics Service is made anew, the others are kept.
        const isKept = kind.name !== 'model-metrics';
        expect(adopted.metadata.uid === before.metadata.uid).toBe(isKept);
        const { status } = await stage.untilCondition('Accepted', 'True');
        expect(conditionOf({ status }, 'Stalled')).toBeUndefined();
      });
  },
);

describe.concurrent('children that have lost their owner', () => {
  test('are adopted as they are, as after a restore from a backup', async ({ stage }) => {
    await stage.apply(smallest);
    const { status } = await stage.untilCondition('Ready', 'True');
    await stage.until('the lock', () => stage.find(resources.configMap, 'model-lock'));
    await stage.running.stop();
    const before = { workload: await stage.find(resources.deployment), pods: await stage.pods() };
    await stage.kubectl('delete', 'lmd/model', '--cascade=orphan');
    await stage.until('it is orphaned', async () => !ownerOf((await stage.find(resources.deployment)) as Any));
    stage.start();
    const { metadata } = await stage.apply(smallest);
    const ready = await stage.untilCondition('Ready', 'True');
    const owned = async ({ resource, name }: Kind) => {
      const found = await stage.find(resource, name);
      return found && ownerOf(found)?.uid;
    };
    for (const kind of kinds.filter(({ resource }) => !/Budget|Claim/.test(resource.kind)))
      expect(await owned(kind), kind.name).toBe(metadata.uid);
    expect((await stage.find(resources.deployment))?.metadata.uid).toBe(before.workload?.metadata.uid);
    expect((await stage.pods()).map((pod) => pod.metadata.uid)).toEqual(before.pods.map((pod) => pod.metadata.uid));
    expect(ready.status?.revision).toBe(status?.revision);
  });
});

describe.concurrent('another manager that keeps changing a field back', () => {
  test('is named in FieldContested and not fought for ever', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    const fight = new AbortController();
    const rival = async () => {
      while (!fight.signal.aborted) {
        const service = await stage.find(resources.service);
        if (service?.spec.selector[labels.deployment] === 'model')
          await stage.patch(
            resources.service,
            'model',
            { spec: { selector: { [labels.deployment]: 'theirs' } } },
            'rival-controller',
          );
        else await stage.cluster.client.get(resources.namespace, { name: stage.namespace });
      }
    };
    const fighting = rival();
    const contested = await stage.untilCondition('Accepted', 'False', 'FieldContested');
    const condition = conditionOf(contested, 'Accepted');
    expect(condition?.message).toMatch(/^Service\/model: rival-controller keeps changing spec\.selector.* back;/);
    expect(conditionOf(contested, 'Stalled')).toMatchObject({ status: 'True', reason: 'FieldContested' });
    stage.running.calls.forget();
    await stage.apply({ ...smallest, replicas: 2 });
    await stage.until('the rest goes on', async () => (await stage.get()).status?.readyReplicas === 2);
    expect(stage.running.calls.writes().filter(({ kind }) => kind === 'Service')).toEqual([]);
    fight.abort();
    await fighting;
    await stage.running.skip(6 * 60_000);
    const mended = await stage.untilCondition('Accepted', 'True');
    expect(conditionOf(mended, 'Stalled')).toBeUndefined();
    expect((await stage.find(resources.service))?.spec.selector).toEqual({ [labels.deployment]: 'model' });
  });
});

describe.concurrent('why children are made by server-side apply, never by POST', () => {
  const manager = 'local-model-operator';
  const service = (stage: Stage, ports: object[]) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'made', namespace: stage.namespace, labels: { ours: 'yes' }, annotations: { note: 'ours' } },
    spec: { selector: { app: 'made' }, ports },
  });
  const two = [
    { name: 'one', port: 1 },
    { name: 'two', port: 2 },
  ];
  const less = (stage: Stage) => {
    const { metadata, ...rest } = service(stage, two.slice(0, 1));
    return { ...rest, metadata: { name: metadata.name, namespace: metadata.namespace } };
  };

  test('what POST made is owned under Update, defaults included, and a later apply cannot take it out', async ({
    emptyStage: stage,
  }) => {
    const { client } = stage.cluster;
    const made = await client.create<Any>(resources.service, service(stage, two), { fieldManager: manager });
    expect(made.metadata.managedFields).toMatchObject([{ manager, operation: 'Update' }]);
    expect(made.metadata.managedFields?.[0]?.fieldsV1).toMatchObject({ 'f:spec': { 'f:sessionAffinity': {} } });
    const applied = await client.apply<Any>(resources.service, less(stage), { fieldManager: manager });
    expect(applied.metadata.managedFields?.map(({ operation }) => operation).sort()).toEqual(['Apply', 'Update']);
    expect(applied.spec.ports).toHaveLength(2);
    expect(applied.metadata.labels).toEqual({ ours: 'yes' });
    expect(applied.metadata.annotations).toEqual({ note: 'ours' });
  });

  test('what apply made is owned field by field, and goes when it is left out', async ({ emptyStage: stage }) => {
    const { client } = stage.cluster;
    const made = await client.apply<Any>(resources.service, service(stage, two), {
      fieldManager: manager,
      force: false,
    });
    expect(made.metadata.managedFields).toMatchObject([{ manager, operation: 'Apply' }]);
    expect(made.metadata.managedFields?.[0]?.fieldsV1).not.toHaveProperty(['f:spec', 'f:sessionAffinity']);
    const applied = await client.apply<Any>(resources.service, less(stage), { fieldManager: manager });
    expect(applied.spec.ports).toHaveLength(1);
    expect(applied.metadata.labels).toBeUndefined();
    expect(applied.metadata.annotations).toBeUndefined();
  });

  test.for(kinds)(
    'an apply with an old resourceVersion makes a missing $resource.kind $name, and touches none that is there',
    async (kind, { emptyStage: stage }) => {
      const { client } = stage.cluster;
      const { resource, name, body } = kind;
      const metadata = { name, namespace: stage.namespace, resourceVersion: '1' };
      const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, ...body };
      const made = await client.apply<Any>(resource, object, { fieldManager: manager });
      expect(made.metadata.managedFields).toMatchObject([{ manager, operation: 'Apply' }]);
      const again = client.apply<Any>(resource, object, { fieldManager: 'stranger', force: true });
      await expect(again).rejects.toMatchObject({ reason: 'conflict' });
      const now = await stage.find(resource, name);
      expect(now?.metadata.managedFields?.map((entry) => entry.manager)).not.toContain('stranger');
    },
  );
});

test('an owner that is gone is no owner: the version and kind of our references are ours', async ({ stage }) => {
  await stage.apply(smallest);
  const workload = await stage.until('the workload', () => stage.find(resources.deployment));
  const { metadata } = await stage.get();
  expect(workload.metadata.ownerReferences).toEqual([
    {
      apiVersion: `${GROUP}/${VERSION}`,
      kind: KIND,
      name: 'model',
      uid: metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
});
