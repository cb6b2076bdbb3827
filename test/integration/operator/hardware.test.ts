import { describe, expect } from 'vitest';
import { annotations, localModelDeployments, type StoredDeployment } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { createNodes } from '../../controlplane/nodes.ts';
import type { Stage } from './harness.ts';
import { conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

/** A device that only the nodes of this test offer, so that tests can run side by side. */
const deviceOf = ({ namespace }: Stage) => `${namespace}.example.com/gpu`;
const nodeOf = ({ namespace }: Stage) => `${namespace}-gpu`;
const addNode = (stage: Stage, devices = 1) =>
  createNodes(stage.cluster.access, [{ name: nodeOf(stage), resources: { [deviceOf(stage)]: String(devices) } }]);

const cpu = { class: 'CPU' };
const npu = { class: 'NPU', vendor: 'intel' };
const gpu = (stage: Stage, more: object = {}) => ({ class: 'GPU', resourceName: deviceOf(stage), ...more });
const on = (preferred: object, fallback: object[] = [], more: object = {}) => ({
  ...smallest,
  hardware: { preferred, fallback, fallbackAfterSeconds: 30, residency: 'Report', ...more },
});

const rejections = ({ status }: StoredDeployment) =>
  status?.hardware?.rejected?.map(({ class: c, reason }) => `${c} ${reason}`);

describe.concurrent('the ladder', () => {
  test('passes over a rung that the runtime has no backend for, and takes the next', async ({ stage }) => {
    await addNode(stage);
    await stage.apply(on(npu, [gpu(stage), cpu]));
    const ready = await stage.untilCondition('Ready', 'True');
    expect(ready.status?.hardware).toMatchObject({ class: 'GPU', resourceName: deviceOf(stage) });
    expect(rejections(ready)).toEqual(['NPU NoBackend']);
    const placed = conditionOf(ready, 'Placed');
    expect(placed).toMatchObject({ status: 'True', reason: 'FellBack' });
    expect(placed?.message).toMatch(/Ollama has no NPU backend/);
    const [pod] = await stage.pods();
    expect(pod?.pod.node).toBe(nodeOf(stage));
    expect(pod?.raw.spec.containers[0].resources.limits).toMatchObject({ [deviceOf(stage)]: '1' });
  });

  test('passes over every device that no node offers, and ends on the CPU', async ({ stage }) => {
    await stage.apply(on(npu, [gpu(stage), cpu]));
    const ready = await stage.untilCondition('Ready', 'True');
    expect(ready.status?.hardware?.class).toBe('CPU');
    expect(rejections(ready)).toEqual(['NPU NoBackend', 'GPU NotOffered']);
    expect(conditionOf(ready, 'Accelerated')).toBeUndefined();
  });

  test('waits for a device where it was told to, and takes it when a node brings it', async ({ stage }) => {
    await stage.apply(on(gpu(stage, { whenAbsent: 'Wait' })));
    const waiting = await stage.untilCondition('Placed', 'False', 'Waiting');
    await stage.until('the scheduler has spoken', async () =>
      conditionOf(await stage.get(), 'Placed')?.message.includes('Insufficient'),
    );
    expect(conditionOf(waiting, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Waiting' });
    expect(conditionOf(waiting, 'Stalled')).toBeUndefined();
    await addNode(stage);
    const ready = await stage.untilCondition('Ready', 'True');
    expect(conditionOf(ready, 'Placed')).toMatchObject({ status: 'True', reason: 'Preferred' });
    expect(ready.status?.revision).toBe(waiting.status?.revision);
  });

  test('falls to the next rung when no pod was ever scheduled in time', async ({ stage }) => {
    await stage.apply(on(gpu(stage, { whenAbsent: 'Wait' }), [cpu]));
    await stage.until('the scheduler has spoken', async () =>
      conditionOf(await stage.get(), 'Placed')?.message.includes('Insufficient'),
    );
    await stage.running.skip(31_000);
    const ready = await stage.untilCondition('Ready', 'True');
    expect(ready.status?.hardware?.class).toBe('CPU');
    expect(rejections(ready)).toEqual(['GPU NotScheduledInTime']);
    expect(ready.status?.hardware?.rejected?.[0]?.message).toMatch(/within 30 s: .*Insufficient/);
  });

  test('keeps its rung when the node of a scheduled pod goes', async ({ stage }) => {
    await addNode(stage);
    await stage.apply(on(gpu(stage), [cpu]));
    const before = await stage.untilCondition('Ready', 'True');
    await stage.cluster.client.remove(resources.node, { name: nodeOf(stage) });
    const [pod] = await stage.pods();
    await stage.kubectl('delete', 'pod', pod?.metadata.name ?? '', '--force', '--grace-period=0');
    await stage.untilCondition('Placed', 'False', 'Unschedulable');
    await stage.running.skip(3_600_000);
    await stage.apply({ ...on(gpu(stage), [cpu]), replicas: 2 });
    const after = await stage.untilCondition('Placed', 'False', 'Unschedulable');
    expect(after.status?.hardware).toEqual(before.status?.hardware);
    expect(after.status?.revision).toBe(before.status?.revision);
  });

  test('says so when nothing fits, and places once something does', async ({ stage }) => {
    await stage.apply(on(gpu(stage)));
    const stuck = await stage.untilCondition('Placed', 'False', 'NothingFits');
    expect(conditionOf(stuck, 'Stalled')).toMatchObject({ status: 'True', reason: 'NothingFits' });
    expect(conditionOf(stuck, 'Ready')).toMatchObject({ status: 'False', reason: 'NotPlaced' });
    expect(conditionOf(stuck, 'Placed')?.message).toContain(`no node offers ${deviceOf(stage)}`);
    expect(await stage.pods()).toEqual([]);
    await addNode(stage);
    await stage.running.skip(61_000);
    const ready = await stage.untilCondition('Ready', 'True');
    expect(conditionOf(ready, 'Stalled')).toBeUndefined();
  });

  test('keeps its rung while an autoscaler asks for more than there is', async ({ stage }) => {
    await addNode(stage, 2);
    await stage.apply({ ...on(gpu(stage), [cpu]), replicas: 2 });
    const before = await stage.untilCondition('Ready', 'True');
    const template = (await stage.find(resources.deployment))?.spec.template;
    await stage.kubectl('scale', 'lmd/model', '--replicas=3');
    await stage.untilCondition('Ready', 'False');
    await stage.until('the third waits', async () => (await stage.pods()).some(({ pod }) => pod.unschedulable));
    await stage.running.skip(600_000);
    await stage.kubectl('scale', 'lmd/model', '--replicas=4');
    await stage.until('the fourth waits', async () => (await stage.pods()).length === 4);
    await stage.until('the fourth is counted', async () => (await stage.get()).status?.replicas === 4);
    const between = await stage.get();
    expect(between.status?.readyReplicas).toBe(2);
    expect(conditionOf(between, 'Available')).toMatchObject({ status: 'True' });
    await stage.kubectl('scale', 'lmd/model', '--replicas=2');
    const after = await stage.untilCondition('Ready', 'True');
    expect(after.status?.hardware).toEqual(before.status?.hardware);
    expect(after.status?.revision).toBe(before.status?.revision);
    expect((await stage.find(resources.deployment))?.spec.template).toEqual(template);
  });

  test('is gone down again from the top only when it is asked to', async ({ stage }) => {
    await stage.apply(on(gpu(stage), [cpu]));
    await stage.untilCondition('Ready', 'True');
    await addNode(stage);
    await stage.running.skip(600_000);
    await stage.apply({ ...on(gpu(stage), [cpu]), replicas: 2 });
    const still = await stage.untilCondition('Ready', 'True');
    expect(still.status?.hardware?.class).toBe('CPU');
    await stage.patch(localModelDeployments, 'model', {
      metadata: { annotations: { [annotations.reselectHardware]: 'now' } },
      spec: { replicas: 1 },
    });
    await stage.until('it is on the GPU', async () => (await stage.get()).status?.hardware?.class === 'GPU');
    const ready = await stage.untilCondition('Ready', 'True');
    expect(ready.status?.hardware?.rejected).toBeUndefined();
  });

  test('is judged by the scheduler alone where nodes may not be read', async ({ emptyStage: stage }) => {
    await addNode(stage);
    const { access, clientOf } = stage.cluster;
    const user = `operator-${stage.namespace}`;
    await stage.kubectl('create', 'rolebinding', 'operator', '--clusterrole=cluster-admin', `--user=${user}`);
    const client = await clientOf(await access.kubeconfigFor(user));
    stage.start({ client });
    await stage.apply(on(gpu(stage), [cpu]));
    const ready = await stage.untilCondition('Ready', 'True');
    expect(ready.status?.hardware?.class).toBe('GPU');
    const said = stage.running.calls.calls.flatMap(({ object }) => {
      const placed = object && conditionOf(object as StoredDeployment, 'Placed');
      return placed ? [placed.reason] : [];
    });
    expect(said[0]).toBe('SchedulerDecides');
    expect(conditionOf(ready, 'Placed')).toMatchObject({ status: 'True', reason: 'Preferred' });
  });

  test('does not look at nodes while every decision stands', async ({ stage }) => {
    await addNode(stage);
    await stage.apply(on(gpu(stage), [cpu]));
    await stage.untilCondition('Ready', 'True');
    const looks = () => stage.running.calls.calls.filter(({ kind }) => kind === 'Node').length;
    expect(looks()).toBe(1);
    await stage.apply({ ...on(gpu(stage), [cpu]), replicas: 2 });
    await stage.until('the second waits', async () => (await stage.get()).status?.replicas === 2);
    expect(looks()).toBe(1);
  });
});
