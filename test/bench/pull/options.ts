// What the bench of the pull is asked to do: flags in, options out.
import { parseArgs } from 'node:util';
import { OptionsError } from '../options.ts';

export interface PullBenchOptions {
  /** Bytes of the model's weights. */
  size: number;
  /** Rounds, each with every contender. */
  repeat: number;
  /** Where everything is written; default: the system's folder for temporary files. */
  folder?: string;
  /** Run the pull from src instead of from the bundle that ships. */
  source: boolean;
  smoke: boolean;
  /** Where the figures go as JSON. */
  json?: string;
}

export const pullHelp = `  npm run bench -- pull [--size 1Gi] [flags]

Measures the pull beside curl to a file and then sha256sum, and beside a pull by a real Ollama: the same model, from the same
registry on this machine, which redirects to where its blobs are as Ollama's own does. They take turns.

  --size SIZE       of the weights, such as 256Mi or 4Gi (default 1Gi)
  --repeat R        rounds (default 3); ratios are the median over the rounds
  --folder FOLDER   write below this folder (default: the system's folder for temporary files)
  --source          run src/puller/main.ts instead of the bundle that npm run build makes
  --json FILE       write all figures there as well
  --smoke           32 MiB, one round; fails only when a pull fails or asks for more than it may
  --help            this text
`;

const flags = {
  size: { type: 'string' },
  repeat: { type: 'string' },
  folder: { type: 'string' },
  source: { type: 'boolean', default: false },
  json: { type: 'string' },
  smoke: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const units: Readonly<Record<string, number>> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** Room for the header of a GGUF that models can be made of. */
const SMALLEST = 2 ** 20;

function bytesIn(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([KMG]i)?$/.exec(text) ?? [];
  const bytes = Number(digits) * (units[unit] ?? Number.NaN);
  if (bytes >= SMALLEST) return bytes;
  throw new OptionsError(`--size ${text}: must be a whole number of bytes, or of Ki, Mi or Gi, and 1Mi or more`);
}

/**
 * Reads the command line after `bench -- pull`; undefined when help was asked for.
 * @throws OptionsError
 */
export function readPullOptions(argv: readonly string[]): PullBenchOptions | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  const { source, smoke, folder, json } = values;
  const repeat = Number(values.repeat ?? (smoke ? 1 : 3));
  if (!Number.isInteger(repeat) || repeat < 1)
    throw new OptionsError(`--repeat ${values.repeat}: must be a whole number, 1 or more`);
  const size = bytesIn(values.size ?? (smoke ? '32Mi' : '1Gi'));
  return { size, repeat, source, smoke, ...(folder && { folder }), ...(json && { json }) };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags }).values;
  } catch (error) {
    throw new OptionsError(`${(error as Error).message}; see --help`);
  }
}
