// The core writes its log into files, and kubectl reads stdout: what is new in the files is told as lines of ours.
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';

const EVERY_MS = 1_000;
/** A core that writes more than this in a second is not read word for word. */
const MAX_PIECE_BYTES = 256 * 1024;
const MAX_LINE = 2_000;

type Level = 'debug' | 'info' | 'warn' | 'error';

const levels: readonly [RegExp, Level][] = [
  [/\[?\b(?:FATAL|CRITICAL|CRIT|FTL|ERROR|ERR|FAIL)\b/i, 'error'],
  [/\[?\b(?:WARNING|WARN|WRN)\b/i, 'warn'],
  [/\[?\b(?:DEBUG|DBG|VERBOSE|VRB|TRACE|TRC)\b/i, 'debug'],
];

/** By the word that stands at its beginning, behind the time. */
export function levelOfLine(line: string): Level {
  const head = line.slice(0, 80);
  return levels.find(([pattern]) => pattern.test(head))?.[1] ?? 'info';
}

export interface CoreLog {
  /** Tells what is left, and stops. */
  end(): Promise<void>;
}

/** Follows every file in the folder; a file that is there already is told from its beginning. */
export function followCoreLog(folder: string, clock: Clock, log: Logger): CoreLog {
  const read = new Map<string, { position: number; rest: string }>();
  let timer: Timer | undefined;
  let looking: Promise<void> = Promise.resolve();
  let ended = false;

  async function follow(name: string): Promise<void> {
    const path = join(folder, name);
    const { size } = await stat(path);
    const { position, rest } = read.get(name) ?? { position: 0, rest: '' };
    if (size <= position) return;
    const from = Math.max(position, size - MAX_PIECE_BYTES);
    await using file = await open(path);
    const buffer = Buffer.alloc(size - from);
    await file.read(buffer, 0, buffer.length, from);
    const lines = `${from === position ? rest : ''}${buffer.toString('utf8')}`.split('\n');
    read.set(name, { position: size, rest: lines.pop() ?? '' });
    for (const line of lines) tell(line);
  }

  function tell(line: string): void {
    const text = line.trimEnd().slice(0, MAX_LINE);
    if (text) log[levelOfLine(text)]({ core: text }, 'core');
  }

  async function look(): Promise<void> {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.sort()) await follow(name).catch(() => undefined);
  }

  function again(): void {
    timer = clock.after(EVERY_MS, () => {
      looking = look().then(() => {
        if (!ended) again();
      });
    });
  }
  again();

  return {
    async end() {
      ended = true;
      timer?.cancel();
      await looking;
      await look();
      for (const { rest } of read.values()) tell(rest);
    },
  };
}
