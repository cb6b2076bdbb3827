// Waits for a state of the world with a deadline, by asking again and again.
import { type Clock, systemClock } from '../../src/process/clock.ts';

export interface Patience {
  /** Milliseconds until giving up. */
  deadlineMs: number;
  /** Milliseconds between two looks; default 50. */
  everyMs?: number;
  clock?: Clock;
  /** Ends the waiting: it then rejects within `everyMs`. */
  signal?: AbortSignal;
}

/**
 * Resolves with the first value of `look` that is not undefined. A look that throws counts as "not yet". Rejects at the
 * deadline, naming `what` and the last thing that went wrong.
 */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined>, patience: Patience): Promise<T> {
  const { deadlineMs, everyMs = 50, clock = systemClock, signal } = patience;
  const end = clock.monotonic() + deadlineMs;
  let problem = '';
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined) return value;
    } catch (error) {
      problem = `; last problem: ${error instanceof Error ? error.message : String(error)}`;
    }
    signal?.throwIfAborted();
    if (clock.monotonic() >= end) throw new Error(`${what}: not within ${deadlineMs / 1000} s${problem}`);
    await new Promise<void>((resolve) => setTimeout(resolve, everyMs)); // holds the process, which a Clock's timer does not
  }
}
