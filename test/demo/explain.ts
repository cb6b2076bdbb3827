// What a status says, in plain words. Pure, and nothing but what the conditions and fields of the status hold.
import type { Condition } from '../../src/api/status.ts';
import type { StoredDeployment } from '../../src/api/types.ts';
import { listOf } from '../../src/placement/words.ts';

/**
 * - `working`: on its way, ask again
 * - `waiting`: it will go on by itself once something in the cluster changes
 * - `refused`: it stays as it is until a person changes something
 */
export type Verdict = 'ready' | 'parked' | 'waiting' | 'refused' | 'working';

export interface Explanation {
  verdict: Verdict;
  /** Sentences, the most important one first. */
  sentences: string[];
}

/** Reasons for not being ready that are steps on the way. */
const onTheWay: ReadonlySet<string> = new Set(['Progressing', 'Pulling', 'Loading', 'NotReady', 'Degraded']);

export function conditionOf({ status }: StoredDeployment, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Whether the status speaks of the spec as it is now. */
export const isCurrent = ({ metadata, status }: StoredDeployment) =>
  status?.observedGeneration !== undefined && status.observedGeneration >= (metadata.generation ?? 0);

export function verdictOf(deployment: StoredDeployment): Verdict {
  const ready = conditionOf(deployment, 'Ready');
  if (!isCurrent(deployment) || !ready) return 'working';
  if (conditionOf(deployment, 'Stalled')?.status === 'True') return 'refused';
  if (ready.status === 'True') return ready.reason === 'ScaledToZero' ? 'parked' : 'ready';
  return onTheWay.has(ready.reason) ? 'working' : 'waiting';
}

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** "CPU", "GPU nvidia" */
const deviceInWords = (device: { class?: string; vendor?: string | undefined } | undefined): string =>
  [device?.class ?? 'unknown hardware', device?.vendor].filter(Boolean).join(' ');

const passedOver = ({ status }: StoredDeployment): string[] =>
  (status?.hardware?.rejected ?? []).map((rejection) =>
    sentence(`Passed over: ${deviceInWords(rejection)}. ${rejection.message}`),
  );

/** The ends of a scheduler's message that name no cause: what preemption came to, and an empty remainder. */
const withoutPreemption = (message: string) => message.replace(/ preemption: .*$/, '').replace(/ not found$/, '');

const words: Record<Verdict, (deployment: StoredDeployment) => string[]> = {
  ready: (deployment) => {
    const { readyReplicas = 0, endpoint = 'nowhere', hardware } = deployment.status ?? {};
    const replicas = readyReplicas === 1 ? '' : `, ${readyReplicas} replicas`;
    return [`Ready on ${deviceInWords(hardware)}${replicas}: ${endpoint}`, ...passedOver(deployment)];
  },
  parked: (deployment) => [
    `Ready with nothing to run: ${sentence(conditionOf(deployment, 'Ready')?.message ?? '')}`,
    `Its choice of ${deviceInWords(deployment.status?.hardware)} and its address stay for when it is scaled up.`,
  ],
  waiting: (deployment) => {
    const { reason = '', message = '' } = conditionOf(deployment, 'Ready') ?? {};
    return [
      `Not ready (${reason}): ${sentence(withoutPreemption(message))}`,
      'It goes on by itself once that is mended.',
    ];
  },
  refused: (deployment) => {
    const { reason = '', message = '' } = conditionOf(deployment, 'Stalled') ?? {};
    return [`Refused (${reason}): ${sentence(message)}`];
  },
  working: (deployment) => {
    const { reason = 'not looked at yet', message = '' } = conditionOf(deployment, 'Ready') ?? {};
    return [sentence(`On its way (${reason})${message && `: ${message}`}`)];
  },
};

export function explain(deployment: StoredDeployment): Explanation {
  const verdict = verdictOf(deployment);
  return { verdict, sentences: words[verdict](deployment) };
}

/** Why the API server refused an object: one line per mistake where it lists them, else its message. */
export function refusalInWords(status: {
  message?: string;
  details?: { causes?: { message?: string; field?: string }[] };
}): string[] {
  const causes = status.details?.causes ?? [];
  if (causes.length === 0) return [status.message ?? 'refused without a word'];
  return causes.map(({ field, message = '' }) => {
    const cause = message.replace(/^Invalid value: ("[^"]*": )?/, '');
    return field ? `${field}: ${cause}` : cause;
  });
}

interface NodeLike {
  metadata: { name: string };
  status?: { allocatable?: Record<string, string> };
}

/** The first nodes with the devices that they offer. */
export function nodesInWords(nodes: readonly NodeLike[]): string {
  const described = nodes.map(({ metadata, status }) => {
    const devices = Object.entries(status?.allocatable ?? {}).filter(([name]) => name.includes('/'));
    return devices.length === 0
      ? metadata.name
      : `${metadata.name} (${devices.map(([name, count]) => `${count} ${name}`).join(', ')})`;
  });
  return listOf(described, 'and');
}
