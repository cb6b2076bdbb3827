// What a verb is given, and what it said into it.
import type { Surroundings } from '../../../src/cli/verb.ts';
import { createVirtualClock } from '../virtualClock.ts';

export interface Overheard extends Surroundings {
  /** On stdout. */
  told(): string;
  /** On stderr. */
  said(): string;
}

export function surroundingsOf(change: Partial<Surroundings> = {}): Overheard {
  let told = '';
  let said = '';
  return {
    env: {},
    home: '/nowhere',
    stdout: { write: (text) => void (told += text) },
    stderr: { write: (text) => void (said += text) },
    clock: createVirtualClock(),
    signal: new AbortController().signal,
    ...change,
    told: () => told,
    said: () => said,
  };
}
