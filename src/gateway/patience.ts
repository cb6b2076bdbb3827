// How long something may take, on the clock that is passed in.
import type { Clock } from '../process/clock.ts';

/** The reason of a signal that was aborted because time was up. */
export class TimeUp extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms / 1000} s`);
    this.name = 'TimeUp';
  }
}

/**
 * Does `act` with a signal that aborts after `ms`, or with `signal`. Rejects with TimeUp, with the reason of `signal`, or as
 * `act` does.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // By hand: each AbortSignal.any would hang on to `signal`, which lives as long as the process.
  const either = new AbortController();
  const giveUp = () => either.abort(signal.reason);
  const timer = clock.after(ms, () => either.abort(new TimeUp(ms)));
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await act(either.signal);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', giveUp);
  }
}
