import { expect, test } from 'vitest';
import { canonicalJson, hashOf } from '../../../src/placement/hash.ts';

test('the order of keys does not matter, at any depth', () => {
  const one = { b: [{ y: 1, x: 2 }], a: { d: null, c: 'z' } };
  const other = { a: { c: 'z', d: null }, b: [{ x: 2, y: 1 }] };
  expect(canonicalJson(one)).toBe('{"a":{"c":"z","d":null},"b":[{"x":2,"y":1}]}');
  expect(hashOf(one)).toBe(hashOf(other));
});

test('the order of a list matters', () => expect(hashOf([1, 2])).not.toBe(hashOf([2, 1])));

test('a member that nobody set does not count', () => expect(hashOf({ a: 1, b: undefined })).toBe(hashOf({ a: 1 })));

test('the hash is the same for ever: it stands on workloads', () => {
  expect(hashOf({ runtime: 'Ollama', ladder: [{ class: 'CPU' }] })).toBe('o5ggjqkyrl');
});

test.each([undefined, null, '', 0, [], {}, { a: 'ä' }])('%j gives a label', (value) =>
  expect(hashOf(value)).toMatch(/^[a-z2-7]{10}$/),
);
