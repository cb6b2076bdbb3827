// The recorded choice of a rung. Only a changed spec or the wish to choose anew opens it again: scaling, reboots and
// operator restarts find it on the workload and keep it.
import type { DeviceClass, Rung } from '../api/hardware.ts';
import type { RejectionReason } from './rejections.ts';

/** Why a rung was passed over: part of status and events, so the messages are for people. */
export interface Rejection {
  class: DeviceClass;
  vendor?: string;
  reason: RejectionReason;
  message: string;
}

export type Toleration = NonNullable<Rung['tolerations']>[number];

/** The rung that was chosen, with everything the pod needs from it worked out. */
export interface Choice {
  /** Position in the ladder, 0 = preferred. */
  rung: number;
  class: DeviceClass;
  vendor?: string;
  /** Extended resource, such as nvidia.com/gpu, where the device is not had by claims. */
  resourceName?: string;
  /** Devices per pod. */
  count?: number;
  /** Labels that a node must have for the runtime's image on this device, beside those of the rung and the pod. */
  nodeSelector?: Record<string, string>;
  /** Taints that the device's own plugin documents, beside what the rung and the pod tolerate. */
  tolerations?: Toleration[];
}

/** What a choice rests on where no node was seen that offers the device. */
export type Unconfirmed = 'Waiting' | 'SchedulerDecides';

export interface Decision {
  /** Hash of what the decision depends on: ladder, runtime, and the wish to choose anew. */
  inputs: string;
  choice: Choice;
  /** RFC 3339, second precision. */
  since: string;
  /** Rungs above the chosen one. */
  rejected: Rejection[];
  /** Absent where a node or a DeviceClass offered the device when it was chosen, or none is needed. */
  unconfirmed?: Unconfirmed;
}
