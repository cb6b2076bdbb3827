// The deployments that the bench makes, and the API of ServiceMonitors without which a child would be missing.

import { KIND, localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import { apiVersionOf } from '../../src/kube/types.ts';

export type SampleKind = keyof typeof hardware;

/** `ladder` asks for what no node offers, so that nodes are read before it comes to stand on the CPU. */
const hardware = {
  smallest: {},
  ladder: { hardware: { preferred: { class: 'GPU', vendor: 'amd' }, fallback: [{ class: 'CPU' }] } },
} as const;

/** As a user would write it. */
export function sample(namespace: string, name: string, kind: SampleKind = 'smallest') {
  return {
    apiVersion: apiVersionOf(localModelDeployments),
    kind: KIND,
    metadata: { name, namespace },
    spec: { runtime: 'Ollama', model: { name: 'qwen2.5:3b-instruct-q4_K_M' }, ...hardware[kind] },
  };
}

export const isReady = ({ metadata, status }: StoredDeployment): boolean =>
  status?.observedGeneration === metadata.generation &&
  (status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false);

/** The CRD of the Prometheus operator, as far as the API server must know it to store one. */
export const serviceMonitorDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: {
      kind: 'ServiceMonitor',
      listKind: 'ServiceMonitorList',
      plural: 'servicemonitors',
      singular: 'servicemonitor',
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};
