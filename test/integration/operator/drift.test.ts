import { isDeepStrictEqual } from 'node:util';
import { describe, expect } from 'vitest';
import { labels } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import type { Resource } from '../../../src/kube/types.ts';
import type { Stage } from './harness.ts';
import { type Any, smallest } from './tenant.ts';
import { test } from './test.ts';

/** A deployment that has every kind of child but the ServiceMonitor. */
const everyChild = {
  ...smallest,
  replicas: 2,
  storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { size: '1Gi', accessModes: ['ReadWriteMany'] } },
};

interface Child {
  resource: Resource;
  name: string;
  /** A change of a field that is ours. */
  edit: object;
  /** A field that is nobody's. */
  foreign: object;
  look: (object: Any) => unknown;
}

const note = { metadata: { annotations: { 'example.com/note': 'mine' } } };
const part = { metadata: { labels: { 'app.kubernetes.io/part-of': 'something-else' } } };
const partOf = ({ metadata }: Any) => metadata.labels?.['app.kubernetes.io/part-of'];

const children: Child[] = [
  {
    resource: resources.deployment,
    name: 'model',
    edit: { spec: { replicas: 1, template: { spec: { enableServiceLinks: true } } } },
    foreign: { ...note, spec: { minReadySeconds: 0, paused: false } },
    look: ({ spec }) => [spec.replicas, spec.template.spec.enableServiceLinks],
  },
  {
    resource: resources.service,
    name: 'model',
    edit: { spec: { selector: { [labels.deployment]: 'another' } } },
    foreign: { ...note, spec: { sessionAffinity: 'ClientIP' } },
    look: ({ spec }) => spec.selector,
  },
  {
    resource: resources.service,
    name: 'model-metrics',
    edit: { spec: { publishNotReadyAddresses: false } },
    foreign: note,
    look: ({ spec }) => spec.publishNotReadyAddresses,
  },
  {
    resource: resources.networkPolicy,
    name: 'model',
    edit: { spec: { ingress: [{}], egress: [{}] } },
    foreign: note,
    look: ({ spec }) => [spec.ingress, spec.egress],
  },
  {
    resource: resources.podDisruptionBudget,
    name: 'model',
    edit: { spec: { maxUnavailable: '90%' } },
    foreign: note,
    look: ({ spec }) => spec.maxUnavailable,
  },
  {
    resource: resources.persistentVolumeClaim,
    name: 'model-models',
    edit: part,
    foreign: note,
    look: partOf,
  },
];

/** The child as the operator made it. */
async function settled(stage: Stage, { resource, name }: Child, spec: object = everyChild): Promise<Any> {
  await stage.apply(spec as never);
  await stage.until('the last child is there', () => stage.find(resources.podDisruptionBudget));
  return stage.until(`${resource.kind} ${name}`, () => stage.find(resource, name));
}

describe.concurrent.each(children.map((child) => [`${child.resource.kind}/${child.name}`, child] as const))(
  'of %s',
  (_title, child) => {
    const { resource, name, edit, foreign, look } = child;

    test('a foreign edit is taken back and a foreign field stays', async ({ stage }) => {
      const made = await settled(stage, child);
      await stage.patch(resource, name, foreign);
      const edited = await stage.patch(resource, name, edit);
      expect(look(edited)).not.toEqual(look(made));
      const repaired = await stage.until('it is repaired', async () => {
        const now = await stage.find(resource, name);
        return JSON.stringify(look(now as Any)) === JSON.stringify(look(made)) && now;
      });
      expect(repaired.metadata.annotations?.['example.com/note']).toBe('mine');
      if (resource.kind === 'Service' && name === 'model') expect(repaired.spec.sessionAffinity).toBe('ClientIP');
    });

    test('a field that another manager took by a forced apply is taken back', async ({ stage }) => {
      await settled(stage, child);
      const { apiVersion, kind } = {
        apiVersion: resource.group ? `${resource.group}/${resource.version}` : 'v1',
        ...resource,
      };
      await stage.cluster.client.apply(
        resource,
        { apiVersion, kind, metadata: { name, namespace: stage.namespace, ...part.metadata } },
        { fieldManager: 'intruder' },
      );
      await stage.until('it is ours again', async () => {
        const now = await stage.find(resource, name);
        return now && partOf(now) === 'local-models';
      });
    });

    test('it is made again when somebody deletes it', async ({ stage }) => {
      const made = await settled(stage, child);
      await stage.cluster.client.remove(resource, { namespace: stage.namespace, name });
      await stage.until('another one is there', async () => {
        const now = await stage.find(resource, name);
        return now && now.metadata.uid !== made.metadata.uid;
      });
    });
  },
);

