// What keeps a pod from running, told in the words of whoever knows: the scheduler, the kubelet, the container itself.
import type { PodProblem } from '../api/conditions.ts';
import type { ContainerFacts, PodFacts } from './podFacts.ts';

export interface Trouble {
  reason: PodProblem;
  message: string;
  pod: string;
}

/** What a pod's Events say of why nothing of it has started. */
export interface PodWarning {
  reason: PodProblem;
  /** Begins with the reason of the Event. */
  message: string;
}

type Check = (pod: PodFacts, warning: PodWarning | undefined) => Omit<Trouble, 'pod'> | undefined;

const IMAGE_REASONS = new Set([
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
]);
const CREATE_REASONS = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** The pull speaks for itself, through its termination message (pullState.ts). */
const isPull = ({ name }: ContainerFacts): boolean => name === 'pull';

function waitingFor(pod: PodFacts, reasons: ReadonlySet<string>): ContainerFacts | undefined {
  return pod.pod.containers.find(({ waiting }) => waiting && reasons.has(waiting.reason));
}

const unschedulable: Check = ({ pod }) =>
  pod.unschedulable === undefined ? undefined : { reason: 'Unschedulable', message: pod.unschedulable };

const imageMissing: Check = (pod) => {
  const container = waitingFor(pod, IMAGE_REASONS);
  return (
    container && { reason: 'ImagePullBackOff', message: `container ${container.name}: ${container.waiting?.message}` }
  );
};

const notCreated: Check = (pod) => {
  const container = waitingFor(pod, CREATE_REASONS);
  return (
    container && {
      reason: 'CreateContainerError',
      message: `container ${container.name}: ${container.waiting?.message}`,
    }
  );
};

const outOfMemory: Check = ({ pod }) => {
  const container = pod.containers.find(
    (c) => !c.ready && (c.terminated?.reason === 'OOMKilled' || c.last?.reason === 'OOMKilled'),
  );
  return (
    container && {
      reason: 'OOMKilled',
      message: `container ${container.name} needed more memory than its limit; raise resources.limits.memory, or lower performance.maxContext or parallel`,
    }
  );
};

const crashing: Check = (pod) => {
  const container = waitingFor(pod, new Set(['CrashLoopBackOff']));
  if (!container || isPull(container)) return undefined;
  const { exitCode, reason, message } = container.last ?? { exitCode: 0, reason: '', message: '' };
  const words = message || reason;
  return {
    reason: 'CrashLoopBackOff',
    message: `container ${container.name} ended ${container.restarts} times, last with exit code ${exitCode}${words ? `: ${words}` : ''}`,
  };
};

const initFailed: Check = ({ pod }) => {
  const container = pod.containers.find((c) => c.init && !isPull(c) && c.terminated && c.terminated.exitCode !== 0);
  const ended = container?.terminated;
  return (
    ended && {
      reason: 'InitFailed',
      message: `init container ${container.name} ended with exit code ${ended.exitCode}: ${ended.message || ended.reason}`,
    }
  );
};

const notBegun: Check = (_pod, warning) => warning;

/** What the kubelet said last still stands, and only Kubernetes has taken it back. No readiness gate is of ours. */
const nodeIsSilent: Check = ({ pod }) =>
  pod.containers.some(({ init }) => !init) && pod.containers.every(({ ready }) => ready)
    ? {
        reason: 'NotReady',
        message: `its containers were ready when node ${pod.node} reported last; look at the node, or at the readiness gates of the pod`,
      }
    : undefined;

const checks: readonly Check[] = [
  unschedulable,
  imageMissing,
  notCreated,
  outOfMemory,
  crashing,
  initFailed,
  notBegun,
  nodeIsSilent,
];

/** The first trouble of one pod. A pod that is ready has none. */
export function troubleOf(pod: PodFacts, warning?: PodWarning): Trouble | undefined {
  if (pod.pod.ready) return undefined;
  for (const check of checks) {
    const found = check(pod, warning);
    if (found) return { ...found, pod: pod.metadata.name };
  }
  return undefined;
}

/** How long a pod may stand before its first container before its Events are read (milliseconds). */
export const STUCK_AFTER_MS = 30_000;
/** And how soon they are read again: a volume that cannot be attached is given up by the kubelet only after minutes. */
export const EVENTS_AGAIN_AFTER_MS = 60_000;

/** Whether nothing of a scheduled pod has started: only its Events can tell why. */
export function isStuckBeforeStart({ pod }: PodFacts, now: number): boolean {
  if (pod.ready || !pod.scheduledAt || pod.phase !== 'Pending') return false;
  const nothingRan = pod.containers.every(({ startedAt, terminated }) => !startedAt && !terminated);
  return nothingRan && now - Date.parse(pod.scheduledAt) >= STUCK_AFTER_MS;
}
