// A clock that moves only when a test says so, firing timers in order and letting promises run between them.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/process/clock.ts';

export interface VirtualClock extends Clock {
  /** Moves time on by `ms`, firing what falls due on the way, each followed by the promises that it wakes. */
  advance(ms: number): Promise<void>;
  /** Jumps from timer to timer until `condition` holds; throws after `withinMs` of virtual time (default: a day). */
  advanceUntil(condition: () => boolean, withinMs?: number): Promise<void>;
  /** Lets pending promises and immediates run; time stands still. */
  settle(): Promise<void>;
  /** Waits for real I/O while time stands still; throws after `deadlineMs` of real time (default: 10 s). */
  until(condition: () => boolean, deadlineMs?: number): Promise<void>;
  /** Moves the wall clock alone, as an operator or NTP would; the monotonic clock and timers do not notice. */
  skew(ms: number): void;
  /** Timers that are set and have neither fired nor been cancelled. */
  readonly pending: number;
}

interface Entry {
  dueAt: number;
  run: () => void;
}

const day = 86_400_000;

export function createVirtualClock(startsAt = Date.UTC(2026, 0, 1)): VirtualClock {
  const entries = new Set<Entry>();
  let elapsed = 0;
  let offset = startsAt;

  /** The earliest timer; of several that are due together, the one that was set first. */
  const next = (): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) if (!first || entry.dueAt < first.dueAt) first = entry;
    return first;
  };

  const fire = (entry: Entry): Promise<void> => {
    entries.delete(entry);
    elapsed = Math.max(elapsed, entry.dueAt);
    entry.run();
    return settle();
  };

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await nextTurn();
  }

  async function advance(ms: number): Promise<void> {
    await settle();
    const end = elapsed + ms;
    for (let entry = next(); entry && entry.dueAt <= end; entry = next()) await fire(entry);
    elapsed = end;
    await settle();
  }

  async function advanceUntil(condition: () => boolean, withinMs = day): Promise<void> {
    const end = elapsed + withinMs;
    await settle();
    while (!condition()) {
      const entry = next();
      if (!entry) await until(condition);
      else if (entry.dueAt > end) throw new Error(`still false after ${withinMs} virtual ms: ${condition}`);
      else await fire(entry);
    }
  }

  async function until(condition: () => boolean, deadlineMs = 10_000): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(`still false after ${deadlineMs} ms: ${condition}`);
      await nextTurn();
    }
  }

  return {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    after(ms, run) {
      const entry: Entry = { dueAt: elapsed + Math.max(0, ms), run };
      entries.add(entry);
      return { cancel: () => void entries.delete(entry) };
    },
    advance,
    advanceUntil,
    settle,
    until,
    skew: (ms) => {
      offset += ms;
    },
    get pending() {
      return entries.size;
    },
  };
}
