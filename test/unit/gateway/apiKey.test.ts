import { describe, expect, it } from 'vitest';
import { digestOf, parseApiKey } from '../../../src/gateway/apiKey.ts';

const parse = (entry: string) => parseApiKey('billing', Buffer.from(entry));

describe('an entry of the Secret', () => {
  it.each(['sk-1', 'sk-1\n', '  sk-1\r\n'])('%j is a key that lasts', (entry) => {
    expect(parse(entry)).toEqual({ client: 'billing', digest: digestOf('sk-1') });
  });

  it.each([
    ['sk-1 expires=2027-03-31', Date.UTC(2027, 2, 31)],
    ['sk-1\nexpires=2027-03-31\n', Date.UTC(2027, 2, 31)],
    ['sk-1 expires=2028-02-29', Date.UTC(2028, 1, 29)],
    ['sk-1 expires=2027-03-31T12:00:00Z', Date.UTC(2027, 2, 31, 12)],
    ['sk-1 expires=2027-03-31T12:00:00+02:00', Date.UTC(2027, 2, 31, 10)],
    ['sk-1 expires=2027-03-31T12:00:00.5Z', Date.UTC(2027, 2, 31, 12, 0, 0, 500)],
  ])('%j ends', (entry, expiresAt) => {
    expect(parse(entry)).toEqual({ client: 'billing', digest: digestOf('sk-1'), expiresAt });
  });

  it.each([
    '',
    ' \n',
    'two words',
    'sk-1 expires=2027-03-31 more',
    'sk-1 expires=',
    'sk-1 expires=soon',
    'sk-1 expires=2027-02-29',
    'sk-1 expires=31.03.2027',
    'sk-1 expires=2027-03-31T12:00:00', // of which zone?
    'sk-1 expires=1806451200',
    'sk-1 Expires=2027-03-31',
    'expires=2027-03-31',
    'expires=2027-03-31 sk-1',
    'schlüssel',
    'x'.repeat(4097),
  ])('%j is no key', (entry) => {
    expect(parse(entry)).toBeUndefined();
  });
});
