// The conditions that sum up: Ready, and its two companions that kstatus reads (Helm, Flux, Argo CD).
import { condition, type Reason, type SomeCondition } from '../../api/conditions.ts';
import { troubleOf } from '../podProblems.ts';
import { deadlineOf } from '../progress.ts';
import { currentPods, type Situation } from '../situation.ts';
import { type Said, saidBy } from './gateways.ts';
import { besideCounted } from './podsBeside.ts';
import { refusalOf } from './spec.ts';

interface Basis {
  accepted: SomeCondition;
  placed: SomeCondition;
  pulled: SomeCondition;
}

const notReady = (reason: Reason<'Ready'>, message: string): SomeCondition =>
  condition('Ready', 'False', reason, message);

/** The kubelet's words first: a container that crashed is why its gateway complains. */
function firstTrouble(situation: Situation): Said | undefined {
  for (const pod of currentPods(situation)) {
    const trouble = troubleOf(pod, situation.podWarnings.get(pod.metadata.uid ?? ''));
    if (trouble) return trouble;
  }
  const failure = situation.workload?.workload?.replicaFailure;
  return failure ? { reason: 'FailedCreate', message: failure, pod: '' } : saidBy(situation, 'trouble');
}

/** Where the pods of this revision are on their way. */
function progressCondition(situation: Situation, ready: number, wanted: number): SomeCondition {
  const counted = [`${ready} of ${wanted} replicas of this revision answer`, ...besideCounted(situation)].join('; ');
  if (ready > 0) return notReady('Degraded', counted);
  const pods = currentPods(situation);
  const said = saidBy(situation, 'step');
  if (said) return notReady(said.reason, `${counted}; pod ${said.pod}: ${said.message}`);
  const running = pods.some(({ pod }) => pod.containers.some((c) => !c.init && c.startedAt && !c.terminated));
  if (running) return notReady('Loading', `${counted}; the runtime is loading the model`);
  if (situation.pull.pending > 0 && pods.some(({ pod }) => pod.node))
    return notReady('Pulling', `${counted}; the model is being fetched or verified`);
  return notReady('Progressing', counted);
}

export function readyCondition(situation: Situation, { accepted, placed, pulled }: Basis): SomeCondition {
  const { settings, revision } = situation;
  if (accepted.status === 'False' || !settings) return notReady(accepted.reason as Reason<'Ready'>, accepted.message);
  if (placed.reason === 'NothingFits' || !revision) return notReady('NotPlaced', placed.message);
  // Pods of a predecessor with this name may answer still: they are about to go, and are not ours.
  const leaving = situation.applied.failures.find(({ reason }) => reason === 'WaitingForDeletion');
  if (leaving) return notReady('Progressing', leaving.message);
  const wanted = settings.replicas;
  if (wanted === 0) return condition('Ready', 'True', 'ScaledToZero', 'no replica is wanted, and none is missing');
  const ready = currentPods(situation).filter(({ pod }) => pod.ready).length;
  if (ready >= wanted)
    return condition('Ready', 'True', 'Serving', `${ready} of ${wanted} replicas answer with the declared model`);
  if (settings.paused)
    return notReady('Paused', `${ready} of ${wanted} replicas of this revision answer; spec.paused is set`);
  if (situation.pull.failures.length > 0 || situation.pull.mismatched.length > 0)
    return notReady('PullFailed', pulled.message);
  const deadline = deadlineOf(situation);
  const trouble = firstTrouble(situation);
  if (deadline.exceeded)
    return notReady(
      'ProgressDeadlineExceeded',
      [deadline.message, trouble?.message, ...besideCounted(situation)].filter(Boolean).join('; '),
    );
  if (trouble)
    return notReady(trouble.reason, trouble.pod ? `pod ${trouble.pod}: ${trouble.message}` : trouble.message);
  return progressCondition(situation, ready, wanted);
}

/** True when only a person can help; undefined otherwise. */
export function stalledCondition(
  situation: Situation,
  { accepted, placed, pulled, ready }: Basis & { ready: SomeCondition },
): SomeCondition | undefined {
  const stalled = (reason: Reason<'Stalled'>, message: string) => condition('Stalled', 'True', reason, message);
  if (ready.status === 'True') return undefined;
  if (situation.problems.length > 0 || refusalOf(situation))
    return stalled(accepted.reason as Reason<'Stalled'>, accepted.message);
  if (placed.reason === 'NothingFits') return stalled('NothingFits', placed.message);
  if (ready.reason === 'PullFailed' && situation.pull.failures[0]?.retry === 'permanent')
    return stalled(pulled.reason as Reason<'Stalled'>, pulled.message);
  if (ready.reason === 'SecretMissing') return stalled('SecretMissing', ready.message);
  if (ready.reason === 'ProgressDeadlineExceeded') return stalled('ProgressDeadlineExceeded', ready.message);
  return undefined;
}

const reconcilingReasons: Partial<Record<string, Reason<'Reconciling'>>> = {
  Pulling: 'Pulling',
  Loading: 'Loading',
  PullFailed: 'Retrying',
  ModelLost: 'Loading',
  LoadFailed: 'Retrying',
  CanaryFailed: 'Retrying',
  Failing: 'Retrying',
  Unschedulable: 'Waiting',
};

/** True while work is under way and nobody needs to step in; undefined otherwise. */
export function reconcilingCondition(
  { upgrade, settings, applied }: Situation,
  { ready, placed }: Pick<Basis, 'placed'> & { ready: SomeCondition },
): SomeCondition | undefined {
  const failed = applied.failures.find(({ reason }) => reason === 'Failed');
  if (failed) return condition('Reconciling', 'True', 'Retrying', `${failed.child}: ${failed.message}`);
  if (upgrade === 'rolling')
    return condition('Reconciling', 'True', 'Upgrading', 'pods are being replaced after an upgrade of the operator');
  if (ready.status === 'True' || settings?.paused) return undefined;
  const reason = placed.reason === 'Waiting' ? 'Waiting' : (reconcilingReasons[ready.reason] ?? 'Progressing');
  return condition('Reconciling', 'True', reason, ready.message);
}
