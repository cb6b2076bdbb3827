import { describe, expect, test } from 'vitest';
import { help, OptionsError, readOptions } from '../../bench/options.ts';

describe('options of the bench', () => {
  test('have defaults that need no flag', () => {
    expect(readOptions(['operator'])).toEqual({
      count: 100,
      nodes: 0,
      repeat: 1,
      edits: 100,
      idleSeconds: 60,
      inFlight: 16,
      workers: 8,
      durable: false,
      source: false,
      smoke: false,
    });
  });

  test('are small for a smoke run, unless a flag says otherwise', () => {
    expect(readOptions(['operator', '--smoke'])).toMatchObject({ count: 20, edits: 10, idleSeconds: 5, smoke: true });
    expect(readOptions(['operator', '--smoke', '--count', '3'])).toMatchObject({ count: 3, edits: 10 });
  });

  test('are undefined where help is asked for, and the help names every flag', () => {
    expect(readOptions(['--help'])).toBeUndefined();
    for (const flag of ['count', 'repeat', 'nodes', 'edits', 'idle-seconds', 'in-flight', 'workers', 'durable', 'json'])
      expect(help).toContain(`--${flag}`);
  });

  test.each([
    [['gateways'], 'the benchmarks are operator, gateway, pull, writes and soak'],
    [[], 'the benchmarks are operator, gateway, pull, writes and soak'],
    [['operator', '--count', 'many'], '--count many: must be a whole number, 1 or more'],
    [['operator', '--repeat', '0'], '--repeat 0: must be a whole number, 1 or more'],
    [['operator', '--cuont', '3'], 'see --help'],
  ])('%j is refused with a word on what is wrong', (argv, message) => {
    expect(() => readOptions(argv)).toThrow(OptionsError);
    expect(() => readOptions(argv)).toThrow(message);
  });
});
