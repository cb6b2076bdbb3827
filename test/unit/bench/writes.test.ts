import { describe, expect, test } from 'vitest';
import { OptionsError } from '../../bench/options.ts';
import { readWritesOptions } from '../../bench/writes/options.ts';
import { costTable } from '../../bench/writes/report.ts';

describe('options of the bench of writes', () => {
  test('have defaults that need no flag', () => {
    expect(readWritesOptions([])).toEqual({ count: 200, durable: false });
    expect(readWritesOptions(['--count', '25', '--durable', '--json', 'f'])).toEqual({
      count: 25,
      durable: true,
      json: 'f',
    });
    expect(readWritesOptions(['--help'])).toBeUndefined();
  });

  test.each(['0', '-3', '2.5', 'many'])('%s is no count', (count) => {
    expect(() => readWritesOptions([`--count=${count}`])).toThrow(OptionsError);
  });

  test('know no other flags', () => {
    expect(() => readWritesOptions(['--repeat', '3'])).toThrow(OptionsError);
  });
});

test('the table sets the dearer way beside the cheaper one', () => {
  const price = (serverCpuMs: number) => ({ ms: 2.04, serverCpuMs });
  const lines = costTable([
    { kind: 'Service, headless', post: price(2), apply: price(3), put: price(1), reapply: price(1.5) },
  ]).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[2]).toBe(
    '| Service, headless | 2.0 ms, 2.0 ms CPU | 2.0 ms, 3.0 ms CPU | 1.50 | 2.0 ms, 1.0 ms CPU | 2.0 ms, 1.5 ms CPU | 1.50 |',
  );
});
