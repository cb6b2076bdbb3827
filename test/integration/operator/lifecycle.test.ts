import { describe, expect } from 'vitest';
import { annotations, labels, localModelDeployments } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { simulation } from '../../controlplane/stages.ts';
import { conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const replicaSets = { ...resources.deployment, kind: 'ReplicaSet', plural: 'replicasets' };

const withFate = (outcome: string, more: object = {}) => ({
  ...smallest,
  ...more,
  pod: { annotations: { [simulation.outcome]: outcome } },
});
const fate = (outcome: string) => ({ metadata: { annotations: { [simulation.outcome]: outcome } } });

describe.concurrent('a deployment', () => {
  test('becomes Ready with all its children, and kubectl wait says so', async ({ stage }) => {
    await stage.apply(smallest);
    const waited = await stage.kubectl('wait', '--for=condition=Ready', 'lmd/model', '--timeout=60s');
    expect(waited).toMatchObject({ code: 0, stderr: '' });
    const { status } = await stage.get();
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 1,
      readyReplicas: 1,
      updatedReplicas: 1,
      selector: 'localmodels.dev/deployment=model',
      endpoint: `http://model.${stage.namespace}.svc:8080`,
      hardware: { class: 'CPU' },
      model: { reference: 'qwen2.5:0.5b', sourceDigest: expect.stringMatching(/^sha256:/), sizeBytes: 1_048_576 },
      effective: { auth: 'None', storage: 'Ephemeral', strategy: 'RollingUpdate' },
    });
    expect(status?.conditions?.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`)).toEqual([
      'Ready=True Serving',
      expect.stringMatching(/^Accepted=True/),
      'Placed=True Preferred',
      'Pulled=True Verified',
      'Available=True AtLeastOneReady',
      'Monitored=False CRDNotInstalled',
      'UpToDate=True UpToDate',
    ]);
    expect(Object.keys(await stage.versions()).sort()).toEqual([
      'ConfigMap/model-lock',
      'Deployment/model',
      'LocalModelDeployment/model',
      'NetworkPolicy/model',
      'Service/model',
      'Service/model-metrics',
    ]);
  });

  test('has every condition from the first status that is written', async ({ stage }) => {
    await stage.apply(withFate('pulling'));
    const { object } = await stage.until('a status was written', async () =>
      stage.running.calls.calls.find(({ verb }) => verb === 'applyStatus'),
    );
    const first = (object as { status?: { conditions: { type: string }[] } }).status;
    expect(first?.conditions.map(({ type }) => type)).toEqual([
      'Ready',
      'Accepted',
      'Placed',
      'Pulled',
      'Available',
      'Monitored',
      'UpToDate',
      'Reconciling',
    ]);
  });

  test('writes each child once, two statuses and one event on its way to Ready', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    const writes = stage.running.calls.writes().map(({ verb, kind, key }) => `${verb} ${kind} ${key.split('/')[1]}`);
    expect(writes.filter((write) => write.startsWith('apply ')).sort()).toEqual([
      'apply ConfigMap model-lock',
      'apply Deployment model',
      'apply NetworkPolicy model',
      'apply Service model',
      'apply Service model-metrics',
    ]);
    const events = await stage.until('an event', async () => {
      const all = await stage.list(resources.event);
      const ours = all.filter(({ reportingController }) => reportingController === 'localmodels.dev/operator');
      return ours.length > 0 && ours;
    });
    expect(events.map(({ reason, type, regarding }) => [reason, type, regarding.name])).toEqual([
      ['Serving', 'Normal', 'model'],
    ]);
  });

  test('that is edited is not Ready until pods of the new revision answer, and is Available all the while', async ({
    stage,
  }) => {
    await stage.apply(smallest);
    const { revision } = (await stage.untilCondition('Ready', 'True')).status ?? {};
    await stage.apply(withFate('pulling', { performance: { maxContext: 8192 } }));
    const between = await stage.untilCondition('Ready', 'False', 'Pulling');
    expect(between.status?.revision).not.toBe(revision);
    expect(conditionOf(between, 'Available')).toMatchObject({ status: 'True' });
    expect(conditionOf(between, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Pulling' });
    const [next] = (await stage.pods()).filter(({ pod }) => pod.revision === between.status?.revision);
    await stage.patch(resources.pod, next?.metadata.name ?? '', fate('ready'));
    const after = await stage.untilCondition('Ready', 'True');
    expect(after.status?.revision).toBe(between.status?.revision);
    expect(conditionOf(after, 'Reconciling')).toBeUndefined();
    await stage.until('the old pod is gone', async () => (await stage.pods()).length === 1);
  });

  test('is scaled by the scale subresource without a new revision, rung or template', async ({ stage }) => {
    await stage.apply(smallest);
    const before = await stage.untilCondition('Ready', 'True');
    const template = (await stage.find(resources.deployment))?.spec.template;
    const scaled = await stage.kubectl('scale', 'lmd/model', '--replicas=3');
    expect(scaled.code).toBe(0);
    await stage.until('three answer', async () => (await stage.get()).status?.readyReplicas === 3);
    const after = await stage.untilCondition('Ready', 'True');
    expect(after.status?.revision).toBe(before.status?.revision);
    expect(after.status?.hardware).toEqual(before.status?.hardware);
    expect((await stage.find(resources.deployment))?.spec.template).toEqual(template);
    expect(await stage.find(resources.podDisruptionBudget)).toBeDefined();
    const scale = await stage.kubectl('get', 'lmd/model', '--subresource=scale', '-o', 'json');
    expect(JSON.parse(scale.stdout)).toMatchObject({
      spec: { replicas: 3 },
      status: { replicas: 3, selector: `${labels.deployment}=model` },
    });
    await stage.kubectl('scale', 'lmd/model', '--replicas=1');
    await stage.until('the budget is gone', async () => !(await stage.find(resources.podDisruptionBudget)));
  });

  test('that is scaled to zero is Ready, not Available, and keeps its Services', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True', 'Serving');
    await stage.kubectl('scale', 'lmd/model', '--replicas=0');
    const { status } = await stage.untilCondition('Available', 'False', 'ScaledToZero');
    expect(conditionOf({ status }, 'Ready')).toMatchObject({ status: 'True', reason: 'ScaledToZero' });
    expect(await stage.find(resources.service)).toBeDefined();
    expect(conditionOf({ status }, 'Stalled')).toBeUndefined();
  });

  test('takes out of its children what the spec no longer says', async ({ stage }) => {
    await stage.apply({
      ...smallest,
      network: { service: { annotations: { 'example.com/note': 'here' } } },
      pod: { env: [{ name: 'EXTRA', value: '1' }], nodeSelector: { type: 'simulated' } },
    });
    await stage.untilCondition('Ready', 'True');
    const mainOf = async () => (await stage.find(resources.deployment))?.spec.template.spec;
    expect((await stage.find(resources.service))?.metadata.annotations).toEqual({ 'example.com/note': 'here' });
    expect((await mainOf()).containers[0].env).toContainEqual({ name: 'EXTRA', value: '1' });
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    expect((await stage.find(resources.service))?.metadata.annotations).toBeUndefined();
    expect((await mainOf()).containers[0].env.map(({ name }: { name: string }) => name)).not.toContain('EXTRA');
    expect((await mainOf()).nodeSelector).toEqual({ 'kubernetes.io/os': 'linux' });
    await stage.apply({ ...smallest, network: { policy: { enabled: false } } });
    await stage.until('the policy is gone', async () => !(await stage.find(resources.networkPolicy)));
  });

  test('takes everything with it when it is deleted', async ({ stage }) => {
    await stage.apply({
      ...smallest,
      replicas: 2,
      storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { size: '1Gi' } },
    });
    await stage.until('the workload is there', () => stage.find(resources.deployment));
    await stage.until('the budget is there', () => stage.find(resources.podDisruptionBudget));
    await stage.remove();
    await stage.until('nothing is left', async () => Object.keys(await stage.versions()).length === 0);
  });

  test('that is made again under the same name at once comes up again', async ({ stage }) => {
    await stage.apply(smallest);
    const first = await stage.untilCondition('Ready', 'True');
    await stage.remove();
    await stage.apply(smallest);
    const second = await stage.untilCondition('Ready', 'True');
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    const owner = async () => (await stage.find(resources.deployment))?.metadata.ownerReferences?.[0]?.uid;
    expect(await owner()).toBe(second.metadata.uid);
  });

  test('that is made again is not Ready by the pods of the one before, which answer until they are collected', async ({
    stage,
  }) => {
    await stage.kubectl('create', 'quota', 'one', '--hard=pods=1');
    await stage.apply(smallest);
    const { status } = await stage.untilCondition('Ready', 'True');
    const [replicaSet] = await stage.list(replicaSets);
    const held = replicaSet?.metadata.name ?? '';
    await stage.patch(replicaSets, held, { metadata: { finalizers: ['example.com/held'] } });
    await stage.remove();
    await stage.until('the workload is gone', async () => !(await stage.find(resources.deployment)));
    await stage.apply(smallest);
    const again = await stage.untilCondition('Ready', 'False', 'FailedCreate');
    expect(again.status).toMatchObject({ revision: status?.revision, replicas: 0, readyReplicas: 0 });
    expect(conditionOf(again, 'Available')?.status).toBe('False');
    expect((await stage.pods()).map(({ pod }) => pod.ready)).toEqual([true]);
    await stage.patch(replicaSets, held, { metadata: { finalizers: null } });
    await stage.kubectl('delete', 'quota', 'one');
  });

  test('that is paused is reported on and not touched', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    await stage.apply({ ...smallest, paused: true, performance: { maxContext: 8192 } });
    await stage.untilCondition('Ready', 'False', 'Paused');
    const before = await stage.versions();
    await stage.patch(resources.service, 'model', { spec: { selector: { [labels.deployment]: 'other' } } });
    const [pod] = await stage.pods();
    await stage.patch(resources.pod, pod?.metadata.name ?? '', fate('never-ready'));
    await stage.untilCondition('Available', 'False');
    const after = await stage.versions();
    expect(after['NetworkPolicy/model']).toBe(before['NetworkPolicy/model']);
    expect((await stage.find(resources.service))?.spec.selector).toEqual({ [labels.deployment]: 'other' });
    await stage.apply({ ...smallest, performance: { maxContext: 8192 } });
    await stage.untilCondition('Ready', 'True', 'Serving');
    expect((await stage.find(resources.service))?.spec.selector).toEqual({ [labels.deployment]: 'model' });
  });

  test('replaces its pods when it is asked to restart, and once only', async ({ stage }) => {
    await stage.apply(smallest);
    const { status: before } = await stage.untilCondition('Ready', 'True');
    const [old] = await stage.pods();
    await stage.patch(localModelDeployments, 'model', {
      metadata: { annotations: { [annotations.restartedAt]: '2026-11-22T00:00:00Z' } },
    });
    await stage.until('another pod is there alone', async () => {
      const pods = await stage.pods();
      return pods.length === 1 && pods[0]?.metadata.uid !== old?.metadata.uid;
    });
    // An annotation makes no new generation, so the status may still be that of before.
    await stage.until('the status follows', async () => (await stage.get()).status?.revision !== before?.revision);
    const { status: after } = await stage.untilCondition('Ready', 'True');
    expect(after?.hardware?.since).toBe(before?.hardware?.since);
  });

  test('can be read with kubectl: columns, wide columns and explain', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    const table = await stage.kubectl('get', 'lmd', '-o', 'wide');
    expect(table.stdout).toMatch(/RUNTIME +MODEL +HARDWARE +READY +STATUS +AGE +DIGEST +AUTH +ENDPOINT/);
    expect(table.stdout).toMatch(/Ollama +qwen2.5:0.5b +CPU +True +Serving/);
    const explained = await stage.kubectl('explain', 'lmd.spec.hardware');
    expect(explained.stdout).toMatch(/preferred\t<Object>/);
    expect(explained.stdout).toMatch(/What to run on if it can be had; default CPU\./);
  });
});
