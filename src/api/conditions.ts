// Every condition and reason that a deployment can show, with its meaning: code, docs and tests read this one table.
import type { Condition } from './status.ts';

interface ConditionMeaning {
  /** What True means. */
  meaning: string;
  reasons: Record<string, string>;
}

/** Problems of a pull that stay until somebody mends them: what the pull itself calls permanent (puller/outcome.ts). */
const lastingPullProblems = {
  InvalidReference: 'the model name is no reference that the runtime understands',
  NotFound: 'the source does not have this model',
  Unauthorized: 'the source wants other credentials, or none were given',
  NeedsNewerRuntime: 'the model needs a newer runtime than the image that runs it',
  DigestMismatch: 'the source serves something else than the pinned digest, or than the lock of this revision',
  ExpectationMismatch: 'the file is not what spec.model.expect says',
  ReadOnlyStore: 'the store cannot be written',
  SecretMissing: 'a Secret or ConfigMap that the pull needs is missing, or lacks an entry',
  WrongDevice: 'the model is built for another class of device than the rung has; Foundry Local variants are',
  Untrusted: 'the certificate of the source, or of a proxy on the way, is not trusted',
} as const;

/** Problems of a pull that may pass by themselves; it is tried again. */
const passingPullProblems = {
  Unreachable: 'the source cannot be reached',
  DiskFull: 'the store has no room for the model',
  Corrupt: 'bytes arrived that do not match their digest; they were thrown away',
  PullFailed: 'the pull ended for another reason, told in the message',
} as const;

const podProblems = {
  ImagePullBackOff: 'an image of the pod cannot be pulled',
  CrashLoopBackOff: 'a container ends again and again',
  OOMKilled: 'a container needed more memory than its limit',
  Unschedulable: 'no node takes the pod; the message has the words of the scheduler',
  FailedMount: 'a volume cannot be attached or mounted',
  InitFailed: 'an init container ended with an error',
  CreateContainerError: 'a container cannot be made as described',
  FailedCreate: 'pods cannot be made at all: quota or admission',
  NotReady: 'pods run, but do not answer',
} as const;

/** What is wrong with the spec, or with what it meets in the cluster. */
const refusals = {
  InvalidSpec: 'the spec breaks a rule; the message names the fields',
  UnsupportedField: 'the spec asks for something that this release, or this runtime, does not do',
  NameConflict: 'an object of another owner has the name of a child',
  FieldContested: 'another manager keeps changing a field back; the message names it',
  StorageMismatch: 'the claim that exists is not the one that the spec describes',
  Forbidden:
    'the API server does not let the operator: a permission is missing, or a quota or a policy forbids it; the message says which',
} as const;

const notEvaluated = { NotEvaluated: 'something else has to be solved first; see Accepted and Placed' } as const;

