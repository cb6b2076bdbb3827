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

/** Resolves with false where help was asked for. */
async function bench([name, ...argv]: readonly string[]): Promise<boolean> {
  if (name === 'pull') {
    const options = readPullOptions(argv);
    if (options) await benchPull(options, progress);
    return options !== undefined;
  }
  if (name === 'gateway') {
    const options = readGatewayOptions(argv);
    if (options) await benchGateway(options, progress);
    return options !== undefined;
  }
  if (name === 'writes') {
    const options = readWritesOptions(argv);
    if (options) await benchWrites(options, progress);
    return options !== undefined;
  }
  if (name === 'soak') {
    const options = readSoakOptions(argv);
    if (options) await benchSoak(options, progress);
    return options !== undefined;
  }
  const options = readOptions(name === undefined ? argv : [name, ...argv]);
  if (options) await benchOperator(options, progress);
  return options !== undefined;
}

try {
  if (!(await bench(process.argv.slice(2))))
    process.stdout.write(`${help}\n${gatewayHelp}\n${pullHelp}\n${writesHelp}\n${soakHelp}`);
} catch (error) {
  const expected = [OptionsError, BinariesError, UnavailableError].some((type) => error instanceof type);
  process.stderr.write(`${error instanceof Error ? (expected ? error.message : error.stack) : String(error)}\n`);
  process.exitCode = expected ? 2 : 1;
}
