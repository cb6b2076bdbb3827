// A map that forgets: what is too old, and what was set longest ago when there is too much.
import type { Clock } from '../process/clock.ts';

export interface Recent<T> {
  /** Undefined when it was never set, is too old, or had to make room. */
  get(key: string): T | undefined;
  /** Sets the value and its age anew. */
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** Holds at most `size` entries, each for `maxAgeMs` milliseconds (default: for ever) from when it was last set. */
export function createRecent<T>(
  clock: Clock,
  { size, maxAgeMs = Number.POSITIVE_INFINITY }: { size: number; maxAgeMs?: number },
): Recent<T> {
  const entries = new Map<string, { value: T; setAt: number }>(); // a Map keeps the order of insertion: oldest first

  return {
    get(key) {
      const entry = entries.get(key);
      return entry && clock.monotonic() - entry.setAt < maxAgeMs ? entry.value : undefined;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, { value, setAt: clock.monotonic() });
      if (entries.size <= size) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
    delete: (key) => void entries.delete(key),
  };
}