/** Small changes of a status are put off for two seconds. */
async function untilAllIsSaid(stage: Stage): Promise<void> {
  let last = '';
  await stage.until('nothing is written any more', async () => {
    await stage.running.skip(3_000);
    const before = last;
    last = JSON.stringify(await stage.versions());
    return last === before;
  });
}

describe.concurrent('also', () => {
  test('the lock ConfigMap is made again with the same digest', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    const lock = await stage.until('the lock', () => stage.find(resources.configMap, 'model-lock'));
    await stage.patch(resources.configMap, 'model-lock', { data: null });
    const same = async () => {
      const now = await stage.find(resources.configMap, 'model-lock');
      return JSON.stringify(now?.data) === JSON.stringify(lock.data) && now;
    };
    await stage.until('the data is back', same);
    await stage.cluster.client.remove(resources.configMap, { namespace: stage.namespace, name: 'model-lock' });
    await stage.until('it is back', async () => {
      const now = await same();
      return now && now.metadata.uid !== lock.metadata.uid;
    });
  });

  test('a port of the Service that somebody changed is changed back', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    await stage.patch(resources.service, 'model', {
      spec: { ports: [{ name: 'http', port: 1234, targetPort: 'http' }] },
    });
    await stage.until('the port is back', async () => {
      const ports = (await stage.find(resources.service))?.spec.ports;
      return ports.length === 1 && ports[0].port === 8080;
    });
    await stage.untilCondition('Ready', 'True');
    await stage.apply({ ...smallest, api: { port: 8081 } });
    await stage.until('the port has moved', async () => {
      const ports = (await stage.find(resources.service))?.spec.ports;
      return ports.length === 1 && ports[0].port === 8081;
    });
  });

  test('a child that somebody labels as another deployment’s is taken back', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    await stage.kubectl('label', 'service', 'model', 'localmodels.dev/deployment=other', '--overwrite');
    await stage.until('it is labelled again', async () => {
      const service = await stage.find(resources.service);
      return service?.metadata.labels?.[labels.deployment] === 'model';
    });
  });

  test('a budget that somebody turned round is turned back', async ({ stage }) => {
    await stage.apply({ ...smallest, replicas: 2 });
    await stage.untilCondition('Ready', 'True');
    await stage.patch(resources.podDisruptionBudget, 'model', { spec: { maxUnavailable: null, minAvailable: 2 } });
    await stage.until('it is turned back', async () => {
      const budget = (await stage.find(resources.podDisruptionBudget))?.spec;
      return budget.maxUnavailable === 1 && budget.minAvailable === undefined;
    });
  });

  test('what another controller adds to the pods of the workload stays', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    await stage.patch(resources.deployment, 'model', {
      spec: { template: { metadata: { annotations: { 'example.com/injected': 'yes' } } } },
    });
    await stage.until('it is rolled out', async () => {
      const pods = await stage.pods();
      return pods.length === 1 && pods[0]?.raw.metadata.annotations?.['example.com/injected'] === 'yes';
    });
    stage.running.calls.forget();
    await stage.untilCondition('Ready', 'True');
    expect(stage.running.calls.writes().filter(({ kind }) => kind === 'Deployment')).toEqual([]);
  });

  test('nothing is written while nothing changes, not even by a new operator', async ({ stage }) => {
    await stage.apply(everyChild);
    await stage.until('the last child is there', () => stage.find(resources.podDisruptionBudget));
    await stage.apply(smallest, { name: 'other' });
    await stage.untilCondition('Ready', 'True', undefined, 'other');
    await stage.untilCondition('Placed', 'False', 'Unschedulable');
    await untilAllIsSaid(stage);
    await stage.running.stop();
    // Where other tests add a node meanwhile, the scheduler counts anew in what it says of the pods, and rightly that is passed on.
    const schedulerSays = async () => (await stage.pods()).map(({ raw }) => raw.status.conditions);
    for (let attempt = 1, said: unknown; !isDeepStrictEqual(said, await schedulerSays()); attempt++) {
      said = await schedulerSays();
      const before = await stage.versions();
      const next = stage.start();
      await stage.until('it leads', async () => next.log.some(({ message }) => message === 'leading'));
      // Its turn comes after all that the start has put into the queue.
      await stage.apply(smallest, { name: `last-${attempt}` });
      await stage.untilCondition('Ready', 'True', undefined, `last-${attempt}`);
      await next.stop();
      if (!isDeepStrictEqual(said, await schedulerSays())) continue;
      const after = Object.entries(await stage.versions()).filter(([key]) => key in before);
      expect(Object.fromEntries(after)).toEqual(before);
      expect(next.calls.writes().filter(({ key }) => !key.includes(`/last-${attempt}`))).toEqual([]);
    }
  });
});
