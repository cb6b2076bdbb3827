// What the cluster offers, reduced to what choosing a rung needs.

export interface NodeFacts {
  name: string;
  labels: Record<string, string>;
  allocatable: Record<string, string>;
  taints: { key: string; value?: string; effect: string }[];
  unschedulable: boolean;
}

/** `forbidden`: we may not read it, so the scheduler alone decides. */
export interface World {
  nodes: readonly NodeFacts[] | 'forbidden';
  /** Names of DeviceClasses with the extended resource that each stands for, if any (KEP-5004). */
  deviceClasses: readonly { name: string; extendedResourceName?: string }[] | 'forbidden' | 'absent';
}
