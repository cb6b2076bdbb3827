// The system's clock, which a test can put forward: timers that fall due on the way fire at once.
import { type Clock, systemClock, type Timer } from '../../../src/process/clock.ts';

export interface SkippingClock extends Clock {
  /** Puts the clock forward by `ms`, as if so much time had passed without anybody doing anything. */
  skip(ms: number): void;
}

interface Entry {
  /** In this clock's monotonic time. */
  dueAt: number;
  run(): void;
  timer: Timer;
}

export function createSkippingClock(): SkippingClock {
  const entries = new Set<Entry>();
  let ahead = 0;
  const monotonic = () => systemClock.monotonic() + ahead;
  const arm = (entry: Omit<Entry, 'timer'>, armed: Entry = { ...entry, timer: { cancel: () => undefined } }): Entry => {
    armed.timer = systemClock.after(Math.max(0, armed.dueAt - monotonic()), () => {
      entries.delete(armed);
      armed.run();
    });
    return armed;
  };
  return {
    now: () => systemClock.now() + ahead,
    monotonic,
    after(ms, run) {
      const entry = arm({ dueAt: monotonic() + ms, run });
      entries.add(entry);
      return {
        cancel() {
          entry.timer.cancel();
          entries.delete(entry);
        },
      };
    },
    skip(ms) {
      ahead += ms;
      for (const entry of [...entries].sort((a, b) => a.dueAt - b.dueAt)) {
        entry.timer.cancel();
        arm(entry, entry);
      }
    },
  };
}
