// What a gateway and an operator really expose, as series that Prometheus would have after scraping them for a while.
import type { Registry } from 'prom-client';
import type { StoredDeployment } from '../../../src/api/types.ts';
import type { ExchangeRecord } from '../../../src/gateway/exchange.ts';
import { createGatewayMetrics } from '../../../src/gateway/metrics.ts';
import { createControllerMetrics, registerLeaderMetric } from '../../../src/kube/metrics.ts';
import type { Store } from '../../../src/kube/store.ts';
import { createDeploymentMetrics, createGatewayMetrics as createGatewayCounts } from '../../../src/operator/metrics.ts';
import { createRequestMetrics } from '../../../src/operator/requestMetrics.ts';
import { createRegistry } from '../../../src/process/metrics.ts';
import { gpuRules, servingPod } from '../../unit/gateway/pod.ts';

const MINUTES = 30;

type Readings = Map<string, number>;

/** The text of /metrics, by series. */
async function scrape(registry: Registry, labels: string): Promise<Readings> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = '', own, value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return [`${name}{${[own, labels].filter(Boolean).join(',')}}`, Number(value)];
    }),
  );
}

/** From the one reading to the other in even steps. */
const seriesOf = (before: Readings, after: Readings): string[] =>
  [...after]
    .filter(([, value]) => Number.isFinite(value))
    .map(([series, value]) => {
      const first = before.get(series) ?? 0;
      const step = (value - first) / MINUTES;
      return step === 0
        ? `${series} ${value}x${MINUTES}`
        : `${series} ${first}${step < 0 ? '' : '+'}${step}x${MINUTES}`;
    });

const answered: ExchangeRecord = {
  requestId: 'r',
  family: 'OpenAI',
  method: 'POST',
  client: 'team-a',
  status: 200,
  outcome: 'Answered',
  queueMs: 500,
  reachedRuntime: true,
  streamed: true,
  firstPieceMs: 1000,
  lastPieceMs: 3000,
  totalMs: 3100,
  usage: { inputTokens: 11, outputTokens: 21 },
  bytesIn: 100,
  bytesOut: 2000,
};
const refused: ExchangeRecord = {
  ...answered,
  status: 429,
  outcome: 'Refused',
  reason: 'QueueFull',
  reachedRuntime: false,
  streamed: false,
};
const failed: ExchangeRecord = { ...answered, status: 502, streamed: false };

async function gateway(labels: string): Promise<string[]> {
  const metrics = createGatewayMetrics(createRegistry({ node: true }));
  const { state } = servingPod(gpuRules);
  metrics.readFrom({
    state: () => state,
    admission: { inFlight: 2, queued: 1 },
    limits: { maxInFlight: 4, maxQueue: 64 },
    lastRequestAt: () => 1000,
    pull: () => ({ completedBytes: 5, totalBytes: 10 }),
    certificateExpiry: () => 1_800_000_000_000,
    version: '0.1.0',
    runtime: 'Ollama',
    class: 'GPU',
  });
  const happen = () => {
    for (const record of [answered, refused, failed]) metrics.exchange(record);
    metrics.canary('Passed', 0.3);
  };
  happen();
  const before = await scrape(metrics.registry, labels);
  for (let count = 0; count < 60; count++) happen();
  return seriesOf(before, await scrape(metrics.registry, labels));
}

const stored = {
  spec: { runtime: 'Ollama' },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
} as unknown as StoredDeployment;

async function operator(labels: string): Promise<string[]> {
  const registry = createRegistry({ node: true });
  const controllers = createControllerMetrics(registry);
  const queue = controllers.queue('localmodeldeployment');
  const controller = controllers.controller('localmodeldeployment');
  queue.bind({ depth: 1, runningMs: () => [10] } as never);
  controller.bind({ workers: 8, active: 1 });
  registerLeaderMetric(registry, 'lease', { isLeader: true });
  const onRequest = createRequestMetrics(registry);
  createDeploymentMetrics(registry, { values: () => [stored] } as unknown as Store<StoredDeployment>);
  createGatewayCounts(registry, { counts: () => ({ read: 1, silent: 0, unasked: 0 }) } as never);
  const happen = () => {
    queue.added();
    queue.taken(5);
    queue.finished(20);
    controller.reconciled({ result: 'success', durationMs: 20 });
    onRequest({ verb: 'PATCH', status: 200, ms: 12 } as never);
  };
  happen();
  const before = await scrape(registry, labels);
  for (let count = 0; count < 60; count++) happen();
  return seriesOf(before, await scrape(registry, labels));
}

/** What cAdvisor and DCGM's exporter would say of the same pod. */
const machine = [
  `container_cpu_usage_seconds_total{namespace="ai",pod="qwen-1",container="ollama"} 0+60x${MINUTES}`,
  `container_memory_working_set_bytes{namespace="ai",pod="qwen-1",container="ollama"} 1000x${MINUTES}`,
  `DCGM_FI_DEV_GPU_UTIL{namespace="ai",pod="qwen-1",gpu="0"} 50x${MINUTES}`,
];

/** Half an hour of one model with one pod, and of its operator. */
export async function exposed(): Promise<{ series: string[]; untilMinutes: number }> {
  const [model, itself] = await Promise.all([
    gateway('namespace="ai",pod="qwen-1",localmodel="qwen"'),
    operator('namespace="lmo",pod="operator-1"'),
  ]);
  return { series: [...model, ...itself, ...machine], untilMinutes: MINUTES };
}
