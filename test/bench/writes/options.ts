// What the bench of single writes is asked to do: flags in, options out.
import { parseArgs } from 'node:util';
import { OptionsError } from '../options.ts';

export interface WritesBenchOptions {
  /** Writes of each kind in each way. */
  count: number;
  durable: boolean;
  /** Where the figures go as JSON. */
  json?: string;
}

export const writesHelp = `  npm run bench -- writes [--count N] [flags]

Measures what a single write of each child costs the API server: made by POST, made by server-side apply as the operator does,
changed by server-side apply, changed by PUT. One at a time, the ways taking turns in batches of 25.

  --count N         writes of each kind in each way (default 200)
  --durable         etcd makes every write durable, as in production (default: not, as in the tests)
  --json FILE       write all figures there as well
  --help            this text
`;

const flags = {
  count: { type: 'string', default: '200' },
  durable: { type: 'boolean', default: false },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the command line after `bench -- writes`; undefined when help was asked for.
 * @throws OptionsError
 */
export function readWritesOptions(argv: readonly string[]): WritesBenchOptions | undefined {
  const { help, count, durable, json } = parse(argv);
  if (help) return undefined;
  if (!/^[1-9]\d*$/.test(count)) throw new OptionsError(`--count ${count}: must be a whole number, 1 or more`);
  return { count: Number(count), durable, ...(json && { json }) };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags }).values;
  } catch (error) {
    throw new OptionsError(`${(error as Error).message}; see --help`);
  }
}
