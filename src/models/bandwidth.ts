// A cap on bytes per second, shared by all connections of a pull.
import { type Clock, delay } from '../process/clock.ts';

export interface Bandwidth {
  /** Resolves when bytes that have already arrived are paid for, or when the signal aborts: reading on before would exceed the cap. */
  spend(bytes: number, signal: AbortSignal): Promise<void>;
}

/** So that a short pause of ours is not lost speed. */
const BURST_MS = 250;

export function createBandwidth(bytesPerSecond: number, clock: Clock): Bandwidth {
  /** When everything so far is paid for. */
  let paidAt = Number.NEGATIVE_INFINITY;
  return {
    async spend(bytes, signal) {
      const now = clock.monotonic();
      paidAt = Math.max(paidAt, now - BURST_MS) + (bytes / bytesPerSecond) * 1_000;
      if (paidAt > now) await delay(clock, paidAt - now, signal);
    },
  };
}

export const unlimitedBandwidth: Bandwidth = { spend: () => Promise.resolve() };
