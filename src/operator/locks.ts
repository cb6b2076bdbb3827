// The digest that each revision has settled on: pinned by the user, found in the lock, or reported by the first pod.
import type { Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import type { Lock } from '../children/lockConfigMap.ts';
import { childNames } from '../children/metadata.ts';
import { childKey } from './liveChild.ts';
import type { Observed } from './observed.ts';
import { isLive } from './podFacts.ts';
import { lockedDigest, type PullState } from './pullState.ts';

export interface Locks {
  /** Known before any pod of this pass was asked. */
  known: string | undefined;
  /** What the lock ConfigMap should hold now. */
  entries(pull: PullState): Lock[];
}

/** A lock of an older revision stays as long as a pod of that revision may restart and read it. */
function olderLocks(
  { pods }: Observed,
  data: Record<string, string> | undefined,
  revision: string,
  reference: string,
): Lock[] {
  const older = new Set(pods.filter(isLive).map(({ pod }) => pod.revision));
  older.delete(revision);
  return [...older].sort().flatMap((other) => {
    const digest = lockedDigest(data, other);
    return digest ? [{ revision: other, reference: referenceIn(data, other) ?? reference, digest }] : [];
  });
}

function referenceIn(data: Record<string, string> | undefined, revision: string): string | undefined {
  try {
    const entry = JSON.parse(data?.[`${revision}.json`] ?? 'null') as { reference?: unknown } | null;
    return typeof entry?.reference === 'string' ? entry.reference : undefined;
  } catch {
    return undefined;
  }
}

export function locksOf(
  observed: Observed,
  { rung, revision }: { rung: Rung; revision: string },
  settings: Settings,
): Locks {
  const { metadata } = observed.deployment;
  const name = childNames(metadata.name).lock;
  const data = observed.children.get(childKey({ kind: 'ConfigMap', metadata: { name } }))?.data;
  const reference = rung.model?.name ?? settings.model.name;
  const pinned = rung.model?.digest ?? (rung.model?.name ? undefined : settings.model.digest);
  return {
    known: pinned ?? lockedDigest(data, revision),
    entries({ lock }) {
      // A pin is in the pod template already; a ConfigMap that repeats it would be one more object for nothing.
      const current = lock && !pinned ? [{ revision, reference, digest: lock }] : [];
      return [...current, ...olderLocks(observed, data, revision, reference)];
    },
  };
}
