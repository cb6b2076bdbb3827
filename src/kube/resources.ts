// The kinds of Kubernetes itself, and of its common add-ons, that an operator deals with.
import type { Resource } from './types.ts';

const namespaced = (group: string, version: string, kind: string, plural: string): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced: true,
});
const clusterWide = (group: string, version: string, kind: string, plural: string): Resource => ({
  ...namespaced(group, version, kind, plural),
  namespaced: false,
});

export const resources = {
  configMap: namespaced('', 'v1', 'ConfigMap', 'configmaps'),
  namespace: clusterWide('', 'v1', 'Namespace', 'namespaces'),
  node: clusterWide('', 'v1', 'Node', 'nodes'),
  persistentVolumeClaim: namespaced('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  pod: namespaced('', 'v1', 'Pod', 'pods'),
  service: namespaced('', 'v1', 'Service', 'services'),
  serviceAccount: namespaced('', 'v1', 'ServiceAccount', 'serviceaccounts'),
  deployment: namespaced('apps', 'v1', 'Deployment', 'deployments'),
  customResourceDefinition: clusterWide(
    'apiextensions.k8s.io',
    'v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
  ),
  lease: namespaced('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  event: namespaced('events.k8s.io', 'v1', 'Event', 'events'),
  networkPolicy: namespaced('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
  podDisruptionBudget: namespaced('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  deviceClass: clusterWide('resource.k8s.io', 'v1', 'DeviceClass', 'deviceclasses'),
  serviceMonitor: namespaced('monitoring.coreos.com', 'v1', 'ServiceMonitor', 'servicemonitors'),
} as const;

const byKind = new Map<string, Resource>(Object.values(resources).map((resource) => [resource.kind, resource]));

/** Where an object of this kind is served. Throws for a kind that is not in the table: a bug of the caller. */
export function resourceOf({ kind }: { kind: string }): Resource {
  const resource = byKind.get(kind);
  if (!resource) throw new Error(`no resource is known for kind ${kind}`);
  return resource;
}
