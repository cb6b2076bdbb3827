// How often the progress of pulls may be written: seldom per deployment, and a few times a second over all of them, however
// many pull at once.
import type { Key } from '../kube/types.ts';
import type { Clock } from '../process/clock.ts';

/** Between two writes over all deployments (milliseconds). */
const SLOT_MS = 200;

export interface ProgressPace {
  /** 0: write now. Else the milliseconds after which to ask again; a place is kept until then. */
  waitFor(key: Key): number;
  forget(key: Key): void;
}

export function createProgressPace(clock: Clock): ProgressPace {
  const places = new Map<Key, number>();
  let freeAt = 0;
  return {
    waitFor(key) {
      const now = clock.monotonic();
      const known = places.get(key);
      if (known === undefined) freeAt = Math.max(freeAt, now) + SLOT_MS;
      const place = known ?? freeAt - SLOT_MS;
      if (place > now) places.set(key, place);
      else places.delete(key);
      return Math.max(0, place - now);
    },
    forget: (key) => void places.delete(key),
  };
}
