// Nodes and DeviceClasses, reduced to what choosing a rung needs, so that a page of them can be let go at once.
import type { KubeObject } from '../kube/types.ts';
import type { DeviceClassFacts, NodeFacts } from './world.ts';

/** core/v1 Node, as far as we read it. */
export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
  status?: { allocatable?: Record<string, string> };
}

/** resource.k8s.io DeviceClass, as far as we read it. */
export interface DeviceClass extends KubeObject {
  spec?: { extendedResourceName?: string };
}

/** Extended resources have a domain, and so a slash; kubelet's own (pods, hugepages-2Mi, attachable volumes) have none. */
const matters = (resource: string) => resource.includes('/') || resource === 'cpu' || resource === 'memory';

export function nodeFactsOf({ metadata, spec, status }: Node): NodeFacts {
  const allocatable = Object.entries(status?.allocatable ?? {}).filter(([resource]) => matters(resource));
  return {
    name: metadata.name,
    labels: { ...metadata.labels },
    allocatable: Object.fromEntries(allocatable),
    taints: (spec?.taints ?? []).map(({ key, value, effect }) => ({ key, effect, ...(value && { value }) })),
    unschedulable: spec?.unschedulable ?? false,
  };
}

export const deviceClassFactsOf = ({ metadata, spec }: DeviceClass): DeviceClassFacts => ({
  name: metadata.name,
  ...(spec?.extendedResourceName && { extendedResourceName: spec.extendedResourceName }),
});
