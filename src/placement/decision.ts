// The recorded choice of a rung. Only a changed spec or the wish to choose anew opens it again: scaling, reboots and
// operator restarts find it on the workload and keep it.
import type { DeviceClass } from '../api/hardware.ts';

/** Why a rung was passed over: part of status and events, so the messages are for people. */
export interface Rejection {
  class: DeviceClass;
  vendor?: string;
  reason: 'NoBackend' | 'NotOffered' | 'NotScheduledInTime' | 'Unsuitable';
  message: string;
}

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
}

export interface Decision {
  /** Hash of what the decision depends on: ladder, runtime, and the wish to choose anew. */
  inputs: string;
  choice: Choice;
  /** RFC 3339, second precision. */
  since: string;
  /** Rungs above the chosen one. */
  rejected: Rejection[];
}
