// What every builder is given: the deployment with its defaults filled in, and what was decided about it.
import type { OperatorDefaults, Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import type { Choice } from '../placement/decision.ts';
import type { Runtime } from '../runtimes/runtime.ts';

export interface ChildInput {
  name: string;
  namespace: string;
  /** uid of the LocalModelDeployment, for the ownerReference. */
  uid: string;
  settings: Settings;
  defaults: OperatorDefaults;
}

/** What the pods get beside that: a child that depends on it changes when the hardware decision does. */
export interface PodInput extends ChildInput {
  runtime: Runtime;
  rung: Rung;
  choice: Choice;
  revision: string;
  /** Value of the restarted-at annotation, if any. */
  restartedAt?: string;
}
