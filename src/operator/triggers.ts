// Which change of which object makes a deployment worth a look. Echoes of our own status writes, and changes of what we do not
// remember, are none.
import { annotations, type StoredDeployment } from '../api/types.ts';
import type { Queue } from '../kube/queue.ts';
import type { CacheListeners } from './caches.ts';
import type { LiveChild } from './liveChild.ts';
import type { PodFacts } from './podFacts.ts';

const wishes = [annotations.restartedAt, annotations.reselectHardware, annotations.adopt] as const;

/** Whether the user changed what he wants. */
export function isWish(before: StoredDeployment, after: StoredDeployment): boolean {
  return (
    before.metadata.uid !== after.metadata.uid ||
    before.metadata.generation !== after.metadata.generation ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    wishes.some((name) => before.metadata.annotations?.[name] !== after.metadata.annotations?.[name])
  );
}

/** What is remembered, without what changes with every write. */
function essence(object: LiveChild | PodFacts): string {
  const { resourceVersion: _rv, generation: _generation, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata });
}

const isChanged = (before: LiveChild | PodFacts | undefined, after: LiveChild | PodFacts): boolean =>
  before === undefined || essence(before) !== essence(after);

/** Feeds the queue. `isSettled`: the first lists are in, so that what comes now is news and not the state at start. */
export function createTriggers(queue: () => Queue | undefined, isSettled: () => boolean): CacheListeners {
  return {
    deployment(key, type, object, previous) {
      if (type === 'changed' && previous && !isWish(previous, object)) return;
      queue()?.add(key, { priority: isSettled() ? 'user' : 'resync' });
    },
    child(deployment, object, previous) {
      if (isChanged(previous, object)) queue()?.add(deployment);
    },
    pod(deployment, object, previous) {
      if (isChanged(previous, object)) queue()?.add(deployment);
    },
  };
}
