// What the cluster offers, reduced to what choosing a rung needs.

export interface NodeFacts {
  name: string;
  labels: Record<string, string>;
  allocatable: Record<string, string>;
  taints: { key: string; value?: string; effect: string }[];
  /** Cordoned. It still offers its devices: a decision outlives a cordon, so it must not be made by one. */
  unschedulable: boolean;
}

export interface DeviceClassFacts {
  name: string;
  /** The extended resource that it stands for (KEP-5004). */
  extendedResourceName?: string;
}

/** `forbidden`: we may not read it, so the scheduler alone decides. */
export interface World {
  nodes: readonly NodeFacts[] | 'forbidden';
  /** `absent`: the cluster does not serve resource.k8s.io. */
  deviceClasses: readonly DeviceClassFacts[] | 'forbidden' | 'absent';
}
