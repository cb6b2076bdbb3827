// A limit on how long the other side may be silent: one abort signal out of the caller's and of that limit.
import type { Clock, Timer } from '../process/clock.ts';

export interface Silence {
  /** Aborts with the caller's reason, or with the error of the silence. */
  readonly signal: AbortSignal;
  /** The other side has spoken. Cheap: may be called for every piece that arrives. */
  heard(): void;
  /** While we ourselves are the slow one; `heard` goes on counting. */
  pause(): void;
  /** Lets go of the caller's signal and the timer. */
  end(): void;
}

/** Aborts with `error()` once `ms` have passed without a word. */
export function limitSilence(clock: Clock, ms: number, caller: AbortSignal | undefined, error: () => Error): Silence {
  const controller = new AbortController();
  let heardAt = clock.monotonic();
  let paused = false;
  let timer: Timer | undefined;
  // By hand, since AbortSignal.any would leave a trace on the caller's signal for each of thousands of requests.
  const follow = () => controller.abort(caller?.reason);
  if (caller?.aborted) follow();
  else caller?.addEventListener('abort', follow, { once: true });

  // Set again only when it fires, not for every piece.
  const watch = () => {
    const leftMs = heardAt + ms - clock.monotonic();
    if (paused || leftMs > 0) timer = clock.after(paused ? ms : leftMs, watch);
    else controller.abort(error());
  };
  watch();

  return {
    signal: controller.signal,
    heard() {
      heardAt = clock.monotonic();
      paused = false;
    },
    pause() {
      paused = true;
    },
    end() {
      timer?.cancel();
      caller?.removeEventListener('abort', follow);
    },
  };
}
