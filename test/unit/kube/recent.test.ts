import { expect, test } from 'vitest';
import { createRecent } from '../../../src/kube/recent.ts';
import { createVirtualClock } from '../virtualClock.ts';

test('forgets what is too old, counted from when it was last set', async () => {
  const clock = createVirtualClock();
  const recent = createRecent<number>(clock, { size: 10, maxAgeMs: 1000 });
  recent.set('a', 1);
  await clock.advance(600);
  recent.set('a', 2);
  await clock.advance(999);
  expect(recent.get('a')).toBe(2);
  await clock.advance(1);
  expect(recent.get('a')).toBeUndefined();
});

test('makes room by forgetting what was set longest ago', () => {
  const recent = createRecent<number>(createVirtualClock(), { size: 2 });
  recent.set('a', 1);
  recent.set('b', 2);
  recent.set('a', 3);
  recent.set('c', 4);
  expect([recent.get('a'), recent.get('b'), recent.get('c')]).toEqual([3, undefined, 4]);
});

test('forgets on demand', () => {
  const recent = createRecent<number>(createVirtualClock(), { size: 2 });
  recent.set('a', 1);
  recent.delete('a');
  expect(recent.get('a')).toBeUndefined();
});
