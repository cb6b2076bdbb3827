// A client that goes on asking while something happens.
import { setTimeout as pause } from 'node:timers/promises';
import type { Setting } from '../test.ts';
import { type Ask, chat } from './chat.ts';

export interface Asked {
  answered: number;
  /** Why there was no answer, or not the one that was expected. */
  failures: string[];
}

export interface Asking extends AsyncDisposable {
  /** Resolves after the last answer. May be called twice. */
  stop(): Promise<Asked>;
}

/** One question after the other, each on a new connection, ten a second at most: what is measured is others' work, not ours. */
export function keepAsking(setting: Setting, ask: Ask, expected: string): Asking {
  const asked: Asked = { answered: 0, failures: [] };
  const end = new AbortController();
  const asking = (async () => {
    while (!end.signal.aborted) {
      try {
        const answer = await chat(setting, { ...ask, alone: true });
        if (answer === expected) asked.answered++;
        else asked.failures.push(`another answer: ${answer}`);
      } catch (error) {
        asked.failures.push(`${(error as Error).message} ${(error as Error).cause ?? ''}`);
      }
      await pause(100);
    }
  })();
  const stop = async () => {
    end.abort();
    await asking;
    return asked;
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}
