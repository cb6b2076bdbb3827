// Options of a verb, as a table: what is read and what --help says come from it.
import { parseArgs } from 'node:util';
import { UsageError } from './verb.ts';

export interface Option {
  /** What stands for the value in --help. */
  readonly value: string;
  readonly help: string;
  /** One letter. */
  readonly short?: string;
  /** May stand several times. */
  readonly multiple?: boolean;
  readonly default?: string;
}

export type OptionTable = Readonly<Record<string, Option>>;

export interface Read<T extends OptionTable> {
  /** The last one of each, or the default. */
  readonly values: { readonly [K in keyof T]?: string };
  /** All of each, for those that may stand several times. */
  readonly lists: { readonly [K in keyof T]?: readonly string[] };
  readonly rest: readonly string[];
}

/** Throws a UsageError that names what is not understood. */
export function readOptions<T extends OptionTable>(args: readonly string[], table: T): Read<T> {
  const known = Object.fromEntries(
    Object.entries<Option>(table).map(([name, { short }]) => [
      name,
      { type: 'string' as const, multiple: true as const, ...(short && { short }) },
    ]),
  );
  const { values, positionals } = parsed(args, known);
  const lists: Record<string, string[]> = {};
  const last: Record<string, string> = {};
  for (const [name, option] of Object.entries<Option>(table)) {
    const given = values[name] ?? [];
    if (given.length > 1 && !option.multiple)
      throw new UsageError(`--${name} is given ${given.length} times; keep one`);
    const value = given.at(-1) ?? option.default;
    if (value === '') throw new UsageError(`--${name} is empty`);
    lists[name] = given;
    if (value !== undefined) last[name] = value;
  }
  return { values: last, lists, rest: positionals } as Read<T>;
}

type Known = Record<string, { type: 'string'; multiple: true; short?: string }>;

function parsed(args: readonly string[], options: Known) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The lines of --help. */
export function optionsHelp(table: OptionTable): string {
  const left = ([name, { short, value }]: [string, Option]) => `  ${short ? `-${short}, ` : ''}--${name} ${value}`;
  const width = Math.max(...Object.entries(table).map((entry) => left(entry).length)) + 2;
  return Object.entries(table)
    .map(
      (entry) =>
        `${left(entry).padEnd(width)}${entry[1].help}${entry[1].default ? ` (default ${entry[1].default})` : ''}`,
    )
    .join('\n');
}
