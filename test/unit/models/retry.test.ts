import { expect, test } from 'vitest';
import { pauseMs } from '../../../src/models/retry.ts';

const least = () => 0;
const half = () => 0.5;

test('pauses double up to half a minute, jittered from half to one and a half', () => {
  expect([0, 1, 2, 5, 6, 20].map((attempt) => pauseMs(attempt, half))).toEqual([
    500, 1000, 2000, 16_000, 30_000, 30_000,
  ]);
  expect(pauseMs(3, least)).toBe(2000);
  expect(pauseMs(3, () => 1)).toBe(6000);
});

test('what the registry asks for is kept, and at most a second more, so that not all come back at once', () => {
  expect(pauseMs(0, half, 7_000)).toBe(7_500);
  expect(pauseMs(6, half, 7_000)).toBe(8_000);
});

test('a registry that asks for more than ten minutes is not waited for', () => {
  expect(pauseMs(0, least, 600_000)).toBe(600_250);
  expect(pauseMs(0, least, 600_001)).toBeUndefined();
});
