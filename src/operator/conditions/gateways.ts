// Conditions that only gateways can judge: where the model sits, and why a pod that runs does not serve.
import { type ConditionType, condition, type Reason, type SomeCondition } from '../../api/conditions.ts';
import type { GatewayReason } from '../../gateway/reasons.ts';
import { percentOf } from '../gatewayReading.ts';
import { readingIn, type Speaker, speakersOf, standingStatus } from '../gatewayWords.ts';
import type { Situation } from '../situation.ts';

/** Why Ready is False, told by a gateway. */
export interface Said {
  reason: Reason<'Ready'>;
  message: string;
  pod: string;
}

interface Meaning {
  reason: Reason<'Ready'>;
  /** `trouble`: something went wrong. `step`: it is on its way. */
  kind: 'trouble' | 'step';
}

const trouble = (reason: Meaning['reason']): Meaning => ({ reason, kind: 'trouble' });
const step = (reason: Meaning['reason']): Meaning => ({ reason, kind: 'step' });

/** Undefined where the pod's containers tell more: whether it pulls, and whether a runtime that is down starts or has crashed. */
const meanings: Record<GatewayReason, Meaning | undefined> = {
  SecretMissing: trouble('SecretMissing'),
  Pulling: undefined,
  RuntimeDown: undefined,
  RuntimeHung: trouble('NotReady'),
  TargetUnknown: step('Progressing'),
  NotLoaded: step('Loading'),
  Loading: step('Loading'),
  ModelLost: trouble('ModelLost'),
  LoadFailed: trouble('LoadFailed'),
  WrongModel: trouble('WrongModel'),
  NotOnDevice: trouble('NotOnDevice'),
  PartlyOnCPU: trouble('NotOnDevice'),
  Failing: trouble('Failing'),
  CanaryFailed: trouble('CanaryFailed'),
  CanaryWrong: trouble('CanaryFailed'),
  Serving: undefined,
  Draining: undefined,
};

/** A reason that only a newer gateway knows is understood by its phase, and its message is passed on. */
const byPhase: Partial<Record<string, Meaning>> = { Loading: step('Loading'), Degraded: trouble('NotReady') };

const isKnown = (reason: string): reason is GatewayReason => Object.hasOwn(meanings, reason);

/** The first of the pods that are not ready whose gateway says something of this kind. */
export function saidBy(situation: Situation, kind: Meaning['kind']): Said | undefined {
  for (const speaker of speakersOf(situation)) {
    const reading = speaker.pod.pod.ready ? undefined : readingIn(speaker);
    if (!reading || reading.ready) continue;
    const { reason, phase, message } = reading;
    const meaning = isKnown(reason) ? meanings[reason] : byPhase[phase];
    if (meaning?.kind === kind) return { reason: meaning.reason, message, pod: speaker.pod.metadata.name };
  }
  return undefined;
}

const accelerated = (status: 'True' | 'False' | 'Unknown', reason: Reason<'Accelerated'>, message: string) =>
  condition('Accelerated', status, reason, message);

const residencyIn = (speaker: Speaker): number | undefined => readingIn(speaker)?.residency;

interface Seat {
  ratio: number;
  pod: string;
  /** " (CUDAExecutionProvider)"; empty where the runtime does not say it. */
  provider: string;
}

/** The one that says most against it. */
function leastOf(speakers: readonly Speaker[]): Seat | undefined {
  let least: Seat | undefined;
  for (const speaker of speakers) {
    const { residency: ratio, executionProvider } = readingIn(speaker) ?? {};
    const provider = executionProvider === undefined ? '' : ` (${executionProvider})`;
    if (ratio !== undefined && (!least || ratio < least.ratio))
      least = { ratio, pod: speaker.pod.metadata.name, provider };
  }
  return least;
}

/** While a replica that answers has not been asked yet, what was said of this revision before still stands. */
function stillSaid(situation: Situation, speakers: readonly Speaker[]): SomeCondition | undefined {
  if (!speakers.some(({ pod, heard }) => pod.pod.ready && heard.kind === 'unasked')) return undefined;
  const type: ConditionType = 'Accelerated';
  const said = standingStatus(situation)?.conditions?.find((known) => known.type === type);
  return said && accelerated(said.status, said.reason as Reason<'Accelerated'>, said.message);
}

/** Nothing but the gateway sees where the model sits; unless all that answer have told, this is Unknown. */
export function acceleratedCondition(situation: Situation): SomeCondition | undefined {
  const { placement, settings } = situation;
  if (!placement || !settings || placement.decision.choice.class === 'CPU') return undefined;
  if (settings.replicas === 0) return accelerated('Unknown', 'ScaledToZero', 'no replica is wanted');
  const device = placement.decision.choice.class;
  const speakers = speakersOf(situation);
  const before = stillSaid(situation, speakers);
  if (before) return before;
  const least = leastOf(speakers);
  if (least?.ratio === 0)
    return accelerated(
      'False',
      'NotOnDevice',
      `pod ${least.pod}: the whole model is on the CPU${least.provider}, not on the ${device}`,
    );
  if (least && least.ratio < 1) {
    const percent = percentOf(least.ratio);
    return accelerated('False', 'PartlyOnCPU', `pod ${least.pod}: ${percent} % of the model is on the ${device}`);
  }
  const quiet = speakers.find((speaker) => speaker.pod.pod.ready && residencyIn(speaker) === undefined);
  if (quiet) return accelerated('Unknown', 'Unknown', `${quietly(quiet)} where the model sits`);
  if (!least) return accelerated('Unknown', 'Unknown', 'no gateway has reported where the model sits');
  return accelerated('True', 'OnDevice', `the whole model is on the ${device}${least.provider}`);
}

const quietly = ({ pod, heard }: Speaker): string =>
  heard.kind === 'read'
    ? `the runtime of pod ${pod.metadata.name} does not tell`
    : `the gateway of pod ${pod.metadata.name} has not told`;
