import { expect, test } from 'vitest';
import { clip, deviceOf, listOf, nodeCount } from '../../../src/placement/words.ts';

test.each([
  [[], 'nothing'],
  [['a'], 'a'],
  [['a', 'b'], 'a or b'],
  [['a', 'b', 'c'], 'a, b or c'],
  [['a', 'b', 'c', 'd', 'e', 'f'], 'a, b, c, d, e or f'],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'a, b, c, d, e or 2 more'],
])('%j reads %s', (names, text) => expect(listOf(names, 'or')).toBe(text));

test('a text is cut to its bound and shows it', () => {
  expect(clip('abcdef', 6)).toBe('abcdef');
  expect(clip('abcdefg', 6)).toBe('abcde…');
});

test('one node is no nodes', () => expect([nodeCount([1]), nodeCount([])]).toEqual(['1 node', '0 nodes']));

test('a device is its class and, if known, its vendor', () =>
  expect([deviceOf({ class: 'CPU' }), deviceOf({ class: 'GPU', vendor: 'amd' })]).toEqual(['CPU', 'GPU amd']));
