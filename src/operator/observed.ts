// Everything that a plan is made from, gathered once per pass.
import type { StoredDeployment } from '../api/types.ts';
import type { Key, ObjectRef, Resource } from '../kube/types.ts';
import type { World } from '../placement/world.ts';
import type { Heard } from './gatewayReading.ts';
import type { LiveChild } from './liveChild.ts';
import type { PodFacts } from './podFacts.ts';
import type { PodWarning } from './podProblems.ts';

/** What is known of an API that a cluster may lack. */
export type Capability = 'present' | 'absent' | 'forbidden' | 'unknown';

export interface Observed {
  key: Key;
  deployment: StoredDeployment;
  /** By `childKey`. Only objects that carry the deployment's label. */
  children: ReadonlyMap<string, LiveChild>;
  /** Kinds of children that we may not list: whether one exists cannot be known. */
  forbiddenKinds: ReadonlySet<string>;
  pods: readonly PodFacts[];
  serviceMonitors: Capability;
  /** Only where a hardware decision is open. */
  world?: World;
  /** By pod uid: the last warning that only the pod's Events tell (FailedMount, FailedCreatePodSandBox …). */
  podWarnings: ReadonlyMap<string, PodWarning>;
  /** What the gateways of the pods say, by pod uid; one that cannot be asked is not among them. */
  gateways: ReadonlyMap<string, Heard>;
  /** Whether this deployment may take over what this version of the operator renders. */
  mayUpgrade: boolean;
}

/** What came of writing one child. */
export interface ApplyFailure {
  /** Such as Service/phi4-mini. */
  child: string;
  reason: 'NameConflict' | 'FieldContested' | 'Forbidden' | 'Rejected' | 'WaitingForDeletion' | 'Failed';
  message: string;
}

export interface Applied {
  failures: readonly ApplyFailure[];
  /** Number of writes that changed something. */
  writes: number;
}

/** An object that should go; another that has taken its name (by uid) is left alone. */
export interface Removal {
  resource: Resource;
  ref: ObjectRef;
  uid: string;
  /** For the audit line. */
  why: string;
}
