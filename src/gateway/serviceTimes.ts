// How long a slot usually takes, from the requests that were served last.

/** Enough to be steady, few enough to follow a change of load within minutes. */
const KEPT = 32;

export interface ServiceTimes {
  record(ms: number): void;
  /** Median of the last requests; undefined before the first. */
  usualMs(): number | undefined;
}

export function createServiceTimes(): ServiceTimes {
  const times: number[] = [];
  let next = 0;
  return {
    record(ms) {
      times[next] = ms;
      next = (next + 1) % KEPT;
    },
    usualMs() {
      const sorted = [...times].sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)];
    },
  };
}
