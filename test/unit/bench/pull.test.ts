import { describe, expect, test } from 'vitest';
import { OptionsError } from '../../bench/options.ts';
import { pullHelp, readPullOptions } from '../../bench/pull/options.ts';
import { type Pass, pullBudgets, pullRatios, type Round, requestBudget } from '../../bench/pull/report.ts';

describe('options of the bench of the pull', () => {
  test('have defaults, small ones for a smoke run', () => {
    expect(readPullOptions([])).toEqual({ size: 2 ** 30, repeat: 3, source: false, smoke: false });
    expect(readPullOptions(['--smoke'])).toMatchObject({ size: 2 ** 25, repeat: 1, smoke: true });
    expect(readPullOptions(['--smoke', '--size', '4Gi'])).toMatchObject({ size: 2 ** 32 });
  });

  test('are undefined where help is asked for, and the help names every flag', () => {
    expect(readPullOptions(['--help'])).toBeUndefined();
    for (const flag of ['size', 'repeat', 'folder', 'source', 'json', 'smoke']) expect(pullHelp).toContain(`--${flag}`);
  });

  test.each([
    [['--size', '1GB'], '--size 1GB: must be a whole number of bytes'],
    [['--size', '1000'], '1Mi or more'],
    [['--repeat', '0'], '--repeat 0: must be a whole number, 1 or more'],
    [['--sizes', '1Gi'], 'see --help'],
  ])('%j is refused with a word on what is wrong', (argv, message) => {
    expect(() => readPullOptions(argv)).toThrow(OptionsError);
    expect(() => readPullOptions(argv)).toThrow(message);
  });
});

describe('figures of the bench of the pull', () => {
  const pass = (seconds: number, more: Partial<Pass> = {}): Pass => ({
    seconds,
    durableSeconds: 2 * seconds,
    requests: 2,
    ...more,
  });
  const round = (seconds: number, requests: number): Round => ({
    pull: pass(seconds, { requests, cpuSeconds: 2 }),
    curl: pass(4, { cpuSeconds: 4 }),
    ollama: pass(2),
  });

  test('are the median of the ratios within rounds; unknown where one is', () => {
    const ratios = pullRatios([round(1, 30), round(2, 30), round(40, 30)]);
    expect(ratios.map(({ value }) => value)).toEqual([0.5, 0.5, 0.5, 1, 1, undefined]);
  });

  test('hold the round with most requests against the budget', () => {
    const [figure] = pullBudgets([round(1, 30), round(1, 99)], 2 ** 30);
    expect(figure).toMatchObject({ value: 99, aim: requestBudget(2 ** 30), budget: true });
  });
});
