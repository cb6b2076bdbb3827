// What the deployment asks for, worked out before the cluster's hardware is looked at: it tells whether it must be looked at.
import { type OperatorDefaults, type Settings, settingsOf } from '../api/defaults.ts';
import type { Spec } from '../api/schema.ts';
import { annotations, type Problem, type StoredDeployment } from '../api/types.ts';
import { parseSpec } from '../api/validate.ts';
import { warningsOf } from '../api/warnings.ts';
import { hashOf } from '../placement/hash.ts';
import { decisionInputs, podDemandsOf } from '../placement/inputs.ts';
import { decisionIsOpen, type LadderState } from '../placement/ladder.ts';
import { runtimes } from '../runtimes/catalogue.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { childKey, controllerOf, type LiveChild } from './liveChild.ts';
import type { Observed } from './observed.ts';
import { isLive, type PodFacts } from './podFacts.ts';
import { readRecord, type WorkloadRecord } from './record.ts';

export interface PlanConfig {
  defaults: OperatorDefaults;
}

/** A deployment whose spec can be read. */
export interface Intent {
  kind: 'accepted';
  spec: Spec;
  settings: Settings;
  runtime: Runtime;
  warnings: Problem[];
  workload: LiveChild | undefined;
  record: WorkloadRecord;
  ladder: LadderState;
  restartedAt: string | undefined;
}

export interface Refused {
  kind: 'refused';
  problems: Problem[];
}

/** The workload, unless it is that of a deleted predecessor with this name: what is recorded there is not about us. */
export function workloadOf({ children, deployment }: Pick<Observed, 'children' | 'deployment'>): LiveChild | undefined {
  const workload = children.get(childKey({ kind: 'Deployment', metadata: deployment.metadata }));
  const owner = workload && controllerOf(workload);
  return owner && owner.uid !== deployment.metadata.uid ? undefined : workload;
}

const earliest = (times: (string | undefined)[]): number | undefined => {
  const known = times.filter((t): t is string => Boolean(t)).map((t) => Date.parse(t));
  return known.length > 0 ? Math.min(...known) : undefined;
};

/** What the pods of the recorded decision have shown the scheduler and us. */
function ladderPods(
  pods: readonly PodFacts[],
  settings: Settings,
  record: WorkloadRecord,
  deployment: StoredDeployment,
) {
  const live = pods.filter((pod) => isLive(pod) && pod.pod.revision === record.revision);
  const waiting = live.filter(({ pod }) => !pod.node);
  // Remembered in the status, for the pods that were scheduled once may all be gone after a node has died.
  const { since, scheduledAt } = deployment.status?.hardware ?? {};
  const remembered = scheduledAt !== undefined && since === record.decision?.since;
  const words = waiting.find(({ pod }) => pod.unschedulable)?.pod.unschedulable;
  const pendingSince = earliest(waiting.map(({ metadata }) => metadata.creationTimestamp));
  return {
    // Nothing is done while it is paused, so no time runs out either.
    wanted: settings.paused ? 0 : settings.replicas,
    everScheduled: remembered || live.some(({ pod }) => pod.node !== undefined),
    ...(pendingSince !== undefined && { pendingSince }),
    ...(words && { schedulerMessage: words }),
  };
}

/** Reads the spec, fills in the defaults, and gathers what the hardware decision depends on. */
export function intentOf(observed: Observed, now: number): Intent | Refused {
  const { deployment } = observed;
  const parsed = parseSpec(deployment);
  if ('problems' in parsed) return { kind: 'refused', problems: parsed.problems };
  const { spec } = parsed;
  const settings = settingsOf(deployment.metadata.name, spec);
  const runtime = runtimes[settings.runtime];
  const problems = runtime.check(settings);
  if (problems.length > 0) return { kind: 'refused', problems };
  const workload = workloadOf(observed);
  const record = readRecord(workload);
  const notes = deployment.metadata.annotations ?? {};
  return {
    kind: 'accepted',
    spec,
    settings,
    runtime,
    warnings: warningsOf(settings, spec, runtime.memoryRequest),
    workload,
    record,
    restartedAt: notes[annotations.restartedAt],
    ladder: {
      ladder: settings.ladder,
      runtime,
      pod: podDemandsOf(settings),
      previous: record.decision,
      inputsHash: hashOf(decisionInputs(settings, notes[annotations.reselectHardware])),
      pods: ladderPods(observed.pods, settings, record, deployment),
      now,
      fallbackAfterMs: settings.fallbackAfterSeconds * 1000,
    },
  };
}

/** Whether nodes and DeviceClasses must be read before this can be planned. */
export const needsWorld = (intent: Intent | Refused): boolean =>
  intent.kind === 'accepted' && decisionIsOpen(intent.ladder);
