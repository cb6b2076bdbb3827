// What the demo puts on the screen: wrapped prose, commands and their output, and a table that is redrawn in place on a
// terminal and printed line by line elsewhere.
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters, styleText } from 'node:util';
import type { StoredDeployment } from '../../src/api/types.ts';
import type { Clock } from '../../src/process/clock.ts';
import { createTable, cut, type Table } from './table.ts';

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface ScreenOptions {
  output: Output;
  clock: Clock;
  /** Milliseconds per line of text that a pause gives; 0: no pauses. */
  readingMs: number;
  color: boolean;
}

export interface LiveTable {
  /** Shows a change. */
  show(deployment: StoredDeployment): void;
  /** Ends the redrawing; what was drawn stays. */
  end(): void;
}

export interface Screen {
  heading(title: string): void;
  /** Prose, wrapped. */
  say(text: string): void;
  /** A name in a column of `width`, and prose beside it. */
  entry(name: string, width: number, sentences: readonly string[]): void;
  command(text: string): void;
  /** The output of a command: too long lines are cut on a terminal, and left alone elsewhere. */
  output(text: string): void;
  /** A table under the command that would print it; `command` is told whether the columns of `-o wide` fit in. */
  table(command: (isWide: boolean) => string, first: readonly StoredDeployment[]): LiveTable;
  /** Whether lines of so many characters fit in; without a terminal they always do. */
  fits(characters: number): boolean;
  /** Gives time to read what was written since the last pause. */
  pause(signal: AbortSignal): Promise<void>;
}

const widest = 100;
const indent = '  ';
const redrawEveryMs = 1_000;

/** Breaks text into lines of at most `width` characters; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

export function createScreen({ output, clock, readingMs, color }: ScreenOptions): Screen {
  const isTerminal = output.isTTY === true;
  const width = () => (isTerminal ? (output.columns ?? 80) : widest);
  const proseWidth = () => Math.min(width(), widest) - indent.length;
  const bold = (text: string) => (color ? styleText('bold', text, { validateStream: false }) : text);
  const dim = (text: string) => (color ? styleText('dim', text, { validateStream: false }) : text);
  let unread = 0;

  function line(text: string): void {
    output.write(`${text}\n`);
    if (stripVTControlCharacters(text).trim() !== '') unread++;
  }

  const command = (text: string) => line(`${indent}${dim(`$ ${text}`)}`);

  return {
    heading: (title) => line(`\n${bold(title)}`),
    say: (text) => {
      for (const piece of wrap(text, proseWidth())) line(`${indent}${piece}`);
    },
    entry: (name, nameWidth, sentences) => {
      const pieces = sentences.flatMap((text) => wrap(text, proseWidth() - nameWidth - 2));
      for (const [index, piece] of pieces.entries()) {
        const left = (index === 0 ? name : '').padEnd(nameWidth + 2);
        line(`${indent}${index === 0 ? bold(left) : left}${piece}`);
      }
    },
    command,
    output: (text) => {
      for (const piece of text.trimEnd().split('\n')) {
        line(`${indent}${isTerminal ? cut(piece, width() - indent.length) : piece}`.trimEnd());
      }
    },
    table: (commandFor, first) => {
      const table = createTable(first, width() - indent.length);
      command(commandFor(table.isWide));
      return isTerminal ? redrawn(table, first) : appended(table);
    },
    fits: (characters) => !isTerminal || width() >= characters + indent.length,
    pause: async (signal) => {
      const ms = Math.min(unread, 20) * readingMs;
      unread = 0;
      if (ms > 0) await sleep(ms, undefined, { signal });
    },
  };

  function redrawn(table: Table, first: readonly StoredDeployment[]): LiveTable {
    const rows = new Map(first.map((deployment) => [deployment.metadata.name, deployment]));
    let drawn = 0;
    const draw = () => {
      const lines = [bold(table.header), ...[...rows.values()].map((deployment) => table.row(deployment, clock.now()))];
      const back = drawn === 0 ? '' : `\u001b[${drawn}A`;
      output.write(`${back}${lines.map((text) => `\r\u001b[K${indent}${text}\n`).join('')}`);
      drawn = lines.length;
    };
    draw();
    const ages = setInterval(draw, redrawEveryMs);
    return {
      show: (deployment) => {
        rows.set(deployment.metadata.name, deployment);
        draw();
      },
      end: () => {
        clearInterval(ages);
        unread += drawn;
      },
    };
  }

  function appended(table: Table): LiveTable {
    const last = new Map<string, string>();
    line(`${indent}${table.header}`);
    return {
      show: (deployment) => {
        const timeless = table.row(deployment, 0);
        if (last.get(deployment.metadata.name) === timeless) return;
        last.set(deployment.metadata.name, timeless);
        line(`${indent}${table.row(deployment, clock.now())}`);
      },
      end: () => undefined,
    };
  }
}
