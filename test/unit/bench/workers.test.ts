import { expect, test } from 'vitest';
import { createWorkers, forEachAtOnce } from '../../bench/workers.ts';

test('does so many jobs at a time, oldest first, also those that come later', async () => {
  const workers = createWorkers(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const job = (index: number) => async () => {
    running += 1;
    most = Math.max(most, running);
    order.push(index);
    await Promise.resolve();
    if (index === 0) workers.add(job(9));
    running -= 1;
  };
  for (const index of [0, 1, 2, 3]) workers.add(job(index));
  await workers.done(5);
  expect(order).toEqual([0, 1, 2, 3, 9]);
  expect(most).toBe(2);
});

test('tells of a job that failed', async () => {
  const workers = createWorkers(1);
  workers.add(() => Promise.reject(new Error('no luck')));
  await expect(workers.done(1)).rejects.toThrow('no luck');
});

test('acts for each index once, and stops at the first error', async () => {
  const seen: number[] = [];
  await forEachAtOnce(7, 3, async (index) => void seen.push(index));
  expect(seen.sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  await expect(forEachAtOnce(3, 2, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
});
