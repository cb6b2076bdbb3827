import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { paddingOf, tarEnd, tarEntrySize, tarHeader, tarSize } from '../../../../src/cli/pack/tar.ts';
import { temporaryFolder } from '../../models/temporaryStore.ts';
import { output } from './programs.ts';

const GiB = 2 ** 30;
const field = (header: Buffer, at: number, length: number) =>
  header
    .subarray(at, at + length)
    .toString('latin1')
    .replace(/\0.*$/, '');

/** One entry whose content is a hole, so that its size costs nothing. */
async function archiveOf(name: string, size: number): Promise<string> {
  const path = join(await temporaryFolder(), 'a.tar');
  await writeFile(path, tarHeader({ name, size }));
  await truncate(path, tarEntrySize({ name, size }) + tarEnd.length);
  return path;
}

const listed = async (name: string, size: number) =>
  output('tar', '--list', '--verbose', '--numeric-owner', '--file', await archiveOf(name, size));

describe('a tar header', () => {
  it('belongs to nobody, to no time, and can be read by everybody', () => {
    const header = tarHeader({ name: 'blobs/a', size: 5 });
    expect(header).toHaveLength(512);
    expect(field(header, 0, 100)).toBe('blobs/a');
    expect(field(header, 100, 8)).toBe('0000644');
    expect([field(header, 108, 8), field(header, 116, 8), field(header, 136, 12)]).toEqual([
      '0000000',
      '0000000',
      '00000000000',
    ]);
    expect(field(header, 124, 12)).toBe('00000000005');
    expect(header.subarray(257, 265).toString('latin1')).toBe('ustar\x0000');
    expect(field(header, 265, 64)).toBe('');
  });

  it('has the sum that readers check', () => {
    const header = tarHeader({ name: 'a', size: 1 });
    const sum = [...header].reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    expect(Number.parseInt(field(header, 148, 8), 8)).toBe(sum);
  });

  it('makes a folder of a name that ends in a slash', async () => {
    expect(await listed('blobs/sha256/', 0)).toMatch(/^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 blobs\/sha256\/\n$/);
  });

  it.each([0, 1, 512, 8 * GiB - 1])('tells tar of %d bytes without an extension', async (size) => {
    expect(tarHeader({ name: 'a', size })).toHaveLength(512);
    expect(await listed('a', size)).toBe(`-rw-r--r-- 0/0 ${String(size).padStart(15)} 1970-01-01 00:00 a\n`);
  });

  it.each([8 * GiB, 8 * GiB + 1, 700 * GiB])('tells tar of %d bytes, which do not fit the old field', async (size) => {
    expect(tarHeader({ name: 'a', size })).toHaveLength(3 * 512);
    expect(await listed('a', size)).toBe(`-rw-r--r-- 0/0 ${String(size).padStart(15)} 1970-01-01 00:00 a\n`);
  });

  it('can have its name filled in later, whatever the size', () => {
    for (const size of [0, 8 * GiB]) {
      const [before, after] = ['0', 'f'].map((digit) => tarHeader({ name: `blobs/${digit.repeat(64)}`, size }));
      expect(after).toHaveLength(before?.length ?? 0);
    }
  });

  it.each([
    ['at the edge of the name', `${'a'.repeat(100)}`, 1],
    ['in two fields', `manifests/${'h'.repeat(120)}/library/${'m'.repeat(80)}`, 1],
    ['cut at the last possible slash', `${'a'.repeat(155)}/${'b'.repeat(100)}`, 1],
    ['one too long for a name', 'a'.repeat(101), 3],
    ['with the longest host, model and tag', `manifests/${'h'.repeat(350)}/n/${'m'.repeat(80)}/${'t'.repeat(80)}`, 4],
    ['of a folder, in two fields', `${'h'.repeat(120)}/${'m'.repeat(80)}/`, 1],
    ['of a folder that is one long word', `${'h'.repeat(300)}/`, 3],
  ])('keeps a path %s', async (_, name, blocks) => {
    expect(tarHeader({ name, size: 0 })).toHaveLength(blocks * 512);
    expect(await output('tar', '--list', '--file', await archiveOf(name, 0))).toBe(`${name}\n`);
  });

  it('counts the length of its extension right, also where the count grows by a digit', async () => {
    for (let length = 85; length < 105; length++) {
      const name = `${'a'.repeat(101)}${'b'.repeat(length)}`;
      expect(await output('tar', '--list', '--file', await archiveOf(name, 0))).toBe(`${name}\n`);
    }
  });
});

describe('an archive', () => {
  it('is as long as was said', async () => {
    const entries = [
      { name: 'a', size: 700 },
      { name: 'b', size: 0 },
    ];
    expect(tarSize(entries)).toBe(512 + 1024 + 512 + 1024);
    expect([0, 1, 511, 512, 513].map(paddingOf)).toEqual([0, 511, 1, 0, 511]);
    const path = join(await temporaryFolder(), 'a.tar');
    await using file = await open(path, 'w');
    for (const entry of entries)
      await file.write(Buffer.concat([tarHeader(entry), Buffer.alloc(entry.size + paddingOf(entry.size), 'x')]));
    await file.write(tarEnd);
    expect((await file.stat()).size).toBe(tarSize(entries));
    expect(await output('tar', '--list', '--file', path)).toBe('a\nb\n');
  });
});
