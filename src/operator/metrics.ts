// What the operator says of the deployments as a whole. What a model does is told by its own gateway, pod by pod.
import { Gauge, type Registry } from 'prom-client';
import type { conditions } from '../api/conditions.ts';
import type { StoredDeployment } from '../api/types.ts';
import type { Store } from '../kube/store.ts';
import type { Gateways } from './gatewayPolls.ts';

const RUNTIMES = new Set(['Ollama', 'FoundryLocal']);
const SUMMARIES = [
  'Ready',
  'Accepted',
  'Placed',
  'Pulled',
  'UpToDate',
  'Stalled',
] as const satisfies (keyof typeof conditions)[];

/** Registers gauges that are counted when they are scraped. Labels: runtimes, condition types and statuses, so few series. */
export function createDeploymentMetrics(registry: Registry, deployments: Store<StoredDeployment>): void {
  new Gauge({
    name: 'localmodel_deployments',
    help: 'LocalModelDeployments that exist, by runtime',
    labelNames: ['runtime'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { spec } of deployments.values()) {
        const runtime = String((spec as { runtime?: unknown } | undefined)?.runtime);
        this.inc({ runtime: RUNTIMES.has(runtime) ? runtime : 'unknown' });
      }
    },
  });
  new Gauge({
    name: 'localmodel_deployments_condition',
    help: 'LocalModelDeployments by condition and its status',
    labelNames: ['condition', 'status'],
    registers: [registry],
    collect() {
      this.reset();
      for (const condition of SUMMARIES)
        for (const status of ['True', 'False', 'Unknown']) this.set({ condition, status }, 0);
      for (const { status } of deployments.values())
        for (const { type, status: value } of status?.conditions ?? [])
          if ((SUMMARIES as readonly string[]).includes(type)) this.inc({ condition: type, status: value });
    },
  });
}

/** What the leader has heard of the gateways that it asks; a gauge that is counted when it is scraped. */
export function createGatewayMetrics(registry: Registry, gateways: Pick<Gateways, 'counts'>): void {
  new Gauge({
    name: 'localmodel_operator_gateways',
    help: 'Gateways of model pods by what the operator knows of them: read, silent (cannot be read) or unasked',
    labelNames: ['heard'],
    registers: [registry],
    collect() {
      for (const [heard, count] of Object.entries(gateways.counts())) this.set({ heard }, count);
    },
  });
}
