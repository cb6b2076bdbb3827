import { describe, expect, it } from 'vitest';
import { JsonError, membersAt, skipValue } from '../../../src/gateway/jsonScan.ts';

const bytes = (text: string) => Buffer.from(text);

describe('members of an object', () => {
  it('are found where they stand, duplicates too', () => {
    const text = ' { "a" : [1, {"x":"}"}] ,\n"b\\u0061":-1.5e+3,"a":"\\"" } ';
    const { members, end } = membersAt(bytes(text), 1);
    expect(members.map(({ key, valueStart, valueEnd }) => [key, text.slice(valueStart, valueEnd)])).toEqual([
      ['a', '[1, {"x":"}"}]'],
      ['ba', '-1.5e+3'],
      ['a', '"\\""'],
    ]);
    expect(text.slice(end)).toBe(' ');
  });
});

describe('a value', () => {
  it.each([
    '0',
    '-0',
    '1.5',
    '1e5',
    '1E-5',
    'true',
    'false',
    'null',
    '""',
    '"\\u00e9"',
    '[]',
    '{}',
    '[[],{}]',
    '{"a":{}}',
  ])('may be %s', (text) => {
    expect(skipValue(bytes(text), 0)).toBe(text.length);
  });

  it.each([
    '',
    '-',
    '.5',
    '1.',
    '1e',
    'tru',
    '"',
    '"\n"',
    '"\\x"',
    '"\\u00g0"',
    '[',
    '[1',
    '[1,]',
    '[,]',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    '[1 2]',
    '[}',
    '{]',
  ])('cannot be %j', (text) => {
    expect(() => skipValue(bytes(text), 0)).toThrow(JsonError);
  });

  it('costs no stack and no memory, however deep or many', () => {
    expect(() => skipValue(bytes('['.repeat(1_000_000)), 0)).toThrow('more than 200 levels');
    const many = `[${'[],'.repeat(300_000)}[]]`;
    expect(skipValue(bytes(many), 0)).toBe(many.length);
  });
});
