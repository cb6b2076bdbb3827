import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  blobName,
  digestOf,
  digestOfBlobName,
  isDigest,
  parseDigest,
  shortDigest,
} from '../../../src/models/digest.ts';
import { digestOfFile } from '../../../src/models/fileDigest.ts';
import { temporaryFolder } from './temporaryStore.ts';

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

describe('digestOfFile', () => {
  it('hashes a file of several pieces and tells of each', async () => {
    const content = Buffer.alloc(2.5 * 1024 * 1024, 'model');
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, content);
    const pieces: number[] = [];
    const result = await digestOfFile(path, { onBytes: (bytes) => pieces.push(bytes) });
    expect(result).toEqual({ digest: digestOf(content), size: content.length });
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.reduce((sum, n) => sum + n, 0)).toBe(content.length);
  });

  it('stops when it is told to', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, Buffer.alloc(3 * 1024 * 1024));
    const stop = new AbortController();
    const reading = digestOfFile(path, { signal: stop.signal, onBytes: () => stop.abort(new Error('enough')) });
    await expect(reading).rejects.toThrow('enough');
  });

  it('names the file that it cannot read', async () => {
    const path = join(await temporaryFolder(), 'nowhere');
    await expect(digestOfFile(path)).rejects.toMatchObject({
      reason: 'Internal',
      message: expect.stringContaining(path),
    });
  });
});
