// The HorizontalPodAutoscaler that we show, with the rule of prometheus-adapter that stands above it, on a real control plane: it
// scales a deployment by requests that really wait in a gateway.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { waitFor } from '../../controlplane/wait.ts';
import { tellTimes } from '../../fault/told.ts';
import { given } from '../given.ts';
import { aggregationFlags, startAdapter } from './adapter.ts';
import {
  type Any,
  deployModel,
  deploymentPath,
  type MonitoredCluster,
  modelObjects,
  startMonitoredCluster,
} from './cluster.ts';
import { type ModelPod, publishModel, specOf, startModelPod } from './model.ts';
import { discovered, scrapeConfigs } from './scrape.ts';
import { startPrometheus } from './server.ts';

const manifest = readFileSync(join(import.meta.dirname, '../../../manifests/autoscaling/hpa.yaml'), 'utf8');
/** The YAML in the comment, as a person would take it out. */
const adapterRules = parse(
  manifest
    .split('\n')
    .filter((line) => line.startsWith('#   '))
    .map((line) => line.slice(4))
    .join('\n'),
) as unknown[];

const autoscaler = parse(manifest) as Any;
const { name } = autoscaler.spec.scaleTargetRef;
const autoscalerPath = `/apis/autoscaling/v2/NAMESPACE/horizontalpodautoscalers/${autoscaler.metadata.name}`;
const patience = { deadlineMs: 120_000, everyMs: 250 };
const tell = tellTimes('HorizontalPodAutoscaler with prometheus-adapter, looking every second:');

const world = given(['ollama', 'registries', 'prometheus', 'cluster'], async (programs, atEnd) => {
  const flags = {
    'kube-apiserver': await aggregationFlags(atEnd),
    'kube-controller-manager': ['--horizontal-pod-autoscaler-sync-period=1s'],
  };
  const { cluster } = await startMonitoredCluster({ binaries: programs.cluster, flags, audit: true }, atEnd);
  const { registry, reference } = await publishModel(programs.registries, atEnd);
  const spec = specOf(reference);
  const { pod, config } = await deployModel(cluster, name, {
    ...spec,
    api: { ...spec.api, limits: { maxInFlight: 1 } },
  });
  const model = await startModelPod({ ollama: programs.ollama, registry, reference, config }, atEnd);
  const { service, monitor } = await modelObjects(cluster, name);
  const prometheus = await startPrometheus({
    program: programs.prometheus.prometheus,
    scrape: (file) => scrapeConfigs(monitor, file),
    groups: [discovered({ service, pod, container: 'gateway', address: new URL(model.gateway.adminUrl).host })],
  });
  atEnd(prometheus.stop);
  const { adapter: program } = programs.prometheus;
  await startAdapter({ program, cluster, prometheus: prometheus.url, rules: adapterRules }, atEnd);
  await cluster.apply(autoscalerPath, autoscaler);
  return { cluster, model };
});

const replicasOf = async (cluster: MonitoredCluster, path: string): Promise<number | undefined> =>
  (await cluster.read(path)).spec.replicas;

const workload = `/apis/apps/v1/NAMESPACE/deployments/${name}`;

/** Who has written the scale of deployments, as the audit log has it. */
async function writesOfScale({ auditLog = '' }: MonitoredCluster): Promise<string[]> {
  const events = (await readFile(auditLog, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Any);
  return events
    .filter(({ verb, objectRef }) => objectRef?.subresource === 'scale' && verb !== 'get')
    .map(({ verb, objectRef: { resource, subresource }, userAgent, responseStatus }) =>
      [userAgent.split('/')[0], verb, `${resource}/${subresource}`, responseStatus.code].join(' '),
    )
    .filter((deed) => deed.includes(' localmodeldeployments/'));
}

/** What the autoscaler says of itself; fails with its conditions where it does not come to it. */
async function untilAutoscaler(what: string, holds: (status: Any) => boolean): Promise<Any> {
  return waitFor(
    what,
    async () => {
      const { status } = await world().cluster.read(autoscalerPath);
      if (holds(status)) return status;
      throw new Error(JSON.stringify(status));
    },
    patience,
  );
}

/** That many clients, each of which asks again as soon as it has its answer, until told to stop. */
function crowd({ chat }: ModelPod, clients: number): { stop(): Promise<void> } {
  const over = new AbortController();
  const ask = async (): Promise<void> => {
    while (!over.signal.aborted) await chat({ tokens: 100, signal: over.signal }).catch(() => undefined);
  };
  const all = Promise.all(Array.from({ length: clients }, ask));
  return {
    async stop() {
      over.abort();
      await all;
    },
  };
}

test('is at rest while nobody waits', async () => {
  const { currentMetrics, desiredReplicas } = await untilAutoscaler(
    'the autoscaler knows the queue',
    ({ conditions }) =>
      conditions?.some(({ type, reason }: Any) => type === 'ScalingActive' && reason === 'ValidMetricFound'),
  );
  expect(currentMetrics[0].pods).toMatchObject({
    metric: { name: 'localmodel_requests_queued' },
    current: { averageValue: '0' },
  });
  expect(desiredReplicas).toBe(1);
});

test('raises spec.replicas by one when requests wait, and the operator follows', async () => {
  const { cluster, model } = world();
  const [began, waiting] = [performance.now(), crowd(model, 12)];
  try {
    await untilAutoscaler('the autoscaler wants two', ({ desiredReplicas }) => desiredReplicas === 2);
    tell('twelve clients come → two replicas wanted', (performance.now() - began) / 1000);
    await waitFor(
      'the Deployment has two replicas',
      async () => (await replicasOf(cluster, workload)) === 2 || undefined,
      patience,
    );
    expect(await replicasOf(cluster, deploymentPath(name))).toBe(2);
    expect(await writesOfScale(cluster)).toEqual(['kube-controller-manager update localmodeldeployments/scale 200']);
    await waitFor('two pods are Ready', async () => (await cluster.pods(name)).length === 2 || undefined, patience);
    tell('  two pods Ready', (performance.now() - began) / 1000);
    // One more in two minutes at the most, however long the queue.
    const { conditions } = await untilAutoscaler('the autoscaler holds back', ({ conditions: all }) =>
      all.some(({ type, status }: Any) => type === 'ScalingLimited' && status === 'True'),
    );
    expect(conditions.find(({ type }: Any) => type === 'ScalingLimited').reason).toBe('ScaleUpLimit');
    expect(await replicasOf(cluster, deploymentPath(name))).toBe(2);
  } finally {
    await waiting.stop();
  }
});
