// The reference page of the gateway's metrics.
import { type Label, labelValues, type MetricName, metrics } from '../../gateway/metricsCatalogue.ts';
import { code, page, table } from './markdown.ts';

const intro = `# Metrics of a model pod

The gateway serves them on the port \`admin\` (9090) under \`/metrics\`; the ServiceMonitor of a deployment points there. Neither
runtime has metrics of its own, so all of this is what the gateway has seen and what the runtime's own records say.

Names of the OpenTelemetry GenAI conventions are used where they exist (\`gen_ai_server_*\`). Metrics of the process
(\`process_*\`, \`nodejs_*\`) come with them. No label holds anything that a client sent: the number of series is bounded by
the tables below and by the entries of the Secret with API keys.`;

const labelsOf = (labels: readonly Label[]): string => labels.map(code).join(', ');

/** The page, as Markdown. */
export function metricsReference(): string {
  const names = Object.keys(metrics) as MetricName[];
  return page(
    intro,
    table(
      ['Metric', 'Type', 'Labels', 'Meaning'],
      names.map((name) => {
        const { type, labels, meaning } = metrics[name];
        return [code(name), type, labelsOf(labels), meaning];
      }),
    ),
    '## Labels',
    table(
      ['Label', 'Values'],
      Object.entries(labelValues).map(([label, values]) => [code(label), values]),
    ),
  );
}
