// What the operator may do, and nothing more: the source of the shipped role and of the table in docs/reference/operator.md.
import { GROUP, localModelDeployments } from '../api/types.ts';

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  /** What is lost without it; for people who want to grant less. */
  why: string;
}

/**
 * Server-side apply needs `create` beside `patch` where the object does not exist yet; `update` repairs what apply alone
 * cannot (src/operator/forcedApply.ts).
 */
const WRITE = ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'];
const FOLLOW = ['list', 'watch'];
const writeBut = (never: string): string[] => WRITE.filter((verb) => verb !== never);
const { plural } = localModelDeployments;

/** In every namespace that is watched. */
export const namespacedRules: readonly Rule[] = [
  {
    apiGroups: [GROUP],
    resources: [plural],
    verbs: FOLLOW,
    why: 'The deployments themselves. They are never written, but for their status.',
  },
  { apiGroups: [GROUP], resources: [`${plural}/status`], verbs: ['patch'], why: 'Reporting.' },
  {
    apiGroups: [GROUP],
    resources: [`${plural}/finalizers`],
    verbs: ['update'],
    why: 'Owner references that block deletion, where the cluster enforces it (OpenShift). No finalizer is ever set.',
  },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: WRITE, why: 'The workload.' },
  {
    apiGroups: [''],
    resources: ['services'],
    verbs: WRITE,
    why: 'The Services for clients and for metrics.',
  },
  { apiGroups: [''], resources: ['configmaps'], verbs: writeBut('update'), why: 'The lock.' },
  {
    apiGroups: [''],
    resources: ['persistentvolumeclaims'],
    verbs: writeBut('delete'),
    why: 'The model store. It goes with its deployment, by the garbage collector; the operator deletes none.',
  },
  {
    apiGroups: ['networking.k8s.io'],
    resources: ['networkpolicies'],
    verbs: WRITE,
    why: 'Without it, no NetworkPolicy is made and Accepted says so.',
  },
  {
    apiGroups: ['policy'],
    resources: ['poddisruptionbudgets'],
    verbs: WRITE,
    why: 'Without it, no PodDisruptionBudget is made and Accepted says so.',
  },
  {
    apiGroups: ['monitoring.coreos.com'],
    resources: ['servicemonitors'],
    verbs: WRITE,
    why: 'Without it, Monitored is False/Forbidden; nothing else changes.',
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: [...FOLLOW, 'delete'],
    why: 'What the pods show; and replacing a pod that pulled another digest than the lock.',
  },
  {
    apiGroups: [''],
    resources: ['events'],
    verbs: ['list'],
    why: 'Why a pod is stuck before its first container (FailedMount); without it that is not told.',
  },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create'],
    why: 'Events on the deployments; without it there are none.',
  },
];

/** Cluster-wide, whatever is watched. */
export const clusterRules: readonly Rule[] = [
  {
    apiGroups: [''],
    resources: ['nodes'],
    verbs: ['list'],
    why: 'Which devices nodes offer, while a hardware decision is open. Without it the scheduler alone decides.',
  },
  {
    apiGroups: ['resource.k8s.io'],
    resources: ['deviceclasses'],
    verbs: ['list'],
    why: 'The same for dynamic resource allocation.',
  },
  {
    apiGroups: ['apiextensions.k8s.io'],
    resources: ['customresourcedefinitions'],
    verbs: ['list', 'watch'],
    why: 'Noticing at once that ServiceMonitors come or go (metadata only); without it, within five minutes.',
  },
];

/** Not in the shipped role: only for an operator that reads gateways through the API server. */
export const apiProxyRules: readonly Rule[] = [
  {
    apiGroups: [''],
    resources: ['pods/proxy'],
    verbs: ['get'],
    why: 'What gateways report, for an operator outside the cluster (`--gateway-access=ApiServerProxy`). It lets its holder send GET requests to any port of any pod.',
  },
];

/** In the namespace of the Lease. */
export const leaseRules: readonly Rule[] = [
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
    why: 'Leader election.',
  },
];
