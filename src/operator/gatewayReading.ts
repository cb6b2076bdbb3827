// What the gateway of a pod said of it, as the operator remembers it: only what a status is made from, since there may be
// thousands of pods.
import { bounded } from '../api/conditions.ts';
import { type GatewayStatus, readStatus } from '../gateway/status.ts';
import { createPool } from '../kube/pool.ts';
import type { PodFacts } from './podFacts.ts';

export interface GatewayReading {
  /** Of src/gateway/reasons.ts, or one that only a newer gateway knows. */
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  readonly ready: boolean;
  /** Only while there is a pull. */
  readonly pull?: PullReading;
  readonly model?: ModelReading;
  /** Part of the model that sits on its device, 0 to 1. */
  readonly residency?: number;
  /** On which the model runs, where the runtime says it. */
  readonly executionProvider?: string;
}

export interface PullReading {
  readonly phase: string;
  readonly completedBytes?: number;
  readonly totalBytes?: number;
  readonly etaSeconds?: number;
}

export interface ModelReading {
  readonly sourceDigest?: string;
  /** Of what answers now. */
  readonly servedDigest?: string;
  readonly sizeBytes?: number;
  readonly quantization?: string;
  readonly family?: string;
  /** Tokens of context that it was loaded with. */
  readonly contextLength?: number;
}

/**
 * `unasked`: nobody has asked since this operator leads, so what the status says stands. `silent`: it was asked and cannot be
 * read, or cannot be asked, so what came from it is not known any more. `movedAt`: when its pull was last seen to get further
 * (milliseconds since the epoch).
 */
export type Heard =
  | { readonly kind: 'unasked' }
  | { readonly kind: 'silent'; readonly movedAt?: number }
  | { readonly kind: 'read'; readonly reading: GatewayReading; readonly movedAt?: number };

export const unasked: Heard = { kind: 'unasked' };
export const silent: Heard = { kind: 'silent' };

/** Of who answers under the address of a pod. */
export type Misreading = 'NoStatus' | 'Stranger';

/** Words, digests and names, of which most pods have the same. */
const texts = createPool<string>(2_000);
const MAX_TEXT = 256;
const MAX_MESSAGE = 512;
const shared = (text: string, max = MAX_TEXT): string => {
  const short = bounded(text, max);
  return texts.share(short, () => short);
};

/** The API has whole numbers; what is none is not taken for one. */
const whole = (value: number | undefined): number | undefined => {
  const floor = value === undefined ? undefined : Math.floor(value);
  return Number.isSafeInteger(floor) ? floor : undefined;
};

const defined = <T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

const word = (text: string | undefined) => (text ? shared(text) : undefined);

/** A pull that has ended is told by its container, and better. */
const ENDED: ReadonlySet<string> = new Set(['Done', 'Failed']);

function pullOf({ pull }: GatewayStatus): PullReading | undefined {
  if (!pull || ENDED.has(pull.phase)) return undefined;
  const { completedBytes, totalBytes, etaSeconds } = pull;
  const total = whole(totalBytes);
  return {
    phase: shared(pull.phase),
    // Both are 0 while nobody knows.
    ...(total && defined({ completedBytes: whole(completedBytes), totalBytes: total })),
    ...defined({ etaSeconds: whole(etaSeconds) }),
  };
}

function modelOf({ model, ready }: GatewayStatus): ModelReading | undefined {
  if (!model) return undefined;
  return defined({
    sourceDigest: word(model.sourceDigest),
    servedDigest: ready ? word(model.loadedDigest ?? model.servedDigest) : undefined,
    sizeBytes: whole(model.sizeBytes),
    quantization: word(model.quantization),
    family: word(model.family),
    contextLength: ready ? whole(model.contextLength) : undefined,
  });
}

/** Of a pull it tells how far it is, with every byte another; status.pull tells that in steps. */
const messageOf = ({ reason, message }: GatewayStatus): string =>
  reason === 'Pulling' ? '' : shared(message, MAX_MESSAGE);

/**
 * Reads what was answered under the address of a pod. An address is given to another pod once one is gone, so who does not
 * speak for this very pod is not believed.
 * @param document parsed JSON
 */
export function readingOf(
  document: unknown,
  { metadata, pod }: PodFacts,
  deployment: string,
): GatewayReading | Misreading {
  const status = readStatus(document);
  if (!status) return 'NoStatus';
  const { namespace, name } = status.deployment;
  if (namespace !== metadata.namespace || name !== deployment || status.revision !== pod.revision) return 'Stranger';
  return {
    phase: shared(status.phase),
    reason: shared(status.reason),
    message: messageOf(status),
    ready: status.ready,
    ...defined({ pull: pullOf(status), model: modelOf(status), residency: status.residency?.ratio }),
    ...defined({ executionProvider: word(status.runtime?.executionProvider) }),
  };
}

/** A pull is shown in as many steps: every step is a write. */
const PULL_STEPS = 20;

/** Two pulls with the same step look the same in a status. */
export function pullStep({ phase = '', completedBytes = 0, totalBytes = 0 }: Partial<PullReading>): string {
  const step = totalBytes > 0 ? Math.floor((PULL_STEPS * completedBytes) / totalBytes) : 0;
  return `${phase} ${totalBytes} ${step}`;
}

/** Whole percent, rounded so that only all is all and only nothing is nothing. */
export const percentOf = (ratio: number): number =>
  ratio >= 1 ? 100 : ratio <= 0 ? 0 : Math.min(99, Math.max(1, Math.floor(ratio * 100)));

function face(heard: Heard): string {
  if (heard.kind !== 'read') return heard.kind;
  const { pull, residency, ...rest } = heard.reading;
  return JSON.stringify([rest, pull && pullStep(pull), residency === undefined ? undefined : percentOf(residency)]);
}

/** Whether a status made from either says the same. */
export const soundsTheSame = (one: Heard, other: Heard): boolean => one === other || face(one) === face(other);

/** Without the numbers that stand alone: how many probes were lost, how many requests have failed. */
const withoutCounts = (text: string): string => text.replace(/(?<![\w:.-])\d+(?![\w:.-])/g, '#');

/** The words of before, where only a count has moved: each other word is a write. */
function steadied(reading: GatewayReading, before: Heard): GatewayReading {
  if (before.kind !== 'read' || before.reading.reason !== reading.reason) return reading;
  const { message } = before.reading;
  return withoutCounts(message) === withoutCounts(reading.message) ? { ...reading, message } : reading;
}

const isFurther = (one: PullReading | undefined, other: PullReading | undefined): boolean =>
  one !== undefined &&
  (one.phase !== other?.phase || one.completedBytes !== other.completedBytes || one.totalBytes !== other.totalBytes);

/**
 * What is known after one more answer.
 * @param now milliseconds since the epoch
 */
export function heardAgain(before: Heard, reading: GatewayReading, now: number): Heard {
  const last = before.kind === 'read' ? before.reading.pull : undefined;
  const movedAt = isFurther(reading.pull, last) ? now : movedAtOf(before);
  return { kind: 'read', reading: steadied(reading, before), ...(movedAt !== undefined && { movedAt }) };
}

/** A pull whose gateway is silent may go on: how far it came is no longer known, but when it last moved is. */
export function fallenSilent(before: Heard): Heard {
  const movedAt = movedAtOf(before);
  return movedAt === undefined ? silent : { kind: 'silent', movedAt };
}

export const movedAtOf = (heard: Heard): number | undefined => (heard.kind === 'unasked' ? undefined : heard.movedAt);
