// The status of a deployment: a pure function of what was seen and what was done about it. Every condition is one small
// function, and none claims more than the pods have shown.
import type { ConditionType, SomeCondition } from '../api/conditions.ts';
import { mergeConditions } from '../api/conditions.ts';
import type { Status } from '../api/schema.ts';
import { labels } from '../api/types.ts';
import { canonicalJson } from '../placement/hash.ts';
import { acceleratedCondition } from './conditions/gateways.ts';
import { availableCondition, pulledCondition } from './conditions/pods.ts';
import { acceptedCondition, monitoredCondition, placedCondition, upToDateCondition } from './conditions/spec.ts';
import { readyCondition, reconcilingCondition, stalledCondition } from './conditions/summary.ts';
import { effectiveOf } from './effective.ts';
import { executionProviderOf, pulledModelOf, pullStatusOf, servedModelOf } from './gatewayWords.ts';
import { isLive } from './podFacts.ts';
import { currentPods, type Situation } from './situation.ts';

function conditionsOf(situation: Situation): SomeCondition[] {
  const accepted = acceptedCondition(situation);
  const placed = placedCondition(situation);
  const pulled = pulledCondition(situation);
  const ready = readyCondition(situation, { accepted, placed, pulled });
  const stalled = stalledCondition(situation, { accepted, placed, pulled, ready });
  return [
    ready,
    accepted,
    placed,
    pulled,
    availableCondition(situation),
    acceleratedCondition(situation),
    monitoredCondition(situation),
    upToDateCondition(situation),
    stalled ?? reconcilingCondition(situation, { ready, placed }),
  ].filter((c): c is SomeCondition => c !== undefined);
}

function modelOf(situation: Situation): Status['model'] {
  const { settings, placement, pull } = situation;
  if (!settings) return undefined;
  const report = pull.reports.find(({ digest }) => digest !== undefined && digest === pull.lock) ?? pull.reports[0];
  const digest = pull.lock ?? report?.digest;
  return {
    reference: placement?.rung.model?.name ?? settings.model.name,
    ...pulledModelOf(situation),
    ...(digest && { sourceDigest: digest }),
    ...servedModelOf(situation),
    ...(report?.sizeBytes !== undefined && { sizeBytes: report.sizeBytes }),
    ...(report?.quantization && { quantization: report.quantization }),
    ...(report?.family && { family: report.family }),
  };
}

/** Kept once seen, for as long as the decision stands: it is what makes the decision final. */
function scheduledAtOf(situation: Situation, since: string): string | undefined {
  const known = situation.previous?.hardware;
  if (known?.scheduledAt && known.since === since) return known.scheduledAt;
  const times = currentPods(situation).flatMap(({ pod }) => (pod.node && pod.scheduledAt) || []);
  return times.sort()[0];
}

function hardwareOf(situation: Situation): Status['hardware'] {
  const { outcome } = situation;
  if (!outcome) return undefined;
  if (outcome.kind !== 'placed') return { rejected: outcome.rejected };
  const { choice, since, rejected } = outcome.decision;
  const scheduledAt = scheduledAtOf(situation, since);
  const executionProvider = executionProviderOf(situation);
  return {
    class: choice.class,
    ...(choice.vendor && { vendor: choice.vendor }),
    ...(choice.resourceName && { resourceName: choice.resourceName }),
    ...(executionProvider !== undefined && { executionProvider }),
    since,
    ...(scheduledAt && { scheduledAt }),
    ...(rejected.length > 0 && { rejected }),
  };
}

/** Only where there is, or is about to be, a Service. */
function endpointOf({ name, namespace, settings, placement, workload }: Situation): string | undefined {
  if (!settings || !(placement || workload)) return undefined;
  return `${settings.api.tlsSecret ? 'https' : 'http'}://${name}.${namespace}.svc:${settings.api.port}`;
}

/** The whole status, ready to be written. */
export function statusOf(situation: Situation): Status {
  const { name, generation, previous, settings, revision, now } = situation;
  const live = situation.pods.filter(isLive);
  const current = currentPods(situation);
  const model = modelOf(situation);
  const hardware = hardwareOf(situation);
  const endpoint = endpointOf(situation);
  const pull = pullStatusOf(situation);
  return {
    observedGeneration: generation,
    replicas: live.length,
    readyReplicas: current.filter(({ pod }) => pod.ready).length,
    updatedReplicas: current.length,
    selector: `${labels.deployment}=${name}`,
    ...(endpoint && { endpoint }),
    ...(revision && { revision }),
    ...(model && { model }),
    ...(hardware && { hardware }),
    ...(pull && { pull }),
    ...(settings && { effective: effectiveOf(situation, settings) }),
    conditions: mergeConditions(previous?.conditions, conditionsOf(situation), { generation, now }),
  };
}

/** Whether a change of status is worth a write at once: a condition, or what it speaks of, is another. */
export function isMajorChange(before: Status | undefined, after: Status): boolean {
  if (!before || before.observedGeneration !== after.observedGeneration || before.revision !== after.revision)
    return true;
  const face = (status: Status) =>
    status.conditions
      ?.filter(({ type }) => (type as ConditionType) !== 'Reconciling')
      .map((c) => `${c.type}=${c.status}/${c.reason}`)
      .join();
  return face(before) !== face(after);
}

/** Whether a status says that pods are being replaced. */
export const isUpgrading = (status: Status | undefined): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'UpToDate' && reason === 'Upgrading') ?? false;

/** Whether only a pull has got further. */
export function isProgressAlone(before: Status | undefined, after: Status): boolean {
  if (!before?.pull || !after.pull) return false;
  const { pull: _before, ...rest } = before;
  const { pull: _after, ...others } = after;
  return sameStatus(rest, others);
}

/** Whether two statuses say the same. */
export const sameStatus = (a: Status | undefined, b: Status): boolean => canonicalJson(a) === canonicalJson(b);
