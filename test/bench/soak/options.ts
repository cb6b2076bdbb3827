// What the soak is asked to do: flags in, options out.
import { parseArgs } from 'node:util';
import { OptionsError } from '../options.ts';

export interface SoakOptions {
  minutes: number;
  /** Deployments that are made, edited and deleted in each cycle. */
  count: number;
  /** The API server is killed and started anew once in so many cycles. */
  restartEvery: number;
  /** Where the figures go as JSON. */
  json?: string;
}

export const soakHelp = `  npm run bench -- soak [--minutes M] [flags]

Makes, edits and deletes deployments again and again beside one operator, kills the API server now and then, and tells what the
operator holds at rest after each cycle: memory and file descriptors that grow with time would show. Fails when descriptors do.

  --minutes M       for how long (default 60); the cycle that has begun is ended
  --count N         deployments of each cycle (default 50)
  --restart-every R kill the API server once in so many cycles (default 5)
  --json FILE       write the figures of each cycle there as well
  --help            this text
`;

const flags = {
  minutes: { type: 'string', default: '60' },
  count: { type: 'string', default: '50' },
  'restart-every': { type: 'string', default: '5' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the command line after `bench -- soak`; undefined when help was asked for.
 * @throws OptionsError
 */
export function readSoakOptions(argv: readonly string[]): SoakOptions | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  const number = (name: 'minutes' | 'count' | 'restart-every'): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new OptionsError(`--${name} ${values[name]}: must be a whole number, 1 or more`);
  };
  return {
    minutes: number('minutes'),
    count: number('count'),
    restartEvery: number('restart-every'),
    ...(values.json && { json: values.json }),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags }).values;
  } catch (error) {
    throw new OptionsError(`${(error as Error).message}; see --help`);
  }
}
