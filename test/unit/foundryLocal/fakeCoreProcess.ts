// A process with a fake core in it, which does what its argument says when it is asked to load.
import { CoreError } from '../../../src/foundryLocal/core.ts';
import { runCore } from '../../../src/foundryLocal/coreProcess.ts';
import { createFakeCore } from './fakeCore.ts';

const [, , what] = process.argv;

const behaviours: Readonly<Record<string, () => Promise<void>>> = {
  crash: async () => void process.kill(process.pid, 'SIGSEGV'),
  exit: async () => process.exit(3),
  hang: () => new Promise(() => undefined),
  refuse: () => Promise.reject(new CoreError('Failed', 'bad weights')),
};

process.once('disconnect', () => process.exit(0));
const act = behaviours[what ?? ''];
const download = async (_: string, { onPercent }: { onPercent(percent: number): void }) => {
  for (const percent of [10, 50, 100]) onPercent(percent);
  if (act) await act();
};
const core = createFakeCore({ ...(act && { load: act }), download });
runCore(process, (options) =>
  what === 'missing'
    ? Promise.reject(new CoreError('Missing', `${options.libraries} is not there`))
    : core.start(options),
);
