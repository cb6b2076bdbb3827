// What the pull containers of the current revision have reported, and the digest that the revision has settled on.
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
  /** Pods that found another digest than the lock. */
  mismatched: readonly PullReport[];
}

export const noPull: PullState = { reports: [], failures: [], pending: 0, lock: undefined, mismatched: [] };

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

/**
 * Reads the pull containers.
 * @param pods live pods of the current revision
 * @param known the digest that was pinned or locked before, if any
 */
export function pullStateOf(pods: readonly PodFacts[], known: string | undefined): PullState {
  const ended = pods.map(reportOf).filter((report): report is PullReport => report !== undefined);
  const reports = ended
    .filter(({ reason }) => reason === 'Done')
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.pod.localeCompare(b.pod));
  const lock = known ?? reports.find(({ digest }) => digest)?.digest;
  return {
    reports,
    failures: ended.filter(({ reason }) => reason !== 'Done'),
    pending: pods.length - ended.length,
    lock,
    mismatched: reports.filter(({ digest }) => digest !== undefined && digest !== lock),
  };
}

interface LockEntry {
  reference: string;
  digest: string;
}

/** The entry of one revision in the lock ConfigMap; undefined when there is none that can be read. */
export function lockedDigest(data: Record<string, string> | undefined, revision: string): string | undefined {
  try {
    const entry = JSON.parse(data?.[`${revision}.json`] ?? 'null') as LockEntry | null;
    return typeof entry?.digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(entry.digest) ? entry.digest : undefined;
  } catch {
    return undefined;
  }
}
