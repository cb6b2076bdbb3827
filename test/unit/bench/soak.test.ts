import { describe, expect, test } from 'vitest';
import { OptionsError } from '../../bench/options.ts';
import { readSoakOptions } from '../../bench/soak/options.ts';
import { descriptorsGrow, growthPerHour, quarters, type Rest, soakTable } from '../../bench/soak/report.ts';

/** A cycle each six minutes; the first is far from all others. */
const rests = (of: (cycle: number) => Partial<Rest>, cycles = 9): Rest[] =>
  Array.from({ length: cycles }, (_, cycle) => ({
    minutes: (cycle + 1) * 6,
    rssMiB: 80,
    heapMiB: 20,
    descriptors: 30,
    ...(cycle === 0 ? { rssMiB: 1, heapMiB: 1, descriptors: 1 } : of(cycle)),
  }));

describe('options of the soak', () => {
  test('have defaults that need no flag', () => {
    expect(readSoakOptions([])).toEqual({ minutes: 60, count: 50, restartEvery: 5 });
    expect(readSoakOptions(['--minutes', '3', '--count=4', '--restart-every=2', '--json', 'f'])).toEqual({
      minutes: 3,
      count: 4,
      restartEvery: 2,
      json: 'f',
    });
    expect(readSoakOptions(['--help'])).toBeUndefined();
  });

  test.each(['--minutes=0', '--count=-1', '--restart-every=often', '--repeat=3'])('refuse %s', (flag) => {
    expect(() => readSoakOptions([flag])).toThrow(OptionsError);
  });
});

describe('what is held at rest', () => {
  test('that stays the same does not grow, whatever the first cycle was', () => {
    const same = rests(() => ({}));
    expect(quarters(same, 'rssMiB')).toEqual({ first: 80, last: 80 });
    expect(growthPerHour(same, 'rssMiB')).toBe(0);
    expect(descriptorsGrow(same)).toBe(false);
  });

  test('grows by what comes with each cycle', () => {
    const leaking = rests((cycle) => ({ heapMiB: 20 + cycle, descriptors: 30 + cycle }));
    expect(growthPerHour(leaking, 'heapMiB')).toBeCloseTo(10);
    expect(quarters(leaking, 'heapMiB')).toEqual({ first: 21.5, last: 27.5 });
    expect(descriptorsGrow(leaking)).toBe(true);
    expect(soakTable(leaking)).toContain('| heap, MiB | 21.5 | 27.5 | 10.0 |');
  });

  test('may have two descriptors more at one moment', () => {
    expect(descriptorsGrow(rests((cycle) => ({ descriptors: cycle < 5 ? 30 : 32 })))).toBe(false);
  });
});
