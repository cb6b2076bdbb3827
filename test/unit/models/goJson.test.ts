import { expect, it } from 'vitest';
import { goJson, sortedKeys } from '../../../src/models/goJson.ts';

// Both expectations are what encoding/json of Go 1.26 printed for the same values.
it('writes what Go writes for a map', () => {
  const value = {
    stop: ['<|im_end|>', 'a&b', '\u2028\u2029', '\x01\t\b\f\x7f"\\/é😀'],
    temperature: 0.2,
    num_ctx: 4096,
    a: 1e21,
    b: 1e-7,
    B: true,
    é: null,
    '\u{1F600}': 1,
    '\uffff': 2,
  };
  expect(goJson(sortedKeys(value)).toString()).toBe(
    '{"B":true,"a":1e+21,"b":1e-7,"num_ctx":4096,"stop":["\\u003c|im_end|\\u003e","a\\u0026b","\\u2028\\u2029",' +
      '"\\u0001\\t\\b\\f\x7f\\"\\\\/é😀"],"temperature":0.2,"é":null,"\uffff":2,"\u{1F600}":1}\n',
  );
});

it('writes what Go writes for a struct: members in their order, empty ones left out', () => {
  expect(goJson({ mediaType: 'x', digest: undefined, size: 0 }).toString()).toBe('{"mediaType":"x","size":0}\n');
});

it('writes the replacement character for half a surrogate pair', () => {
  expect(goJson('a\ud800b').toString()).toBe('"a\ufffdb"\n');
});
