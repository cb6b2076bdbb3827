// What the gateways of the current revision say, put together for the status: one pull, one model.
import type { Status } from '../api/schema.ts';
import { pullPhases } from '../puller/progressReport.ts';
import { type GatewayReading, type Heard, type PullReading, pullStep, silent } from './gatewayReading.ts';
import type { PodFacts } from './podFacts.ts';
import { currentPods, type Situation } from './situation.ts';

export interface Speaker {
  pod: PodFacts;
  heard: Heard;
}

/** The pods of the current revision with what was heard of them, in the order of the pods. */
export const speakersOf = (situation: Situation): Speaker[] =>
  currentPods(situation).map((pod) => ({ pod, heard: situation.gateways.get(pod.metadata.uid ?? '') ?? silent }));

/** What these pods have said, and said it of themselves. */
export const readingIn = ({ heard }: Speaker): GatewayReading | undefined =>
  heard.kind === 'read' ? heard.reading : undefined;

/** The status that was written last, if it spoke of the same revision: what nobody has asked about anew still stands. */
export const standingStatus = ({ previous, revision }: Situation): Status | undefined =>
  revision !== undefined && previous?.revision === revision ? previous : undefined;

/** Phases in the order of a pull; what only a newer puller knows counts as the furthest. */
const rankOf = ({ phase }: PullReading): number => {
  const rank = Object.keys(pullPhases).indexOf(phase);
  return rank < 0 ? Number.POSITIVE_INFINITY : rank;
};
const partOf = ({ completedBytes = 0, totalBytes = 0 }: PullReading): number =>
  totalBytes > 0 ? completedBytes / totalBytes : 0;

const slowestFirst = (a: PullReading, b: PullReading): number => {
  const byRank = rankOf(a) - rankOf(b);
  return byRank || partOf(a) - partOf(b);
};

/** Its container has not ended yet, as far as the kubelet has told: that is newer than what the gateway said before. */
const mayPull = ({ pod: { pod } }: Speaker): boolean =>
  !pod.ready && pod.containers.some(({ name, terminated }) => name === 'pull' && terminated?.exitCode !== 0);

/** The slowest pull; the same as before until it is a step further, since each change is a write. */
export function pullStatusOf(situation: Situation): Status['pull'] {
  const speakers = speakersOf(situation).filter(mayPull);
  const shown = standingStatus(situation)?.pull;
  if (shown && speakers.some(({ heard }) => heard.kind === 'unasked')) return shown;
  const [slowest] = speakers
    .map((speaker) => readingIn(speaker)?.pull)
    .filter((pull): pull is PullReading => pull !== undefined)
    .sort(slowestFirst);
  return shown && slowest && pullStep(shown) === pullStep(slowest) ? shown : slowest;
}

type Model = NonNullable<Status['model']>;

/** Of the first replica that serves. */
export function servedModelOf(situation: Situation): Pick<Model, 'servedDigest' | 'contextLength'> {
  const serving = speakersOf(situation).filter(({ pod }) => pod.pod.ready);
  for (const speaker of serving) {
    const { servedDigest, contextLength } =
      (speaker.heard.kind === 'unasked' ? standingStatus(situation)?.model : readingIn(speaker)?.model) ?? {};
    if (servedDigest !== undefined || contextLength !== undefined)
      return {
        ...(servedDigest !== undefined && { servedDigest }),
        ...(contextLength !== undefined && { contextLength }),
      };
  }
  return {};
}

/** What gateways say of the model that was pulled, where no pull has said it. */
export function pulledModelOf(
  situation: Situation,
): Pick<Model, 'sourceDigest' | 'sizeBytes' | 'quantization' | 'family'> {
  const speakers = speakersOf(situation);
  const standing = speakers.some(({ heard }) => heard.kind === 'unasked') && standingStatus(situation)?.model;
  const said = speakers.map((speaker) => readingIn(speaker)?.model).find((model) => model !== undefined);
  const { sourceDigest, sizeBytes, quantization, family } = standing || said || {};
  return {
    ...(sourceDigest !== undefined && { sourceDigest }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(quantization !== undefined && { quantization }),
    ...(family !== undefined && { family }),
  };
}

/** What the runtime of the first replica that serves computes with, where it says so. */
export function executionProviderOf(situation: Situation): string | undefined {
  const serving = speakersOf(situation).filter(({ pod }) => pod.pod.ready);
  for (const speaker of serving) {
    const { executionProvider } =
      (speaker.heard.kind === 'unasked' ? standingStatus(situation)?.hardware : readingIn(speaker)) ?? {};
    if (executionProvider !== undefined) return executionProvider;
  }
  return undefined;
}
