import { expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { formatReference, parseReference } from '../../../src/models/reference.ts';
import { promisedDigest, servedName } from '../../../src/models/servedName.ts';

const phi = parseReference('phi4-mini:3.8b');

it('is a name that Ollama takes, and carries the digest', () => {
  const name = servedName('derived', phi, digestOf('manifest'));
  expect(parseReference(formatReference(name))).toEqual(name);
  expect(promisedDigest(name)).toBe(digestOf('manifest'));
});

it('promises nothing for other names', () => {
  expect(promisedDigest(phi)).toBeUndefined();
  expect(promisedDigest({ ...servedName('source', phi, digestOf('a')), tag: 'latest' })).toBeUndefined();
  expect(promisedDigest({ ...servedName('source', phi, digestOf('a')), namespace: 'library' })).toBeUndefined();
});
