// The core writes its log into files, and kubectl reads stdout: what is new in the files is told as lines of ours.
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';

const EVERY_MS = 1_000;
/** A core that writes more than this in a second is not read word for word. */
const MAX_PIECE_BYTES = 256 * 1024;
const MAX_TEXT = 2_000;

type Level = 'debug' | 'info' | 'warn' | 'error';

/** As Serilog, which the core uses, names them. */
const levels: Readonly<Record<string, Level>> = {
  VRB: 'debug',
  DBG: 'debug',
  INF: 'info',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'error',
};

/** An entry begins with its time; what follows until the next one belongs to it: causes and stack traces. */
const HEAD = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \S+ \[([A-Z]{3})\] (.*)$/;

/** The core tells the cause of an error as an error of its own. */
const INNER = 'Inner exception:';

export interface CoreEntry {
  readonly level: Level;
  readonly text: string;
  /** Lines that belong to it. */
  readonly more: readonly string[];
}

/** Entries of a piece of the log; lines before the first head stand alone. */
export function entriesOf(lines: readonly string[]): CoreEntry[] {
  const entries: (CoreEntry & { more: string[] })[] = [];
  for (const line of lines) {
    const [, word = '', text] = HEAD.exec(line) ?? [];
    const last = entries.at(-1);
    const rest = (text ?? line).trim();
    if (text !== undefined && !(last && text === INNER))
      entries.push({ level: levels[word] ?? 'info', text, more: [] });
    else if (last && rest) last.more.push(rest);
    else if (rest) entries.push({ level: 'info', text: rest, more: [] });
  }
  return entries;
}

export interface CoreLog {
  /** Tells what is left, and stops. */
  end(): Promise<void>;
}

export interface CoreLogOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** What is no trouble here, whatever the core thinks of it: told as debug. */
  readonly expected?: (entry: CoreEntry) => boolean;
}

/** Follows every file in the folder; a file that is there already is told from its end on. */
export async function followCoreLog(
  folder: string,
  { clock, log, expected = () => false }: CoreLogOptions,
): Promise<CoreLog> {
  const positions = new Map<string, number>();
  let timer: Timer | undefined;
  let looking: Promise<void> = Promise.resolve();
  let ended = false;

  const filesIn = () =>
    readdir(folder).then(
      (names) => names.sort(),
      () => [],
    );

  async function follow(name: string): Promise<void> {
    const path = join(folder, name);
    const { size } = await stat(path);
    const position = positions.get(name) ?? 0;
    if (size <= position) return;
    const from = Math.max(position, size - MAX_PIECE_BYTES);
    await using file = await open(path);
    const buffer = Buffer.alloc(size - from);
    await file.read(buffer, 0, buffer.length, from);
    // A line that is still being written is for the next look.
    const whole = ended ? buffer.length : buffer.lastIndexOf('\n') + 1;
    positions.set(name, from + whole);
    for (const entry of entriesOf(buffer.toString('utf8', 0, whole).split('\n'))) tell(entry);
  }

  function tell(entry: CoreEntry): void {
    const { text, more } = entry;
    const detail = more.filter(Boolean).join('\n').slice(0, MAX_TEXT);
    const level = expected(entry) ? 'debug' : entry.level;
    log[level]({ core: text.slice(0, MAX_TEXT), ...(detail && { detail }) }, 'core');
  }

  async function look(): Promise<void> {
    for (const name of await filesIn()) await follow(name).catch(() => undefined);
  }

  function again(): void {
    timer = clock.after(EVERY_MS, () => {
      looking = look().then(() => {
        if (!ended) again();
      });
    });
  }

  for (const name of await filesIn()) positions.set(name, (await stat(join(folder, name))).size);
  again();
  return {
    async end() {
      ended = true;
      timer?.cancel();
      await looking;
      await look();
    },
  };
}
