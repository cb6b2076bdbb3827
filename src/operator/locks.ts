// The digests that each revision has settled on: pinned by the user, found in the lock, or reported by the first pod.
import type { Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import type { Lock } from '../children/lockConfigMap.ts';
import { childNames } from '../children/metadata.ts';
import { isTidied } from '../runtimes/pullInput.ts';
import { modelOf } from '../runtimes/rung.ts';
import { childKey } from './liveChild.ts';
import type { Observed } from './observed.ts';
import { isLive, type PodFacts } from './podFacts.ts';
import { lockedEntry, type PullState, pullStateOf, type Settled } from './pullState.ts';

export interface Locks {
  /** Known before any pod of this pass was asked. */
  known: Settled;
  /** What the lock ConfigMap should hold now. */
  entries(pull: PullState): Lock[];
}

type Data = Record<string, string> | undefined;

/**
 * The lock of an older revision stays as long as a pod of it may restart and read it. Where pulls tidy the store, the entry also says
 * that its model is in use; so one that is pinned, which has no entry while it is current, gets one of what its pods have reported.
 */
function olderLocks({ pods }: Observed, data: Data, revision: string, settings: Settings): Lock[] {
  const older = Map.groupBy(pods.filter(isLive), ({ pod }: PodFacts) => pod.revision);
  older.delete(revision);
  return [...older.keys()].sort().flatMap((other) => {
    const entry = lockedEntry(data, other);
    if (!entry && !isTidied(settings)) return [];
    const { lock, adapters, reports } = pullStateOf(older.get(other) ?? [], entry ?? {});
    const reference = entry?.reference ?? reports[0]?.reference ?? settings.model.name;
    return lock ? [{ revision: other, reference, digest: lock, ...(adapters && { adapters }) }] : [];
  });
}

const hasOpenAdapters = ({ ollama }: Settings): boolean =>
  (ollama.modelfile?.adapters ?? []).some(({ digest }) => digest === undefined);

export function locksOf(
  observed: Observed,
  { rung, revision }: { rung: Rung; revision: string },
  settings: Settings,
): Locks {
  const { metadata } = observed.deployment;
  const name = childNames(metadata.name).lock;
  const data = observed.children.get(childKey({ kind: 'ConfigMap', metadata: { name } }))?.data;
  const { name: reference, digest: pinned } = modelOf(settings, rung);
  const entry = lockedEntry(data, revision);

  /** A pin is in the pod template already; a ConfigMap that repeats it would be one more object for nothing. */
  function current({ lock, adapters: found }: PullState): Lock[] {
    const adapters = hasOpenAdapters(settings) ? found : undefined;
    if (!lock || (pinned && !adapters)) return [];
    return [{ revision, reference, digest: lock, ...(adapters && { adapters }) }];
  }

  return {
    known: { digest: pinned ?? entry?.digest, adapters: entry?.adapters },
    entries: (pull) => [...current(pull), ...olderLocks(observed, data, revision, settings)],
  };
}
