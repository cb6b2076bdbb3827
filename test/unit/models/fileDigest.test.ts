import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { digestOfFile } from '../../../src/models/fileDigest.ts';
import { temporaryFolder } from './temporaryStore.ts';

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
