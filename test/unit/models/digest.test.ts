import { describe, expect, it } from 'vitest';
import {
  blobName,
  digestOf,
  digestOfBlobName,
  isDigest,
  parseDigest,
  shortDigest,
} from '../../../src/models/digest.ts';

const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('digests', () => {
  it('hashes bytes and text', () => {
    expect(digestOf('')).toBe(empty);
    expect(digestOf(Buffer.from('abc'))).toBe(digestOf('abc'));
  });

  it('takes only sha256 with 64 lower-case digits', () => {
    expect(parseDigest(empty)).toBe(empty);
    for (const wrong of [
      empty.toUpperCase(),
      empty.slice(0, -1),
      `${empty}0`,
      empty.replace(':', '-'),
      `sha512:${'0'.repeat(64)}`,
      '',
      `x${empty}`,
      `${empty}\n`,
    ])
      expect(isDigest(wrong), wrong).toBe(false);
  });

  it('has a file name in a store, and a short form', () => {
    const digest = digestOf('');
    expect(blobName(digest)).toBe(`sha256-${empty.slice(7)}`);
    expect(digestOfBlobName(blobName(digest))).toBe(digest);
    expect(digestOfBlobName(`${blobName(digest)}-partial`)).toBeUndefined();
    expect(shortDigest(digest)).toBe('e3b0c44298fc');
  });
});
