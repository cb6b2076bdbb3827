// Time and chance as things that are passed in, so that a test can own them.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since the epoch: for timestamps that leave the process. */
  now(): number;
  /** Milliseconds that never go backwards: for measuring and for deadlines. */
  monotonic(): number;
  /** Calls `run` once after `ms`. The timer does not keep the process alive by itself. */
  after(ms: number, run: () => void): Timer;
}

/** A number in [0, 1), as `Math.random` gives. */
export type Random = () => number;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `ms`, or at once when `signal` aborts: callers look at the signal, so that stopping is not an error. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
