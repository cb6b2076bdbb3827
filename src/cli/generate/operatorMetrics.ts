// The operator's metrics: registered as its process does it, to be listed and to be looked up.
import type { Registry } from 'prom-client';
import type { StoredDeployment } from '../../api/types.ts';
import { createControllerMetrics, registerLeaderMetric } from '../../kube/metrics.ts';
import type { Store } from '../../kube/store.ts';
import { createDeploymentMetrics, createGatewayMetrics } from '../../operator/metrics.ts';
import { createRequestMetrics } from '../../operator/requestMetrics.ts';
import { createRegistry } from '../../process/metrics.ts';
import { code, page, table } from './markdown.ts';

export interface OperatorMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

const noDeployments = { values: () => [] } as unknown as Store<StoredDeployment>;

function register(registry: Registry): void {
  createControllerMetrics(registry);
  registerLeaderMetric(registry, 'local-model-operator', { isLeader: false });
  createRequestMetrics(registry);
  createDeploymentMetrics(registry, noDeployments);
  createGatewayMetrics(registry, { counts: () => ({ read: 0, silent: 0, unasked: 0 }) });
}

/** By name; `node` adds those of process and event loop. */
export function operatorMetrics({ node }: { node: boolean }): OperatorMetric[] {
  const registry = createRegistry({ node });
  register(registry);
  // What prom-client's types leave out of what it returns.
  const metrics = registry.getMetricsAsArray() as unknown as (Omit<OperatorMetric, 'labels'> & {
    labelNames?: string[];
  })[];
  return metrics
    .map(({ name, type, help, labelNames = [] }) => ({ name, type: String(type), help, labels: labelNames }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

const intro = `# Metrics of the operator

Served on the port \`admin\` (9090) under \`/metrics\`, by every replica: the one that leads has the numbers of the work, all have those of
the deployments, so count them with \`max\`, not \`sum\`. Names that dashboards made for controller-runtime and client-go know are kept.
Metrics of the process (\`process_*\`, \`nodejs_*\`) come with them.`;

/** The page, as Markdown. */
export const operatorMetricsReference = (): string =>
  page(
    intro,
    table(
      ['Metric', 'Type', 'Labels', 'Meaning'],
      operatorMetrics({ node: false }).map(({ name, type, labels, help }) => [
        code(name),
        type,
        labels.map(code).join(', '),
        help,
      ]),
    ),
  );
