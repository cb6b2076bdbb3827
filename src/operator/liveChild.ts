// A child as the operator remembers it: not the object, but what deciding about it needs. A thousand deployments have six
// thousand children, and their full JSON would be most of the operator's memory.
import { annotations, fieldManagers, labels } from '../api/types.ts';
import { ownedHash } from '../kube/ownedFields.ts';
import { createPool } from '../kube/pool.ts';
import type { KubeObject, OwnerReference } from '../kube/types.ts';

export interface LiveChild extends KubeObject {
  metadata: KubeObject['metadata'] & { namespace: string };
  /** Hash of the fields that we own, to be compared with the hash of what we want. */
  owned: string;
  /** Of the workload only. */
  workload?: {
    /** Every pod is of the newest template and answers, and no older one is left: what `kubectl rollout status` waits for. */
    isRolledOut: boolean;
    /** By `kubectl rollout pause`: its controller replaces no pod. */
    isPaused?: true;
    /** Message of ReplicaFailure: quota or admission keeps pods from being made. */
    replicaFailure?: string;
  };
  /** Of a claim only. */
  claim?: {
    phase: string;
    storageClassName?: string;
    accessModes: string[];
    requested?: string;
    resizeMessage?: string;
  };
  /** Of the lock ConfigMap only. */
  data?: Record<string, string>;
}

/** Annotations that are read again; the rest is covered by the hash. */
const kept: readonly string[] = [annotations.decision, annotations.template, annotations.revision];

interface Raw extends KubeObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  data?: Record<string, string>;
}

interface RawCondition {
  type?: string;
  status?: string;
  message?: string;
}

function isRolledOut({ metadata, spec, status }: Raw): boolean {
  const wanted = Number(spec?.replicas ?? 1);
  const counts = [status?.updatedReplicas, status?.replicas, status?.availableReplicas];
  return (
    Number(status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    counts.every((count) => Number(count ?? 0) === wanted)
  );
}

function workloadOf(raw: Raw): NonNullable<LiveChild['workload']> {
  const { status } = raw;
  const conditions = (status?.conditions ?? []) as RawCondition[];
  const failure = conditions.find((c) => c.type === 'ReplicaFailure' && c.status === 'True');
  return {
    isRolledOut: isRolledOut(raw),
    ...(raw.spec?.paused === true && { isPaused: true }),
    ...(failure && { replicaFailure: failure.message ?? '' }),
  };
}

function claimOf({ spec, status }: Raw): NonNullable<LiveChild['claim']> {
  const resources = spec?.resources as { requests?: { storage?: string } } | undefined;
  const conditions = (status?.conditions ?? []) as RawCondition[];
  const resize = conditions.find((c) => c.status === 'True' && /Resiz/.test(c.type ?? ''));
  return {
    phase: String(status?.phase ?? 'Pending'),
    accessModes: (spec?.accessModes ?? []) as string[],
    ...(typeof spec?.storageClassName === 'string' && { storageClassName: spec.storageClassName }),
    ...(resources?.requests?.storage && { requested: resources.requests.storage }),
    ...(resize?.message && { resizeMessage: resize.message }),
  };
}

/** Deployments whose children share what they have in common; of more than that, some have it twice. */
const SHARED = 5_000;
const texts = createPool<string>(SHARED);
const owners = createPool<OwnerReference[]>(SHARED);
const labelSets = createPool<Record<string, string>>(SHARED);

const shared = (text: string): string => texts.share(text, () => text);

/** Only the controller is read again, and it is the same for all children of a deployment. */
function sharedOwners(references: readonly OwnerReference[]): OwnerReference[] {
  const controller = references.find((owner) => owner.controller);
  if (!controller) return [];
  const { apiVersion, kind, name, uid } = controller;
  return owners.share(`${uid} ${kind} ${name}`, () => [{ apiVersion, kind, name, uid, controller: true }]);
}

/** The one label by which an object is found, shared by all objects of a deployment. */
export const deploymentLabel = (deployment: string): Record<string, string> =>
  labelSets.share(deployment, () => ({ [labels.deployment]: deployment }));

/** What the server answers to a write is looked at twice in a row, by who wrote it and by the cache; its hash is the dear part. */
let last: { object: KubeObject; child: LiveChild } | undefined;

/** Reduces a child to what is remembered of it. */
export function trimChild(object: KubeObject): LiveChild {
  if (last?.object !== object) last = { object, child: reduce(object) };
  return last.child;
}

function reduce(object: KubeObject): LiveChild {
  const raw = object as Raw;
  const { name, namespace = '', uid, resourceVersion, generation, ownerReferences } = raw.metadata;
  const { creationTimestamp, deletionTimestamp } = raw.metadata;
  const wanted = Object.entries(raw.metadata.annotations ?? {}).filter(([key]) => kept.includes(key));
  const deployment = raw.metadata.labels?.[labels.deployment];
  return {
    apiVersion: shared(raw.apiVersion),
    kind: shared(raw.kind),
    metadata: {
      name,
      namespace: shared(namespace),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(generation !== undefined && { generation }),
      ...(deletionTimestamp && { deletionTimestamp }),
      ...(raw.kind === 'Deployment' && creationTimestamp && { creationTimestamp }),
      ...(ownerReferences && { ownerReferences: sharedOwners(ownerReferences) }),
      ...(wanted.length > 0 && { annotations: Object.fromEntries(wanted) }),
      labels: deployment === undefined ? {} : deploymentLabel(deployment),
    },
    owned: ownedHash(raw, fieldManagers.children),
    ...(raw.kind === 'Deployment' && { workload: workloadOf(raw) }),
    ...(raw.kind === 'PersistentVolumeClaim' && { claim: claimOf(raw) }),
    ...(raw.kind === 'ConfigMap' && raw.data && { data: raw.data }),
  };
}

export const controllerOf = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find((owner) => owner.controller);

/** A child's place: kinds have their own name spaces. */
export const childKey = ({ kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): string =>
  `${kind}/${metadata.name}`;
