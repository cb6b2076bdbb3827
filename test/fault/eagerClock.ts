// A clock for code that waits for real sockets and for time at once: pauses are over immediately and are noted, while limits
// (on silence, between heartbeats) hold until the test lets them run out.
import type { Clock } from '../../src/process/clock.ts';

export interface EagerClock extends Clock {
  /** Milliseconds of each pause so far. */
  readonly pauses: number[];
  /** Limits that are set now. */
  readonly held: number;
  /** Moves time on by `ms`, so that limits of that length are reached. */
  runOut(ms: number): void;
}

interface Limit {
  ms: number;
  dueAt: number;
  run: () => void;
}

/** Timers of exactly these lengths are limits: 30 s without a byte, 5 s between heartbeats. */
const limitsMs: readonly number[] = [30_000, 5_000];

export function createEagerClock(startsAt = Date.UTC(2026, 0, 1)): EagerClock {
  const pauses: number[] = [];
  const limits = new Set<Limit>();
  let elapsed = 0;

  return {
    pauses,
    get held() {
      return limits.size;
    },
    now: () => startsAt + elapsed,
    monotonic: () => elapsed,
    after(ms, run) {
      if (limitsMs.includes(ms)) {
        const limit = { ms, dueAt: elapsed + ms, run };
        limits.add(limit);
        return { cancel: () => void limits.delete(limit) };
      }
      pauses.push(ms);
      const immediate = setImmediate(() => {
        elapsed += ms;
        run();
      });
      return { cancel: () => clearImmediate(immediate) };
    },
    runOut(ms) {
      elapsed += ms;
      for (const limit of [...limits].filter(({ ms: length, dueAt }) => length === ms && dueAt <= elapsed)) {
        limits.delete(limit);
        limit.run();
      }
    },
  };
}
