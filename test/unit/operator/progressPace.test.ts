import { expect, test } from 'vitest';
import { createProgressPace } from '../../../src/operator/progressPace.ts';
import { createVirtualClock } from '../virtualClock.ts';

test('one alone never waits', async () => {
  const clock = createVirtualClock();
  const pace = createProgressPace(clock);
  for (let i = 0; i < 5; i++) {
    expect(pace.waitFor('ai/one')).toBe(0);
    await clock.advance(200);
  }
});

test('many at once get a place each, five in a second, in the order in which they came', async () => {
  const clock = createVirtualClock();
  const pace = createProgressPace(clock);
  const keys = Array.from({ length: 1000 }, (_, i) => `ai/model-${i}`);
  const waits = keys.map((key) => pace.waitFor(key));
  expect(waits).toEqual(keys.map((_, i) => i * 200));
  await clock.advance(400);
  expect(pace.waitFor('ai/model-2')).toBe(0);
  expect(pace.waitFor('ai/model-9')).toBe(1400);
});

test('who asks again before its place has come keeps it', async () => {
  const clock = createVirtualClock();
  const pace = createProgressPace(clock);
  pace.waitFor('ai/a');
  expect(pace.waitFor('ai/b')).toBe(200);
  await clock.advance(50);
  expect(pace.waitFor('ai/b')).toBe(150);
  expect(pace.waitFor('ai/c')).toBe(350);
});
