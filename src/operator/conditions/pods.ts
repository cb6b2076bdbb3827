// Conditions about what the pods have shown.
import { condition, type SomeCondition } from '../../api/conditions.ts';
import { isLive } from '../podFacts.ts';
import { currentPods, type Situation } from '../situation.ts';

export function pulledCondition(situation: Situation): SomeCondition {
  const { settings, placement, pull } = situation;
  if (!settings || !placement)
    return condition('Pulled', 'Unknown', 'NotEvaluated', 'no pod was asked for; see Accepted and Placed');
  const pods = currentPods(situation);
  if (settings.replicas === 0 && pods.length === 0)
    return condition('Pulled', 'Unknown', 'ScaledToZero', 'no pod needs the model');
  const failure = pull.failures[0];
  if (failure) {
    const reason = failure.reason === 'Done' || failure.reason === 'Internal' ? 'PullFailed' : failure.reason;
    return condition('Pulled', 'False', reason, `pod ${failure.pod}: ${failure.message}`);
  }
  const odd = pull.mismatched[0];
  if (odd) {
    const found =
      odd.digest === pull.lock
        ? 'other adapters than the revision has settled on'
        : `${odd.digest}, the revision has settled on ${pull.lock}`;
    return condition('Pulled', 'False', 'MixedDigests', `pod ${odd.pod} found ${found}; the pod is replaced`);
  }
  const missing = Math.max(0, settings.replicas - pods.length) + pull.pending;
  if (missing > 0)
    return condition(
      'Pulled',
      'False',
      'Pulling',
      `${pull.reports.length} of ${settings.replicas} pods have the model`,
    );
  return condition('Pulled', 'True', 'Verified', pull.lock ? `every pod has ${pull.lock}` : 'every pod has the model');
}

export function availableCondition({ settings, pods }: Situation): SomeCondition {
  const ready = pods.filter((pod) => pod.pod.ready && isLive(pod)).length;
  if (ready > 0)
    return condition(
      'Available',
      'True',
      'AtLeastOneReady',
      `${ready} ${ready === 1 ? 'replica answers' : 'replicas answer'}`,
    );
  if (settings?.replicas === 0) return condition('Available', 'False', 'ScaledToZero', 'no replica is wanted');
  return condition('Available', 'False', 'NoneReady', 'no replica answers');
}
