// npm run bench -- operator | gateway | pull | writes | soak: one benchmark, by its name.
import { systemClock } from '../../src/process/clock.ts';
import { BinariesError } from '../controlplane/binaries.ts';
import { createProgress } from '../controlplane/progress.ts';
import { UnavailableError } from '../runtime/workshop.ts';
import { benchGateway } from './gateway/bench.ts';
import { gatewayHelp, readGatewayOptions } from './gateway/options.ts';
import { benchOperator } from './operator.ts';
import { help, OptionsError, readOptions } from './options.ts';
import { benchPull } from './pull/bench.ts';
import { pullHelp, readPullOptions } from './pull/options.ts';
import { benchSoak } from './soak/bench.ts';
import { readSoakOptions, soakHelp } from './soak/options.ts';
import { benchWrites } from './writes/bench.ts';
import { readWritesOptions, writesHelp } from './writes/options.ts';

const progress = createProgress(
  { write: (text) => process.stderr.write(text), isTTY: process.stderr.isTTY },
  systemClock,
);

/** Reads the flags of one benchmark and runs it. Resolves with false where help was asked for. */
type Bench = (argv: readonly string[]) => Promise<boolean>;

function benchOf<T>(
  read: (argv: readonly string[]) => T | undefined,
  run: (options: T, told: typeof progress) => Promise<unknown>,
): Bench {
  return async (argv) => {
    const options = read(argv);
    if (options !== undefined) await run(options, progress);
    return options !== undefined;
  };
}

/** All but the operator's, which reads its own name too, and refuses any other. */
const benches: Readonly<Record<string, Bench>> = {
  gateway: benchOf(readGatewayOptions, benchGateway),
  pull: benchOf(readPullOptions, benchPull),
  writes: benchOf(readWritesOptions, benchWrites),
  soak: benchOf(readSoakOptions, benchSoak),
};

const argv = process.argv.slice(2);
const named = benches[argv[0] ?? ''];

try {
  if (!(await (named ? named(argv.slice(1)) : benchOf(readOptions, benchOperator)(argv))))
    process.stdout.write(`${help}\n${gatewayHelp}\n${pullHelp}\n${writesHelp}\n${soakHelp}`);
} catch (error) {
  const expected = [OptionsError, BinariesError, UnavailableError].some((type) => error instanceof type);
  process.stderr.write(`${error instanceof Error ? (expected ? error.message : error.stack) : String(error)}\n`);
  process.exitCode = expected ? 2 : 1;
}
