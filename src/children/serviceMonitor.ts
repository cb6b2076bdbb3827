// Tells prometheus-operator to scrape the gateways.
import { labels } from '../api/types.ts';
import type { ChildInput } from './input.ts';
import { childLabels, childMetadata, childNames } from './metadata.ts';
import type { Child } from './pod.ts';

/** Prometheus' name for a Service label that it found by discovery. */
const discovered = (label: string) => `__meta_kubernetes_service_label_${label.replace(/[^A-Za-z0-9_]/g, '_')}`;

/** Undefined where the user wants none. */
export function serviceMonitor(input: ChildInput): Child | undefined {
  const { name, settings, defaults } = input;
  const { enabled, interval, labels: userLabels } = settings.serviceMonitor;
  if (!enabled) return undefined;
  const { [labels.deployment]: deployment, 'app.kubernetes.io/component': component } = childLabels(name, 'metrics');
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: childMetadata(input, childNames(name).serviceMonitor, 'metrics', {
      labels: { ...defaults.serviceMonitor.labels, ...userLabels },
    }),
    spec: {
      selector: { matchLabels: { [labels.deployment]: deployment, 'app.kubernetes.io/component': component } },
      endpoints: [
        {
          port: 'admin',
          path: '/metrics',
          scheme: 'http',
          interval,
          // The name that people know it by, on every series; pod and namespace are there already.
          relabelings: [
            { sourceLabels: [discovered(labels.deployment)], targetLabel: 'localmodel', action: 'replace' },
          ],
        },
      ],
    },
  };
}
