// How long a call may take: one abort signal out of the caller's and of a time limit that can be moved.
import type { Clock, Timer } from '../process/clock.ts';

export interface Lifetime {
  /** Aborts with the caller's reason, or with the error of the limit that was reached. */
  readonly signal: AbortSignal;
  /** Ends the call with `error()` in `ms` unless another limit, or `end`, comes before. Replaces the limit before it. */
  limit(ms: number, error: () => Error): void;
  unlimited(): void;
  /** Milliseconds until the limit; Infinity without one. */
  left(): number;
  abort(reason: Error): void;
  /** What `promise` resolves to, or rejects as soon as the signal aborts: for work that knows no signal. */
  outlive<T>(promise: Promise<T>): Promise<T>;
  /** To be called in the end whatever happens: lets go of the caller's signal and the timer. */
  end(): void;
}

export function openLifetime(clock: Clock, caller: AbortSignal | undefined): Lifetime {
  const controller = new AbortController();
  const { signal } = controller;
  const follow = () => controller.abort(caller?.reason);
  let timer: Timer | undefined;
  let endsAt = Number.POSITIVE_INFINITY;

  // By hand, since AbortSignal.any would leave a trace on the caller's signal, which may live as long as the process.
  if (caller?.aborted) follow();
  else caller?.addEventListener('abort', follow, { once: true });

  const unlimited = () => {
    timer?.cancel();
    timer = undefined;
    endsAt = Number.POSITIVE_INFINITY;
  };

  return {
    signal,
    limit(ms, error) {
      unlimited();
      endsAt = clock.monotonic() + ms;
      timer = clock.after(ms, () => controller.abort(error()));
    },
    unlimited,
    left: () => endsAt - clock.monotonic(),
    abort: (reason) => controller.abort(reason),
    outlive: (promise) => outlive(promise, signal),
    end() {
      unlimited();
      caller?.removeEventListener('abort', follow);
    },
  };
}

function outlive<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
