// What the pull containers of the current revision have reported, and the digest that the revision has settled on.
import * as z from 'zod';
import { type Outcome as PullOutcome, parseOutcome } from '../puller/outcome.ts';
import type { ContainerFacts, PodFacts } from './podFacts.ts';

export interface PullReport extends PullOutcome {
  pod: string;
  uid: string;
  /** Of the pod, RFC 3339: older pods settle the lock. */
  createdAt: string;
}

export interface PullState {
  /** Of pods whose pull is done, oldest pod first. */
  reports: readonly PullReport[];
  failures: readonly PullReport[];
  /** Pods whose pull has not ended. */
  pending: number;
  /** The digest of this revision: pinned, locked, or found by the first pod. */
  lock: string | undefined;
  /** Of the adapters of this revision, as they were locked or found by the first pod. */
  adapters: readonly string[] | undefined;
  /** Pods that found another digest than the lock, of the model or of an adapter. */
  mismatched: readonly PullReport[];
}

export const noPull: PullState = {
  reports: [],
  failures: [],
  pending: 0,
  lock: undefined,
  adapters: undefined,
  mismatched: [],
};

const pullOf = ({ pod }: PodFacts): ContainerFacts | undefined => pod.containers.find(({ name }) => name === 'pull');

function reportOf(pod: PodFacts): PullReport | undefined {
  const container = pullOf(pod);
  // A restarted pull is waiting or running again: what it said last is the best that is known until it says more.
  const ended = container?.terminated ?? container?.last;
  if (!container || !ended) return undefined;
  return {
    ...parseOutcome(ended.message, ended.exitCode),
    pod: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
    createdAt: pod.metadata.creationTimestamp ?? '',
  };
}

/** What is known of a revision before its pods are asked: pinned or locked. */
export interface Settled {
  digest?: string | undefined;
  adapters?: readonly string[] | undefined;
}

const isOther = (found: readonly string[] | undefined, locked: readonly string[] | undefined): boolean =>
  found !== undefined && locked !== undefined && found.join() !== locked.join();

/**
 * Reads the pull containers.
 * @param pods live pods of one revision
 */
export function pullStateOf(pods: readonly PodFacts[], known: Settled): PullState {
  const ended = pods.map(reportOf).filter((report): report is PullReport => report !== undefined);
  const reports = ended
    .filter(({ reason }) => reason === 'Done')
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.pod.localeCompare(b.pod));
  const lock = known.digest ?? reports.find(({ digest }) => digest)?.digest;
  const adapters = known.adapters ?? reports.find((report) => report.digest === lock && report.adapters)?.adapters;
  return {
    reports,
    failures: ended.filter(({ reason }) => reason !== 'Done'),
    pending: pods.length - ended.length,
    lock,
    adapters,
    mismatched: reports.filter(
      ({ digest, adapters: found }) => digest !== undefined && (digest !== lock || isOther(found, adapters)),
    ),
  };
}

const digestText = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const lockEntry = z.object({
  reference: z.string().optional().catch(undefined),
  digest: digestText,
  adapters: z.array(digestText).optional(),
});

/** The entry of one revision in the lock ConfigMap; undefined when there is none that can be read. */
export function lockedEntry(
  data: Record<string, string> | undefined,
  revision: string,
): z.output<typeof lockEntry> | undefined {
  try {
    return lockEntry.parse(JSON.parse(data?.[`${revision}.json`] ?? 'null'));
  } catch {
    return undefined;
  }
}
