import { describe, expect, test } from 'vitest';
import { jsonLines } from '../../../src/kube/jsonLines.ts';

const documents = [{ n: 1 }, { name: 'žluťoučký 🐎' }, 'a\nb', [], null];
const bytes = Buffer.from(documents.map((document) => `${JSON.stringify(document)}\n`).join(''));

const read = (chunks: Uint8Array[], longest = 1_000) => {
  const lines = jsonLines(longest);
  return [...chunks.flatMap((chunk) => lines.push(chunk)), ...lines.end()];
};

describe('documents', () => {
  test('come out the same wherever the chunks are cut', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(documents);
    }
  });

  test('come out as soon as their line is whole', () => {
    const lines = jsonLines(1_000);
    expect(lines.push(Buffer.from('{"n":1'))).toEqual([]);
    expect(lines.push(Buffer.from('}\n{"n":2}\n{'))).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('need no line break at the end, and blank lines are none', () => {
    expect(read([Buffer.from('\n{"n":1}\r\n\n{"n":2}')])).toEqual([{ n: 1 }, { n: 2 }]);
  });
});

describe('what is refused', () => {
  test('half a document, at the end and between two', () => {
    expect(() => read([Buffer.from('{"n":')])).toThrow(SyntaxError);
    expect(() => read([Buffer.from('{"n":\n{"n":1}\n')])).toThrow(SyntaxError);
  });

  test('a line without an end, but not many short ones', () => {
    expect(() => read([Buffer.from('"123'), Buffer.from('4567')], 7)).toThrow(RangeError);
    expect(read([Buffer.from('"12345"\n'.repeat(100))], 7)).toHaveLength(100);
  });
});
