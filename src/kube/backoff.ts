// How long to wait before trying again: exponential, jittered, forgotten after a healthy while.
import type { Clock, Random } from '../process/clock.ts';

export interface BackoffSettings {
  /** First delay, milliseconds. */
  readonly baseMs: number;
  readonly factor: number;
  /** Bound of a delay before jitter, milliseconds. */
  readonly maxMs: number;
  /** A delay d becomes a random one in [d, d × (1 + jitter)). */
  readonly jitter: number;
  /** So long without a failure, counted from the end of the last delay, and the next delay is the first again. */
  readonly resetAfterMs: number;
}

/**
 * What client-go's reflector uses (tools/cache/reflector.go), so that a fleet behaves as API servers expect; but client-go forgets
 * after 120 s. The API servers of a control plane that is upgraded go one after the other, minutes in all, and each that goes ends
 * watches: with 120 s the third end finds us asleep for up to a minute, again and again.
 */
const reflectorBackoff: BackoffSettings = {
  baseMs: 800,
  factor: 2,
  maxMs: 30_000,
  jitter: 1,
  resetAfterMs: 30_000,
};

export interface Backoff {
  /** Milliseconds to wait after the failure that has just happened. */
  next(): number;
  /** The longest kind of delay, for failures that time alone will hardly mend. Leaves the sequence as it is. */
  longest(): number;
}

export function createBackoff(
  { clock, random }: { clock: Pick<Clock, 'monotonic'>; random: Random },
  { baseMs, factor, maxMs, jitter, resetAfterMs }: BackoffSettings = reflectorBackoff,
): Backoff {
  let nextMs = baseMs;
  let waitingUntil = Number.NEGATIVE_INFINITY;
  const jittered = (ms: number): number => ms * (1 + jitter * random());

  return {
    next() {
      const now = clock.monotonic();
      if (now - waitingUntil >= resetAfterMs) nextMs = baseMs;
      const delayMs = jittered(Math.min(nextMs, maxMs));
      nextMs = Math.min(nextMs * factor, maxMs);
      waitingUntil = now + delayMs;
      return delayMs;
    },
    longest: () => jittered(maxMs),
  };
}
