// Conditions about what was asked for: can it be done, on which hardware, and is it what this operator would render.
import { condition, type Refusal, type SomeCondition } from '../../api/conditions.ts';
import type { Problem } from '../../api/types.ts';
import type { ApplyFailure } from '../observed.ts';
import { isLive } from '../podFacts.ts';
import type { Situation } from '../situation.ts';

const sentence = (problems: readonly Problem[]): string =>
  problems.map(({ path, message }) => `${path}: ${message}`).join('; ');

const refusals: Partial<Record<ApplyFailure['reason'], Refusal>> = {
  NameConflict: 'NameConflict',
  FieldContested: 'FieldContested',
  Forbidden: 'Forbidden',
  // The API server's own words: what was asked for cannot be written.
  Rejected: 'InvalidSpec',
};

/** Failures to write a child that only a person can mend. A missing ServiceMonitor permission is told by Monitored alone. */
export function refusalOf({ applied }: Situation): { reason: Refusal; message: string; child: string } | undefined {
  for (const { child, reason, message } of applied.failures) {
    const refusal = child.startsWith('ServiceMonitor/') ? undefined : refusals[reason];
    if (refusal) return { reason: refusal, message, child };
  }
  return undefined;
}

export function acceptedCondition(situation: Situation): SomeCondition {
  const { problems, warnings, settings } = situation;
  if (problems.length > 0 || !settings) {
    const unsupported = problems.every(({ reason }) => reason === 'UnsupportedField') && problems.length > 0;
    const mismatch = problems.find(({ reason }) => reason === 'StorageMismatch');
    const reason = mismatch ? 'StorageMismatch' : unsupported ? 'UnsupportedField' : 'InvalidSpec';
    return condition('Accepted', 'False', reason, sentence(problems));
  }
  const refusal = refusalOf(situation);
  if (refusal) return condition('Accepted', 'False', refusal.reason, `${refusal.child}: ${refusal.message}`);
  if (warnings.length > 0) return condition('Accepted', 'True', 'AcceptedWithWarnings', sentence(warnings));
  return condition('Accepted', 'True', 'Accepted', 'the spec can be carried out');
}

/** While a pod of ours waits for a node, the scheduler's words are better than ours. */
export function placedCondition({ outcome, pods, revision }: Situation): SomeCondition {
  if (!outcome) return condition('Placed', 'Unknown', 'NotEvaluated', 'the spec was not accepted');
  if (outcome.kind !== 'placed') return condition('Placed', 'False', 'NothingFits', outcome.message);
  const ours = pods.filter((pod) => isLive(pod) && pod.pod.revision === revision);
  const waiting = ours.find(({ pod }) => pod.unschedulable !== undefined);
  if (waiting && ours.every(({ pod }) => !pod.node)) {
    const words = `${outcome.message}; pod ${waiting.metadata.name}: ${waiting.pod.unschedulable}`;
    return condition('Placed', 'False', outcome.reason === 'Waiting' ? 'Waiting' : 'Unschedulable', words);
  }
  const status = outcome.reason === 'Waiting' && ours.length === 0 ? 'False' : 'True';
  const reason = outcome.reason === 'Waiting' && status === 'True' ? 'Preferred' : outcome.reason;
  return condition('Placed', status, reason, outcome.message);
}

export function monitoredCondition({ settings, serviceMonitors, applied }: Situation): SomeCondition {
  if (!settings) return condition('Monitored', 'Unknown', 'NotEvaluated', 'the spec was not accepted');
  if (!settings.serviceMonitor.enabled)
    return condition('Monitored', 'False', 'Disabled', 'spec.monitoring.serviceMonitor.enabled is false');
  if (serviceMonitors === 'absent')
    return condition(
      'Monitored',
      'False',
      'CRDNotInstalled',
      'the cluster has no ServiceMonitor kind (monitoring.coreos.com/v1)',
    );
  const failure = applied.failures.find(({ child }) => child.startsWith('ServiceMonitor/'));
  if (serviceMonitors === 'forbidden' || failure?.reason === 'Forbidden')
    return condition(
      'Monitored',
      'False',
      'Forbidden',
      failure?.message ?? 'the operator may not list servicemonitors.monitoring.coreos.com',
    );
  if (failure?.reason === 'NameConflict') return condition('Monitored', 'False', 'NameConflict', failure.message);
  if (failure || serviceMonitors === 'unknown')
    return condition(
      'Monitored',
      'Unknown',
      'Unknown',
      failure?.message ?? 'not known yet whether the cluster has ServiceMonitors',
    );
  return condition('Monitored', 'True', 'Monitored', 'the ServiceMonitor exists');
}

export function upToDateCondition({ settings, upgrade, revision }: Situation): SomeCondition {
  if (!settings || !revision)
    return condition('UpToDate', 'Unknown', 'NotEvaluated', 'nothing was rendered; see Accepted and Placed');
  if (upgrade === 'none') return condition('UpToDate', 'True', 'UpToDate', 'pods are what this operator would render');
  if (upgrade === 'rolling')
    return condition('UpToDate', 'False', 'Upgrading', 'pods are being replaced by what this operator renders');
  if (settings.paused)
    return condition(
      'UpToDate',
      'False',
      'Paused',
      'this operator would render the pods differently; spec.paused is set',
    );
  return condition(
    'UpToDate',
    'False',
    'UpgradePending',
    'this operator would render the pods differently; they change with the next change of the spec, with the annotation localmodels.dev/restarted-at, or in their turn where the chart says modelPods.upgrade: Rolling',
  );
}
