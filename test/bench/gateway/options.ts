// What the bench of the gateway is asked to do: flags in, options out.
import { parseArgs } from 'node:util';
import { OptionsError } from '../options.ts';

export interface GatewayBenchOptions {
  /** Rounds; each goes direct, through the gateway, and direct again. */
  repeat: number;
  /** Of each measurement. */
  seconds: number;
  /** At once. */
  streams: number;
  /** Requests a second where each is timed; default: half of what the gateway can do. */
  rate?: number;
  /** Run the gateway from src instead of from the bundle that ships. */
  source: boolean;
  smoke: boolean;
  /** Where the figures go as JSON. */
  json?: string;
}

export const gatewayHelp = `  npm run bench -- gateway [flags]

Measures the same load twice in one run, direct and through the gateway, against a runtime that costs nothing: as many requests
a second as there can be, the time of each at half of that, and many streams of 50 tokens a second at once.

  --repeat R        rounds (default 3); ratios are the median over the rounds
  --seconds S       of each measurement (default 10)
  --streams N       at once (default 100)
  --rate N          requests a second where each is timed, instead of half of what there can be
  --source          run src/gateway/main.ts instead of the bundle that npm run build makes
  --json FILE       write all figures there as well
  --smoke           one round of seconds; fails only when a request fails or a token is lost
  --help            this text
`;

const flags = {
  repeat: { type: 'string' },
  seconds: { type: 'string' },
  streams: { type: 'string' },
  rate: { type: 'string' },
  source: { type: 'boolean', default: false },
  json: { type: 'string' },
  smoke: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the command line after `bench -- gateway`; undefined when help was asked for.
 * @throws OptionsError
 */
export function readGatewayOptions(argv: readonly string[]): GatewayBenchOptions | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  const { source, smoke, json } = values;
  const number = (name: 'repeat' | 'seconds' | 'streams' | 'rate', usual?: number): number => {
    const value = Number(values[name] ?? usual);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new OptionsError(`--${name} ${values[name]}: must be a whole number, 1 or more`);
  };
  return {
    repeat: number('repeat', smoke ? 1 : 3),
    seconds: number('seconds', smoke ? 1 : 10),
    streams: number('streams', smoke ? 10 : 100),
    source,
    smoke,
    ...(values.rate !== undefined && { rate: number('rate') }),
    ...(json && { json }),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags }).values;
  } catch (error) {
    throw new OptionsError(`${(error as Error).message}; see --help`);
  }
}
