// Bytes per second over the last moments: long enough to be calm, short enough to show a stall.
import type { Clock } from '../process/clock.ts';

export interface Meter {
  add(bytes: number): void;
  /** Undefined until a second has been seen. */
  bytesPerSecond(): number | undefined;
  reset(): void;
}

const WINDOW_MS = 10_000;
const LEAST_MS = 1_000;
/** So that thousands of pieces per second cost no memory. */
const SAMPLE_MS = 250;

interface Sample {
  at: number;
  total: number;
}

export function createMeter(clock: Clock): Meter {
  let total = 0;
  let samples: Sample[] = [];

  function note(now: number): void {
    const last = samples.at(-1);
    if (last && now - last.at < SAMPLE_MS) return;
    samples.push({ at: now, total });
    // One that is older than the window stays, to measure from.
    while ((samples[1]?.at ?? now) <= now - WINDOW_MS) samples.shift();
  }

  return {
    add(bytes) {
      note(clock.monotonic());
      total += bytes;
    },
    bytesPerSecond() {
      const now = clock.monotonic();
      note(now);
      const [first] = samples;
      if (!first || now - first.at < LEAST_MS) return undefined;
      return ((total - first.total) / (now - first.at)) * 1_000;
    },
    reset() {
      total = 0;
      samples = [];
    },
  };
}
