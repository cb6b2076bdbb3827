// What the status speaks about: the observation, the decisions of this pass, and what came of carrying them out.
import type { Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import type { Status } from '../api/schema.ts';
import type { Problem } from '../api/types.ts';
import type { Decision } from '../placement/decision.ts';
import type { Outcome } from '../placement/ladder.ts';
import type { Heard } from './gatewayReading.ts';
import type { LiveChild } from './liveChild.ts';
import type { Applied, Capability } from './observed.ts';
import { isLive, type PodFacts } from './podFacts.ts';
import type { PodWarning } from './podProblems.ts';
import type { PullState } from './pullState.ts';

export interface Situation {
  name: string;
  namespace: string;
  generation: number;
  previous: Status | undefined;
  /** Absent when the spec was refused. */
  settings: Settings | undefined;
  problems: readonly Problem[];
  warnings: readonly Problem[];
  /** Absent when the spec was refused. */
  outcome: Outcome | undefined;
  /** Present when a rung was chosen. */
  placement: { decision: Decision; rung: Rung; image: string } | undefined;
  revision: string | undefined;
  strategy: 'Recreate' | 'RollingUpdate' | undefined;
  /** What this operator would render differs from what was recorded. */
  upgrade: 'none' | 'pending' | 'rolling';
  workload: LiveChild | undefined;
  claim: LiveChild | undefined;
  pods: readonly PodFacts[];
  podWarnings: ReadonlyMap<string, PodWarning>;
  /** By pod uid. */
  gateways: ReadonlyMap<string, Heard>;
  pull: PullState;
  serviceMonitors: Capability;
  applied: Applied;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Live pods of the current revision: the only ones that count for Ready. */
export const currentPods = ({ pods, revision }: Situation): PodFacts[] =>
  pods.filter((pod) => revision !== undefined && pod.pod.revision === revision && isLive(pod));
