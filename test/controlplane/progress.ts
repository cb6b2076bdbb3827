// Tells a person that a long step is still going: one line that is rewritten on a terminal, plain lines now and then elsewhere.
import type { Clock, Timer } from '../../src/process/clock.ts';

export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  /** Shows `state()` and the time that has passed until `work` settles. */
  during<T>(title: string, state: () => string, work: Promise<T>): Promise<T>;
}

export interface ProgressOutput {
  write(text: string): void;
  isTTY: boolean;
}

const everyMs = { terminal: 1_000, log: 30_000 };

/** `65` → `1 min 5 s`. */
export function spelledSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function createProgress(output: ProgressOutput, clock: Clock): Progress {
  const clear = output.isTTY ? '\r\u001b[K' : '';
  const say = (line: string) => output.write(`${clear}${line}\n`);

  async function during<T>(title: string, state: () => string, work: Promise<T>): Promise<T> {
    const started = clock.monotonic();
    const elapsed = () => spelledSeconds((clock.monotonic() - started) / 1000);
    let timer: Timer | undefined;
    const tick = () => {
      const line = [title, state(), elapsed()].filter((piece) => piece !== '').join(' · ');
      output.write(output.isTTY ? `${clear}${line}` : `${line}\n`);
      timer = clock.after(output.isTTY ? everyMs.terminal : everyMs.log, tick);
    };
    say(title);
    timer = clock.after(output.isTTY ? everyMs.terminal : everyMs.log, tick);
    try {
      const result = await work;
      say(`${title} · took ${elapsed()}`);
      return result;
    } finally {
      timer.cancel();
    }
  }

  return { say, during };
}

export const silent: Progress = { say: () => {}, during: (_title, _state, work) => work };
