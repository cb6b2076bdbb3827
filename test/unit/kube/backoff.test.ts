import { expect, test } from 'vitest';
import { createBackoff } from '../../../src/kube/backoff.ts';
import { createVirtualClock } from '../virtualClock.ts';

const setUp = (random = () => 0) => {
  const clock = createVirtualClock();
  return { clock, backoff: createBackoff({ clock, random }) };
};

const times = (count: number, next: () => number): number[] => Array.from({ length: count }, next);

test('doubles from 0.8 s to 30 s and stays there', () => {
  const { backoff } = setUp();
  expect(times(8, backoff.next)).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
});

test('adds up to the whole delay as jitter', () => {
  const { backoff } = setUp(() => 0.5);
  expect(times(3, backoff.next)).toEqual([1_200, 2_400, 4_800]);
  expect(setUp(() => 0.999).backoff.next()).toBeCloseTo(1_599.2);
});

test('starts again after half a healthy minute, counted from the end of the last delay', async () => {
  const { backoff, clock } = setUp();
  times(3, backoff.next); // the last delay is 3.2 s
  await clock.advance(3_200 + 29_999);
  expect(backoff.next()).toBe(6_400);
  await clock.advance(6_400 + 30_000);
  expect(backoff.next()).toBe(800);
});

test('does not take its own delay for health', async () => {
  const clock = createVirtualClock();
  const settings = { baseMs: 90_000, factor: 2, maxMs: 300_000, jitter: 0, resetAfterMs: 120_000 };
  const backoff = createBackoff({ clock, random: () => 0 }, settings);
  backoff.next();
  expect(backoff.next()).toBe(180_000);
  await clock.advance(180_000);
  expect(backoff.next()).toBe(300_000);
});

test('gives the longest delay without moving on', () => {
  const { backoff } = setUp(() => 0.5);
  expect(backoff.longest()).toBe(45_000);
  expect(backoff.next()).toBe(1_200);
});
