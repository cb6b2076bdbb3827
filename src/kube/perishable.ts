// A value that goes stale: loaded once for all who ask at the same time, and again when its time is over or it was refused.
import type { Clock } from '../process/clock.ts';

export interface Loaded<T> {
  value: T;
  /** Milliseconds for which it need not be loaded again. */
  freshForMs: number;
}

export interface Perishable<T> {
  /** The value, loaded if need be; rejects with what the load rejects with, and then tries afresh at the next call. */
  get(): Promise<T>;
  /** Loads again at the next `get`, unless another value has taken the place of this one already. */
  discard(value: T): void;
}

/** `load` gets the value before this one, which it may return again. */
export function perishable<T extends object>(options: {
  load: (previous: T | undefined) => Promise<Loaded<T>>;
  clock: Clock;
}): Perishable<T> {
  const { load, clock } = options;
  let value: T | undefined;
  let staleAt = 0;
  let loading: Promise<T> | undefined;

  const reload = async () => {
    try {
      const loaded = await load(value);
      value = loaded.value;
      staleAt = clock.monotonic() + loaded.freshForMs;
      return value;
    } finally {
      loading = undefined;
    }
  };

  return {
    get() {
      if (value && clock.monotonic() < staleAt) return Promise.resolve(value);
      loading ??= reload();
      return loading;
    },
    discard(refused) {
      if (refused === value) staleAt = 0;
    },
  };
}
