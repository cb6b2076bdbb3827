import { expect, test } from 'vitest';
import { createPool } from '../../../src/kube/pool.ts';

test('who asks for the same gets the same', () => {
  const pool = createPool<string[]>(10);
  const first = pool.share('a', () => ['made']);
  expect(pool.share('a', () => ['made again'])).toBe(first);
  expect(pool.share('b', () => ['made'])).not.toBe(first);
});

test('what nobody asks for any more is forgotten, what is in use is kept', () => {
  const pool = createPool<object>(3);
  const used = pool.share('used', () => ({}));
  const unused = pool.share('unused', () => ({}));
  for (let i = 0; i < 20; i++) {
    pool.share(`other ${i}`, () => ({}));
    expect(pool.share('used', () => ({}))).toBe(used);
  }
  expect(pool.share('unused', () => ({}))).not.toBe(unused);
});

test('a value may be as empty as it likes', () => {
  const pool = createPool<string>(2);
  expect(pool.share('', () => '')).toBe('');
  expect(pool.share('', () => 'another')).toBe('');
});
