import { expect, test } from 'vitest';
import { parseUsage, usageOf } from '../../bench/usage.ts';

const status = 'Name:\tnode\nVmPeak:\t 1100000 kB\nVmHWM:\t  122880 kB\nVmRSS:\t  102400 kB\nThreads:\t11\n';

test('reads memory and processor time of a process whose name is no help', () => {
  const stat = '42 (node (x) 7) S 1 42 42 0 -1 4194304 500 0 0 0 150 50 3 4 20 0 11 0 12345';
  expect(parseUsage(status, stat)).toEqual({ rssMiB: 100, peakRssMiB: 120, cpuSeconds: 2 });
});

test('knows nothing of a process that is gone', async () => {
  expect(await usageOf(2 ** 22 + 1)).toBeUndefined();
});
