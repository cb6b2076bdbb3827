import { expect, it } from 'vitest';
import { createMeter } from '../../../src/puller/meter.ts';
import { createVirtualClock } from '../virtualClock.ts';

const second = 1_000;

it('says nothing before a second has been seen', async () => {
  const clock = createVirtualClock();
  const meter = createMeter(clock);
  expect(meter.bytesPerSecond()).toBeUndefined();
  meter.add(500);
  await clock.advance(second / 2);
  expect(meter.bytesPerSecond()).toBeUndefined();
});

it('is the rate of the last ten seconds', async () => {
  const clock = createVirtualClock();
  const meter = createMeter(clock);
  for (let at = 0; at < 30; at++) {
    meter.add(at < 15 ? 1_000 : 100);
    await clock.advance(second);
  }
  expect(meter.bytesPerSecond()).toBeCloseTo(100, 5);
});

it('falls to nothing when nothing moves', async () => {
  const clock = createVirtualClock();
  const meter = createMeter(clock);
  meter.add(1_000);
  await clock.advance(2 * second);
  expect(meter.bytesPerSecond()).toBe(500);
  await clock.advance(20 * second);
  expect(meter.bytesPerSecond()).toBeLessThan(50);
  await clock.advance(11 * second);
  expect(meter.bytesPerSecond()).toBe(0);
});

it('begins anew after a reset', async () => {
  const clock = createVirtualClock();
  const meter = createMeter(clock);
  meter.add(1_000);
  await clock.advance(2 * second);
  meter.reset();
  expect(meter.bytesPerSecond()).toBeUndefined();
});
