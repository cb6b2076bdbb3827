// What the operator has made for one deployment, as a pattern for the floor: the same objects under other names.

import type { Status } from '../../src/api/schema.ts';
import { fieldManagers, type StoredDeployment } from '../../src/api/types.ts';
import { ownedPart } from '../../src/kube/ownedFields.ts';
import type { KubeObject } from '../../src/kube/types.ts';

export interface Pattern {
  /** Children that can be written at once, in the order in which the operator writes them. */
  early: readonly KubeObject[];
  /** Children that say what a pod has found: they come when it is ready. */
  late: readonly KubeObject[];
  /** The status as it ends. */
  status: Status;
}

export interface Owner {
  namespace: string;
  name: string;
  uid: string;
}

/** As plan.ts orders them. */
const order = [
  'NetworkPolicy',
  'PersistentVolumeClaim',
  'Service',
  'Deployment',
  'PodDisruptionBudget',
  'ServiceMonitor',
];
const isLate = ({ kind }: KubeObject): boolean => kind === 'ConfigMap';

/** `ownedPart` shows what is owned but not stored (0, "", false) by a sign; who does not send it says the same. */
const withoutAbsent = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value, (_key, inner) => (inner === '∅' ? undefined : inner)));

/** The pattern, from the deployment and its children as they are stored: only what the operator itself wrote, no defaults. */
export function patternOf(deployment: StoredDeployment, children: readonly KubeObject[]): Pattern {
  const written = children.map((child): KubeObject => {
    const { apiVersion, kind, metadata } = child;
    const { metadata: owned, ...part } = withoutAbsent(ownedPart(child, fieldManagers.children) ?? {});
    const { name, namespace } = metadata;
    return { apiVersion, kind, ...part, metadata: { ...(owned as object), name, ...(namespace && { namespace }) } };
  });
  if (!deployment.status) throw new Error('the rehearsal has no status');
  return {
    early: written.filter((child) => !isLate(child)).sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
    late: written.filter(isLate),
    status: deployment.status,
  };
}

/** A copy of `value` in which `from` is `to`: its name, its namespace and its uid, wherever they stand. */
export function renamed<T>(value: T, from: Owner, to: Owner): T {
  const text = JSON.stringify(value)
    .replaceAll(from.uid, to.uid)
    .replaceAll(from.namespace, to.namespace)
    .replaceAll(from.name, to.name);
  return JSON.parse(text) as T;
}

export const ownerOf = ({ metadata: { namespace, name, uid } }: StoredDeployment): Owner => ({ namespace, name, uid });

/** The status between: everything is written, no pod is ready yet. */
export function pendingStatus(status: Status): Status {
  const conditions = status.conditions?.map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False' as const, reason: 'Progressing' } : condition,
  );
  return { ...status, readyReplicas: 0, ...(conditions && { conditions }) };
}