/** In the order in which they are shown. */
export const conditions = {
  Ready: {
    meaning: 'All wanted replicas of the current revision answer with the declared model.',
    reasons: {
      Serving: 'every wanted replica answers',
      ScaledToZero: 'no replica is wanted, so none is missing',
      Progressing: 'pods are being made, replaced or started',
      Pulling: 'the model is being fetched or verified',
      Loading: 'the runtime is loading the model',
      Degraded: 'some replicas answer, not all',
      Paused: 'not all replicas answer, and nothing is done about it while spec.paused is set',
      NotPlaced: 'no rung of the hardware ladder was chosen; see Placed',
      PullFailed: 'the model could not be fetched or verified; see Pulled',
      WrongModel: 'the runtime serves something else than the declared model',
      LoadFailed: 'the runtime cannot load the model; it is tried again',
      ModelLost: 'the runtime has unloaded the model; it is being loaded again',
      Failing: 'requests fail on the side of the runtime, one after another',
      CanaryFailed: 'the runtime does not answer the canary, or answers it with something else',
      NotOnDevice: 'the model is not wholly on its device, and spec.hardware.residency is Required; see Accelerated',
      SecretMissing: 'the Secret with API keys or certificate is missing or has no usable entry',
      ProgressDeadlineExceeded: 'nothing has moved for spec.rollout.progressDeadlineSeconds',
      ...podProblems,
      ...refusals,
    },
  },
  Accepted: {
    meaning: 'The spec is understood and can be carried out.',
    reasons: {
      Accepted: 'nothing is wrong with the spec',
      AcceptedWithWarnings: 'it works, but the message says what is risky about it',
      ...refusals,
    },
  },
  Placed: {
    meaning: 'A rung of the hardware ladder was chosen.',
    reasons: {
      Preferred: 'the preferred rung',
      FellBack: 'a fallback rung; the message says which rungs were passed over and why',
      SchedulerDecides:
        'the preferred rung, unchecked: the operator may not read nodes, so the scheduler alone decides',
      Waiting: 'no node offers the device yet, and the rung says whenAbsent: Wait',
      NothingFits: 'every rung was passed over; the message says why',
      Deciding: 'what the cluster offers is not known yet',
      Unschedulable: 'a rung was chosen, but no node takes the pod; the message has the words of the scheduler',
      ...notEvaluated,
    },
  },
  Pulled: {
    meaning: 'The model of this revision is verified in the store of every pod that needs it, with one digest in all.',
    reasons: {
      Verified: 'all files match their digests',
      Pulling: 'bytes are arriving or being verified',
      Unknown: 'no pod has said yet',
      MixedDigests: 'pods of one revision found different digests; those that differ from the lock are replaced',
      ScaledToZero: 'no pod needs the model',
      ...lastingPullProblems,
      ...passingPullProblems,
      ...notEvaluated,
    },
  },
  Available: {
    meaning: 'At least one replica answers now, of whatever revision.',
    reasons: {
      AtLeastOneReady: 'requests are answered',
      NoneReady: 'no replica answers',
      ScaledToZero: 'no replica is wanted',
    },
  },
  Accelerated: {
    meaning: 'The model sits wholly on the chosen class of device. Only where the rung is GPU or NPU.',
    reasons: {
      OnDevice: 'all of it is on the device',
      PartlyOnCPU: 'part of it is on the CPU: the device has too little free memory',
      NotOnDevice: 'all of it is on the CPU: the runtime did not find or use the device',
      Unknown: 'no replica has loaded the model yet, or the runtime does not tell',
      ScaledToZero: 'no replica is wanted',
    },
  },
  Monitored: {
    meaning: 'The ServiceMonitor exists. False never makes Ready false.',
    reasons: {
      Monitored: 'Prometheus Operator can find the metrics',
      Disabled: 'spec.monitoring.serviceMonitor.enabled is false',
      CRDNotInstalled: 'the cluster has no ServiceMonitor kind; it is made once the kind appears',
      Forbidden: 'the operator may not write ServiceMonitors',
      NameConflict: 'a ServiceMonitor of another owner has the name',
      Unknown: 'not written yet, or the API server did not answer',
      ...notEvaluated,
    },
  },
  UpToDate: {
    meaning: 'Pods run what this version of the operator would render.',
    reasons: {
      UpToDate: 'nothing would change',
      UpgradePending: 'this version would render the pods differently, and waits for the spec to change',
      Upgrading: 'pods are being replaced by what this version renders',
      Paused: 'something would change, but spec.paused is set',
      ...notEvaluated,
    },
  },
  Reconciling: {
    meaning: 'Work is under way; absent otherwise.',
    reasons: {
      Progressing: 'children are being written, or pods replaced or started',
      Deciding: 'a rung is being chosen',
      Waiting: 'a device or a claim has to appear',
      Pulling: 'the model is being fetched or verified',
      Loading: 'the runtime is loading the model',
      Scaling: 'the number of replicas is changing',
      Upgrading: 'pods are being replaced after an upgrade of the operator',
      Retrying: 'something failed that may pass by itself',
    },
  },
  Stalled: {
    meaning: 'It cannot go on until somebody changes something; absent otherwise, and gone once the cause is.',
    reasons: {
      NothingFits: 'every rung of the hardware ladder was passed over',
      ProgressDeadlineExceeded: 'nothing has moved for spec.rollout.progressDeadlineSeconds',
      ...lastingPullProblems,
      ...refusals,
    },
  },
} as const satisfies Record<string, ConditionMeaning>;

type Conditions = typeof conditions;
export type ConditionType = keyof Conditions;
export type Reason<T extends ConditionType> = keyof Conditions[T]['reasons'];

/** Why a pod does not run. */
export type PodProblem = keyof typeof podProblems;
export type Refusal = keyof typeof refusals;

export type ConditionStatus = Condition['status'];

/** A condition before it is stamped with generation and time. */
export type SomeCondition = {
  [T in ConditionType]: { type: T; status: ConditionStatus; reason: Reason<T>; message: string };
}[ConditionType];

/** A condition whose reason is in the catalogue of its type. */
export function condition<T extends ConditionType>(
  type: T,
  status: ConditionStatus,
  reason: Reason<T>,
  message: string,
): SomeCondition {
  return { type, status, reason, message } as SomeCondition;
}

/** kstatus takes the mere presence of these for a statement, so they are there only while True. */
const onlyWhileTrue: ReadonlySet<string> = new Set<ConditionType>(['Reconciling', 'Stalled']);

/** The API would take 32768; people and event notes read 1024. */
const MAX_MESSAGE = 1024;

/** Cuts text to `max` UTF-16 units, never through a surrogate pair, and shows that it was cut. */
export function bounded(text: string, max = MAX_MESSAGE): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** RFC 3339 with second precision, as Kubernetes writes its times. */
const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/**
 * Stamps `next` for writing. lastTransitionTime moves only when a status changes; conditions of `previous` that are not
 * in `next` are gone.
 * @param now milliseconds since the epoch
 */
export function mergeConditions(
  previous: readonly Condition[] | undefined,
  next: readonly SomeCondition[],
  { generation, now }: { generation?: number; now: number },
): Condition[] {
  const before = new Map(previous?.map((known) => [known.type, known]));
  const wanted = new Map<ConditionType, SomeCondition>(next.map((item) => [item.type, item]));
  return (Object.keys(conditions) as ConditionType[]).flatMap((type): Condition[] => {
    const item = wanted.get(type);
    if (!item || (onlyWhileTrue.has(type) && item.status !== 'True')) return [];
    const known = before.get(type);
    return [
      {
        type,
        status: item.status,
        reason: item.reason,
        message: bounded(item.message),
        lastTransitionTime: (known?.status === item.status && known.lastTransitionTime) || timestamp(now),
        ...(generation !== undefined && { observedGeneration: generation }),
      },
    ];
  });
}
