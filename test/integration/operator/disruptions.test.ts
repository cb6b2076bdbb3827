// What happens to the cluster as a whole: on a control plane of its own, because it breaks it.
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { customResourceDefinition } from '../../../src/api/crd.ts';
import { labels, localModelDeployments } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { type ControlPlane, startControlPlane } from '../../controlplane/cluster.ts';
import { serviceMonitorDefinition } from '../fixtures/serviceMonitorDefinition.ts';
import { installDefinition, type OperatorCluster, openCluster, openStage, type Stage } from './harness.ts';
import { type Any, conditionOf, smallest } from './tenant.ts';

/** Milliseconds: the garbage collector learns of a kind that comes and goes only every half minute. */
const LONG = 240_000;
vi.setConfig({ testTimeout: LONG });

let own: ControlPlane;
let cluster: OperatorCluster;
let stage: Stage & { close(): Promise<void> };

beforeAll(async () => {
  own = await startControlPlane({ binaries: inject('binaries'), nodes: [{ name: 'only' }] });
  cluster = await openCluster(own);
  // Cluster-wide, as it is installed by default.
  stage = await openStage(cluster, 'disrupted', 'none');
  stage.start({ everywhere: true });
});
afterAll(async () => {
  await stage?.close();
  await cluster?.close();
  await own?.stop();
});

const isMonitored = (status: 'True' | 'False', reason: string) => stage.untilCondition('Monitored', status, reason);
const monitor = () => stage.find(resources.serviceMonitor);

test('without ServiceMonitors in the cluster it is Ready, and says so', async () => {
  await stage.apply(smallest);
  const ready = await stage.untilCondition('Ready', 'True');
  expect(conditionOf(ready, 'Monitored')).toMatchObject({ status: 'False', reason: 'CRDNotInstalled' });
});

test('when the ServiceMonitor kind arrives, the monitors are made and nothing else is written', async () => {
  stage.running.calls.forget();
  await installDefinition(cluster.client, serviceMonitorDefinition);
  const monitored = await isMonitored('True', 'Monitored');
  expect(conditionOf(monitored, 'Ready')).toMatchObject({ status: 'True' });
  const made = (await monitor()) as Any;
  expect(made.metadata.ownerReferences?.[0]?.uid).toBe(monitored.metadata.uid);
  expect(made.spec.endpoints).toHaveLength(1);
  const written = stage.running.calls.writes().map(({ verb, kind }) => `${verb} ${kind}`);
  expect(new Set(written)).toEqual(new Set(['apply ServiceMonitor', 'applyStatus LocalModelDeployment']));
});

test('a ServiceMonitor is repaired and made again as every child is', async () => {
  const made = (await monitor()) as Any;
  await stage.patch(resources.serviceMonitor, 'model', {
    spec: { selector: { matchLabels: { app: 'x' } }, jobLabel: 'mine' },
  });
  const repaired = await stage.until('it is repaired', async () => {
    const now = await monitor();
    return JSON.stringify(now?.spec.selector) === JSON.stringify(made.spec.selector) && now;
  });
  expect(repaired.spec.jobLabel).toBe('mine');
  await cluster.client.remove(resources.serviceMonitor, { namespace: stage.namespace, name: 'model' });
  await stage.until('another is there', async () => {
    const now = await monitor();
    return now && now.metadata.uid !== made.metadata.uid;
  });
  await stage.apply({ ...smallest, monitoring: { serviceMonitor: { enabled: false } } });
  await isMonitored('False', 'Disabled');
  await stage.until('it is gone', async () => !(await monitor()));
  await stage.apply(smallest);
  await isMonitored('True', 'Monitored');
});

test('a stranger’s ServiceMonitor is left alone, and Ready does not mind', async () => {
  await cluster.client.create<Any>(resources.serviceMonitor, {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: { name: 'other', namespace: stage.namespace },
    spec: { endpoints: [], selector: {} },
  });
  await stage.apply(smallest, { name: 'other' });
  const other = await stage.untilCondition('Monitored', 'False', 'NameConflict', 'other');
  expect(conditionOf(other, 'Accepted')?.status).toBe('True');
  await stage.untilCondition('Ready', 'True', undefined, 'other');
  const theirs = await stage.find(resources.serviceMonitor, 'other');
  expect(theirs?.spec).toEqual({ endpoints: [], selector: {} });
  expect(theirs?.metadata.labels?.[labels.deployment]).toBeUndefined();
  await stage.remove('other');
});

test('when the ServiceMonitor kind goes, that is all that goes', async () => {
  const before = await stage.versions();
  await cluster.client.remove(resources.customResourceDefinition, { name: serviceMonitorDefinition.metadata.name });
  const gone = await isMonitored('False', 'CRDNotInstalled');
  expect(conditionOf(gone, 'Ready')).toMatchObject({ status: 'True' });
  const after = await stage.versions();
  expect(after['Deployment/model']).toBe(before['Deployment/model']);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'an API server that is restarted by %s costs nothing but time',
  async (signal) => {
    const before = new Set((await stage.pods()).map(({ metadata }) => metadata.uid));
    await own.stopApiServer(signal);
    stage.running.calls.forget();
    await own.startApiServer();
    const replicas = signal === 'SIGKILL' ? 2 : 1;
    await stage.apply({ ...smallest, replicas });
    await stage.until('it follows again', async () => (await stage.get()).status?.readyReplicas === replicas);
    const ready = await stage.untilCondition('Ready', 'True');
    expect((await stage.pods()).some(({ metadata }) => before.has(metadata.uid))).toBe(true);
    expect(ready.status?.hardware?.class).toBe('CPU');
    const kinds = new Set(stage.running.calls.writes().map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['Deployment', 'LocalModelDeployment', 'PodDisruptionBudget']);
    expect(stage.running.operator.checks.synced?.()).toBe(true);
  },
);

test('when our own kind is removed nothing is deleted by the operator, and it goes on when it is back', async () => {
  stage.running.calls.forget();
  await cluster.client.remove(resources.customResourceDefinition, { name: customResourceDefinition().metadata.name });
  await stage.until('the operator says so', async () => {
    const said = stage.running.operator.checks.synced?.();
    return typeof said === 'string' && said.includes('localmodeldeployments.localmodels.dev is not installed');
  });
  expect(stage.running.calls.writes()).toEqual([]);
  await installDefinition(cluster.client, customResourceDefinition());
  await stage.until('it is served', async () => (await stage.list(localModelDeployments)) && true);
  await stage.apply(smallest);
  const ready = await stage.untilCondition('Ready', 'True');
  expect(stage.running.operator.checks.synced?.()).toBe(true);
  expect((await stage.find(resources.deployment))?.metadata.ownerReferences?.[0]?.uid).toBe(ready.metadata.uid);
});

test('an operator that is started before our kind is installed waits for it', async () => {
  await stage.running.stop();
  await stage.remove();
  await cluster.client.remove(resources.customResourceDefinition, { name: customResourceDefinition().metadata.name });
  const early = stage.start({ everywhere: true });
  await stage.until('it waits', async () => String(early.operator.checks.synced?.()).includes('not installed'));
  await installDefinition(cluster.client, customResourceDefinition());
  await stage.until('it has its caches', async () => early.operator.checks.synced?.() === true);
  await stage.apply(smallest);
  await stage.untilCondition('Ready', 'True');
});
