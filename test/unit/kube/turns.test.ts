import { expect, test } from 'vitest';
import { createTurns } from '../../../src/kube/turns.ts';

function job() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { promise, resolve, reject };
}

test('so many run at a time, and the next when one has ended, however it did', async () => {
  const inTurn = createTurns(2);
  const jobs = [job(), job(), job(), job()];
  const begun: number[] = [];
  const results = jobs.map(({ promise }, index) =>
    inTurn(() => {
      begun.push(index);
      return promise;
    }),
  );
  results[0]?.catch(() => undefined);
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  jobs[0]?.reject(new Error('no luck'));
  await expect(results[0]).rejects.toThrow('no luck');
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  for (const [index, { resolve }] of jobs.entries()) resolve(`done ${index}`);
  expect(await Promise.all(results.slice(1))).toEqual(['done 1', 'done 2', 'done 3']);
  expect(await inTurn(async () => 'later')).toBe('later');
});

test('work that throws at once gives its turn back', async () => {
  const inTurn = createTurns(1);
  const broken = inTurn(() => {
    throw new Error('broken');
  });
  await expect(broken).rejects.toThrow('broken');
  expect(await inTurn(async () => 'next')).toBe('next');
});
