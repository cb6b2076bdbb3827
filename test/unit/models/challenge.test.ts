import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../src/models/challenge.ts';

const parse = (text: string) => parseChallenges(text).map(({ scheme, parameters }) => ({ scheme, ...parameters }));

describe('challenges', () => {
  it('are read with their parameters', () => {
    expect(parse('Bearer realm="https://a.test/token",service="a.test",scope="repository:x/y:pull,push"')).toEqual([
      { scheme: 'bearer', realm: 'https://a.test/token', service: 'a.test', scope: 'repository:x/y:pull,push' },
    ]);
  });

  it('may be several in one header', () => {
    expect(parse('Basic realm="x", Bearer realm="y", error=invalid_token, Negotiate')).toEqual([
      { scheme: 'basic', realm: 'x' },
      { scheme: 'bearer', realm: 'y', error: 'invalid_token' },
      { scheme: 'negotiate' },
    ]);
  });

  it('may have spaces, quotes that are escaped, and names in any case', () => {
    expect(parse('bearer  Realm = "a \\"b\\"" , SERVICE=c')).toEqual([
      { scheme: 'bearer', realm: 'a "b"', service: 'c' },
    ]);
  });

  it.each(['', ',,,', '"', '=', 'Bearer realm="no end', '\u0000'])('that cannot be read end the list: %j', (text) => {
    expect(parseChallenges(text).every(({ parameters }) => parameters.realm === undefined)).toBe(true);
  });
});
