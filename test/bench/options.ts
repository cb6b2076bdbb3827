// What the bench is asked to do: flags in, options out, with a help that says what the figures mean.
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** LocalModelDeployments per pass. */
  count: number;
  /** Simulated nodes of one further pass; 0: no such pass. */
  nodes: number;
  /** Operator passes; each stands between two floor passes. */
  repeat: number;
  /** Single edits that are timed. */
  edits: number;
  idleSeconds: number;
  /** Concurrent writes of new deployments. */
  inFlight: number;
  /** Workers of the operator, and writes in flight of the floor. */
  workers: number;
  /** etcd makes every write durable. */
  durable: boolean;
  /** Run the operator from src instead of from the bundle that ships. */
  source: boolean;
  smoke: boolean;
  /** Where the figures go as JSON. */
  json?: string;
  /** Folder for CPU profiles of the operator. */
  profile?: string;
}

/** A mistake on the command line; the message is for whoever typed it. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

export const help = `Benchmarks against a real control plane that they start themselves.

  npm run bench -- operator [--count N] [flags]

Measures the operator beside a floor: a plain concurrent writer that makes the very same necessary writes in the same run.
Each pass has a control plane of its own (audit log on), in the order floor, operator, floor, operator, … floor.

  --count N         LocalModelDeployments per pass (default 100)
  --repeat R        operator passes (default 1); ratios are the median of each pass to the two floors around it
  --nodes M         one more operator pass with M further simulated nodes, to compare its memory (default: none)
  --edits E         single edits timed from the edit to the child's change (default 100)
  --idle-seconds S  how long the operator is watched doing nothing (default 60)
  --in-flight F     new deployments written at a time (default 16)
  --workers W       workers of the operator, and writes in flight of the floor (default 8)
  --durable         etcd makes every write durable, as in production (default: not, as in the tests)
  --source          run src/operator/main.ts instead of the bundle that npm run build makes
  --json FILE       write all figures there as well
  --profile FOLDER  write CPU profiles of the operator there
  --smoke           20 deployments, one floor, seconds of idling; fails only when a budget of requests is exceeded
  --help            this text

Exit code 1: with --smoke, a budget of requests was exceeded; otherwise only when the bench itself failed.
The figures and what they depend on are explained in docs/benchmarks.md.
`;

const flags = {
  count: { type: 'string', default: '100' },
  nodes: { type: 'string', default: '0' },
  repeat: { type: 'string', default: '1' },
  edits: { type: 'string', default: '100' },
  'idle-seconds': { type: 'string', default: '60' },
  'in-flight': { type: 'string', default: '16' },
  workers: { type: 'string', default: '8' },
  durable: { type: 'boolean', default: false },
  source: { type: 'boolean', default: false },
  json: { type: 'string' },
  profile: { type: 'string' },
  smoke: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** What `--smoke` stands for; flags that are given count more. */
const smokeDefaults = { count: '20', edits: '10', 'idle-seconds': '5' } as const;

/**
 * Reads the command line after `bench --`; undefined when help was asked for.
 * @throws OptionsError
 */
export function readOptions(argv: readonly string[]): BenchOptions | undefined {
  const { values, positionals, given } = parse(argv);
  if (values.help) return undefined;
  if (positionals.length !== 1 || positionals[0] !== 'operator')
    throw new OptionsError(
      `the benchmarks are operator, gateway, pull, writes and soak; got ${positionals.join(' ') || 'none'}; see --help`,
    );
  const text = (name: keyof typeof flags): string =>
    values.smoke && !given.has(name) && name in smokeDefaults
      ? smokeDefaults[name as keyof typeof smokeDefaults]
      : String(values[name]);
  const number = (name: keyof typeof flags, least: number): number => {
    const value = Number(text(name));
    if (!Number.isInteger(value) || value < least)
      throw new OptionsError(`--${name} ${text(name)}: must be a whole number, ${least} or more`);
    return value;
  };
  return {
    count: number('count', 1),
    nodes: number('nodes', 0),
    repeat: number('repeat', 1),
    edits: number('edits', 1),
    idleSeconds: number('idle-seconds', 0),
    inFlight: number('in-flight', 1),
    workers: number('workers', 1),
    durable: values.durable,
    source: values.source,
    smoke: values.smoke,
    ...(values.json && { json: values.json }),
    ...(values.profile && { profile: values.profile }),
  };
}

function parse(argv: readonly string[]) {
  try {
    const { values, positionals, tokens } = parseArgs({
      args: [...argv],
      options: flags,
      allowPositionals: true,
      tokens: true,
    });
    const given = new Set<string>(tokens.flatMap((token) => (token.kind === 'option' ? token.name : [])));
    return { values, positionals, given };
  } catch (error) {
    throw new OptionsError(`${(error as Error).message}; see --help`);
  }
}
