// A pod as the operator remembers it: where it stands, and what its containers say of themselves.
import { labels } from '../api/types.ts';
import { createPool } from '../kube/pool.ts';
import type { KubeObject } from '../kube/types.ts';
import { deploymentLabel } from './liveChild.ts';

export interface ContainerFacts {
  name: string;
  init: boolean;
  ready: boolean;
  started: boolean;
  restarts: number;
  waiting?: { reason: string; message: string };
  terminated?: Termination;
  /** How the run before this one ended. */
  last?: Termination;
  /** RFC 3339. */
  startedAt?: string;
}

export interface Termination {
  exitCode: number;
  reason: string;
  message: string;
  finishedAt?: string;
}

export interface PodFacts extends KubeObject {
  metadata: KubeObject['metadata'] & { namespace: string };
  pod: {
    revision: string;
    node?: string;
    ip?: string;
    phase: string;
    ready: boolean;
    /** Set once a node was found. */
    scheduledAt?: string;
    /** The scheduler's words while none was. */
    unschedulable?: string;
    /** Of a pod that has failed as a whole: evicted, or refused by the node that it was given to. */
    ended?: { words: string; at: string };
    containers: ContainerFacts[];
  };
}

interface RawState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode?: number; reason?: string; message?: string; finishedAt?: string; startedAt?: string };
}
interface RawContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  restartCount?: number;
  state?: RawState;
  lastState?: RawState;
}
interface RawPod extends KubeObject {
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    podIP?: string;
    reason?: string;
    message?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[];
    initContainerStatuses?: RawContainerStatus[];
    containerStatuses?: RawContainerStatus[];
  };
}

/** What a container may say is bounded (the kubelet allows 4 KiB); nothing longer is kept, whoever wrote it. */
const MAX_MESSAGE = 4096;

/** Names, reasons, nodes and seconds, of which there are few. */
const texts = createPool<string>(2_000);
const shared = (text: string): string => texts.share(text, () => text);

function termination(state: RawState | undefined): Termination | undefined {
  const ended = state?.terminated;
  if (!ended) return undefined;
  return {
    exitCode: ended.exitCode ?? 0,
    reason: shared(ended.reason ?? ''),
    message: (ended.message ?? '').slice(0, MAX_MESSAGE),
    ...(ended.finishedAt && { finishedAt: shared(ended.finishedAt) }),
  };
}

function containerFacts(status: RawContainerStatus, init: boolean): ContainerFacts {
  const terminated = termination(status.state);
  const last = termination(status.lastState);
  const waiting = status.state?.waiting;
  const startedAt = status.state?.running?.startedAt ?? status.state?.terminated?.startedAt;
  return {
    name: shared(status.name),
    init,
    ready: status.ready ?? false,
    started: status.started ?? false,
    restarts: status.restartCount ?? 0,
    ...(waiting && {
      waiting: { reason: shared(waiting.reason ?? ''), message: (waiting.message ?? '').slice(0, MAX_MESSAGE) },
    }),
    ...(terminated && { terminated }),
    ...(last && { last }),
    ...(startedAt && { startedAt: shared(startedAt) }),
  };
}

/** When it was over is told by its containers, and where none was ever started by its conditions. */
function endOf({ metadata, status }: RawPod): PodFacts['pod']['ended'] {
  if (status?.phase !== 'Failed' || !status.reason) return undefined;
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const times = [
    metadata.creationTimestamp,
    ...containers.map(({ state }) => state?.terminated?.finishedAt),
    ...(status.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime),
  ];
  const [at = ''] = times.filter((time) => time !== undefined).sort((a, b) => b.localeCompare(a));
  return { words: `${status.reason}${status.message ? `: ${status.message}` : ''}`.slice(0, MAX_MESSAGE), at };
}

/** Reduces a pod to what is remembered of it. */
export function trimPod(object: KubeObject): PodFacts {
  const { metadata, spec, status, apiVersion, kind } = object as RawPod;
  const scheduled = status?.conditions?.find((c) => c.type === 'PodScheduled');
  const ended = endOf(object as RawPod);
  const { name, namespace = '', uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  return {
    apiVersion: shared(apiVersion),
    kind: shared(kind),
    metadata: {
      name,
      namespace: shared(namespace),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(creationTimestamp && { creationTimestamp }),
      ...(deletionTimestamp && { deletionTimestamp }),
      labels: deploymentLabel(metadata.labels?.[labels.deployment] ?? ''),
    },
    pod: {
      revision: metadata.labels?.[labels.revision] ?? '',
      ...(spec?.nodeName && { node: shared(spec.nodeName) }),
      ...(status?.podIP && { ip: status.podIP }),
      phase: shared(status?.phase ?? 'Pending'),
      ready: status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false,
      ...(scheduled?.status === 'True' && { scheduledAt: scheduled.lastTransitionTime ?? '' }),
      ...(scheduled?.status === 'False' && { unschedulable: scheduled.message ?? scheduled.reason ?? '' }),
      ...(ended && { ended }),
      containers: [
        ...(status?.initContainerStatuses ?? []).map((c) => containerFacts(c, true)),
        ...(status?.containerStatuses ?? []).map((c) => containerFacts(c, false)),
      ],
    },
  };
}

/** When the gateway of a pod that counts and has an address was started; undefined while it does not run. */
export function gatewayStartedAt(object: PodFacts): string | undefined {
  if (!object.pod.ip || !isLive(object)) return undefined;
  const gateway = object.pod.containers.find(({ name }) => name === 'gateway');
  return gateway && !gateway.terminated && !gateway.waiting ? gateway.startedAt : undefined;
}

/** A pod that counts: not on its way out, and not one that ended (evicted, shut down with its node). */
export const isLive = ({ metadata, pod }: PodFacts): boolean =>
  !metadata.deletionTimestamp && pod.phase !== 'Failed' && pod.phase !== 'Succeeded';
