// The plan: what should exist, what should go, and what the status will say. Pure: the same observation at the same time gives
// the same plan, and a plan that has been carried out leaves nothing to write.
import type { Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import type { Status } from '../api/schema.ts';
import { claim } from '../children/claim.ts';
import { clientService } from '../children/clientService.ts';
import { deployment as workloadChild } from '../children/deployment.ts';
import { disruptionBudget } from '../children/disruptionBudget.ts';
import type { ChildInput, PodInput } from '../children/input.ts';
import { type Lock, lockConfigMap } from '../children/lockConfigMap.ts';
import { metricsService } from '../children/metricsService.ts';
import { modelPod } from '../children/modelPod.ts';
import { networkPolicy } from '../children/networkPolicy.ts';
import type { Child, PodTemplate } from '../children/pod.ts';
import { strategyOf } from '../children/rollout.ts';
import { serviceMonitor } from '../children/serviceMonitor.ts';
import { resourceOf, resources } from '../kube/resources.ts';
import type { Decision } from '../placement/decision.ts';
import { decide, type Outcome } from '../placement/ladder.ts';
import { type Intent, intentOf, type PlanConfig, type Refused, workloadOf } from './intent.ts';
import { childKey, controllerOf, type LiveChild } from './liveChild.ts';
import { locksOf } from './locks.ts';
import type { Applied, Observed, Removal } from './observed.ts';
import { isLive } from './podFacts.ts';
import { nextLook } from './progress.ts';
import { noPull, type PullState, pullStateOf } from './pullState.ts';
import { isPackOf, packTemplate, recordAnnotations, unpackTemplate } from './record.ts';
import { revisionOf } from './revision.ts';
import type { Situation } from './situation.ts';
import { isUpgrading, statusOf } from './status.ts';
import { claimMismatch } from './storage.ts';
import { eventsBetween, type PlannedEvent } from './transitions.ts';

export interface Plan {
  children: readonly Child[];
  removals: readonly Removal[];
  /** It lets this version of the operator replace pods that another version has rendered. */
  upgrades: boolean;
  /** The status after the plan was carried out, with what came of it. */
  status(applied: Applied): Status;
  events(status: Status): PlannedEvent[];
  /** Milliseconds until this should be looked at again without any event. */
  requeueAfterMs(applied: Applied): number | undefined;
}

/** What is applied for a deployment that was placed. */
interface Rendering {
  decision: Decision;
  rung: Rung;
  revision: string;
  template: PodTemplate;
  packed: string;
  upgrade: Situation['upgrade'];
}

/** The recorded template while its inputs are the same, so that a new operator rolls nothing by itself; else a new one. */
function render(observed: Observed, intent: Intent, decision: Decision, config: PlanConfig): Rendering {
  const { spec, settings, runtime, record, restartedAt } = intent;
  const rung = settings.ladder[decision.choice.rung] ?? { class: decision.choice.class };
  const revision = revisionOf({ spec, rung, choice: decision.choice, ...(restartedAt && { restartedAt }) });
  const { name, namespace, uid } = observed.deployment.metadata;
  const input: PodInput = {
    name,
    namespace,
    uid,
    settings,
    defaults: config.defaults,
    runtime,
    rung,
    choice: decision.choice,
    revision,
    ...(restartedAt && { restartedAt }),
  };
  const fresh = modelPod(input);
  const placed = { decision, rung, revision };
  const recorded = record.revision === revision ? record.packedTemplate : undefined;
  if (recorded && isPackOf(recorded, fresh)) {
    const upgrade = isRolling(intent, observed) ? 'rolling' : 'none';
    return { ...placed, template: fresh, packed: recorded, upgrade };
  }
  const kept = unpackTemplate(recorded);
  if (!kept || !recorded) return { ...placed, template: fresh, packed: packTemplate(fresh), upgrade: 'none' };
  if (observed.mayUpgrade && !settings.paused)
    return { ...placed, template: fresh, packed: packTemplate(fresh), upgrade: 'rolling' };
  return { ...placed, template: kept, packed: recorded, upgrade: 'pending' };
}

/** While an upgrade that has begun is still replacing pods: the revision is the same, so only the workload can tell. */
function isRolling({ workload }: Intent, { mayUpgrade, deployment }: Observed): boolean {
  return isUpgrading(deployment.status) && mayUpgrade && workload?.workload?.isRolledOut === false;
}

/** In the order in which they are written: what restricts and what is mounted comes before the pods. */
function childrenOf(input: ChildInput, rendering: Rendering, locks: readonly Lock[]): Child[] {
  const { decision, revision, template, packed } = rendering;
  const annotations = recordAnnotations(revision, decision, packed);
  return [
    networkPolicy(input),
    claim(input),
    lockConfigMap(input, locks),
    clientService(input),
    metricsService(input),
    workloadChild(input, { choice: decision.choice, template, annotations }),
    disruptionBudget(input),
    serviceMonitor(input),
  ].filter((child): child is Child => child !== undefined);
}

/** Claims hold what was paid for in bytes: one that is not used any more goes with the deployment, not before. */
const isRemovable = (child: LiveChild): boolean => child.kind !== 'PersistentVolumeClaim';

function removalsOf({ children, deployment }: Observed, wanted: readonly Child[], pull: PullState): Removal[] {
  const keep = new Set(wanted.map(childKey));
  const unwanted = [...children.values()].filter(
    (child) =>
      !keep.has(childKey(child)) &&
      isRemovable(child) &&
      !child.metadata.deletionTimestamp &&
      controllerOf(child)?.uid === deployment.metadata.uid,
  );
  return [
    ...unwanted.map((child) => ({
      resource: resourceOf(child),
      ref: child.metadata,
      uid: child.metadata.uid ?? '',
      why: 'no longer wanted',
    })),
    ...pull.mismatched.map(({ pod, uid }) => ({
      resource: resources.pod,
      ref: { namespace: deployment.metadata.namespace, name: pod },
      uid,
      why: 'pulled another digest than the lock',
    })),
  ];
}

function baseSituation(observed: Observed, now: number): Situation {
  const { name, namespace, generation = 0 } = observed.deployment.metadata;
  const { deployment, pods, podWarnings, gateways, serviceMonitors, children } = observed;
  return {
    name,
    namespace,
    generation,
    previous: deployment.status,
    settings: undefined,
    problems: [],
    warnings: [],
    outcome: undefined,
    placement: undefined,
    revision: undefined,
    strategy: undefined,
    upgrade: 'none',
    workload: workloadOf(observed),
    claim: [...children.values()].find(({ kind }) => kind === 'PersistentVolumeClaim'),
    pods,
    podWarnings,
    gateways,
    pull: noPull,
    serviceMonitors,
    applied: { failures: [], writes: 0 },
    now,
  };
}

function finish(situation: Situation, children: readonly Child[], removals: readonly Removal[]): Plan {
  return {
    children,
    removals,
    upgrades: situation.upgrade === 'rolling',
    status: (applied) => statusOf({ ...situation, applied }),
    events: (status) => eventsBetween(situation.previous, status),
    requeueAfterMs: (applied) => nextLook({ ...situation, applied }),
  };
}

/** A spec that cannot be carried out: what runs is left alone, because a mistake in an edit must not stop a working model. */
const refusedPlan = (situation: Situation, { problems }: Refused): Plan => finish({ ...situation, problems }, [], []);

function placedPlan(
  situation: Situation,
  observed: Observed,
  intent: Intent,
  outcome: Extract<Outcome, { kind: 'placed' }>,
  config: PlanConfig,
): Plan {
  const { settings, warnings } = intent;
  const { name, namespace, uid } = observed.deployment.metadata;
  const rendering = render(observed, intent, outcome.decision, config);
  const { rung, revision } = rendering;
  const current = observed.pods.filter((pod) => isLive(pod) && pod.pod.revision === revision);
  const locks = locksOf(observed, rendering, settings);
  const pull = pullStateOf(current, locks.known);
  const input: ChildInput = { name, namespace, uid, settings, defaults: config.defaults };
  const image = mainImageOf(rendering.template, intent);
  const seen: Situation = {
    ...situation,
    settings,
    warnings,
    outcome,
    placement: { decision: outcome.decision, rung, image },
    revision,
    strategy: strategyOf(settings, outcome.decision.choice).type,
    upgrade: rendering.upgrade,
    pull,
  };
  if (settings.paused) return finish(seen, [], []);
  const wanted = childrenOf(input, rendering, locks.entries(pull));
  // One that cannot be written, or not be seen any more, is wanted all the same: it does not go.
  const possible = wanted.filter(({ kind }) => kind !== 'ServiceMonitor' || observed.serviceMonitors === 'present');
  return finish(seen, possible, removalsOf(observed, wanted, pull));
}

const mainImageOf = ({ spec }: PodTemplate, { runtime }: Intent): string =>
  spec.containers.find(({ name }) => name === runtime.container)?.image ?? '';

/** The rule that CEL cannot hold: the claim that exists is what counts. */
function withStorageCheck(observed: Observed, settings: Settings): Refused | undefined {
  const problem = claimMismatch(observed.children, settings.storage);
  return problem && { kind: 'refused', problems: [problem] };
}

/**
 * Until a decision is recorded with a workload, every pass makes it anew: one that waits, for a predecessor to go or for a webhook
 * to come back, would write another time into the status with each look.
 */
function asToldBefore(outcome: Outcome, { record }: Intent, { deployment: { metadata, status } }: Observed): Outcome {
  const told = status?.observedGeneration === metadata.generation ? status?.hardware : undefined;
  if (outcome.kind !== 'placed' || record.decision || told?.since === undefined) return outcome;
  const { choice } = outcome.decision;
  const isSame = (['class', 'vendor', 'resourceName'] as const).every((field) => told[field] === choice[field]);
  return isSame ? { ...outcome, decision: { ...outcome.decision, since: told.since } } : outcome;
}

/**
 * Works out what to do about one deployment.
 * @param now milliseconds since the epoch
 */
export function plan(observed: Observed, config: PlanConfig, now: number, intent = intentOf(observed, now)): Plan {
  const situation = baseSituation(observed, now);
  if (intent.kind === 'refused') return refusedPlan(situation, intent);
  const mismatch = withStorageCheck(observed, intent.settings);
  if (mismatch) return refusedPlan(situation, mismatch);
  const outcome = asToldBefore(decide({ ...intent.ladder, world: observed.world }), intent, observed);
  if (outcome.kind === 'nothingFits')
    return finish({ ...situation, settings: intent.settings, warnings: intent.warnings, outcome }, [], []);
  return placedPlan(situation, observed, intent, outcome, config);
}
