// Libraries without their symbols: made by hand here, because the real ones are fetched; the end-to-end tests load those.
import { describe, expect, it } from 'vitest';
import { withoutSymbols } from '../../../../src/cli/symbols/elf.ts';

const headerSize = 64;
const segmentSize = 56;

interface Segment {
  offset: number;
  size: number;
}

/** An ELF file of `total` bytes, counted up, with a table of sections at its end. */
function library(segments: readonly Segment[], total: number): Buffer {
  const file = Buffer.from(Array.from({ length: total }, (_, index) => index % 251));
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  file.writeBigUInt64LE(BigInt(headerSize), 0x20);
  file.writeBigUInt64LE(BigInt(total - 10), 0x28);
  file.writeUInt16LE(segmentSize, 0x36);
  file.writeUInt16LE(segments.length, 0x38);
  file.writeUInt16LE(12, 0x3c);
  file.writeUInt16LE(11, 0x3e);
  for (const [index, { offset, size }] of segments.entries()) {
    const at = headerSize + index * segmentSize;
    file.writeBigUInt64LE(BigInt(offset), at + 0x08);
    file.writeBigUInt64LE(BigInt(size), at + 0x20);
  }
  return file;
}

describe('a library without its symbols', () => {
  it('ends with its last segment, wherever that stands in the table', () => {
    const whole = library(
      [
        { offset: 600, size: 100 },
        { offset: 0, size: 300 },
      ],
      5_000,
    );
    expect(withoutSymbols(whole)).toHaveLength(700);
  });

  it('keeps every byte of the segments, and of the header all but the way to the sections', () => {
    const whole = library([{ offset: 0, size: 1_000 }], 3_000);
    const kept = withoutSymbols(whole);
    expect(kept.readBigUInt64LE(0x28)).toBe(0n);
    expect([kept.readUInt16LE(0x3c), kept.readUInt16LE(0x3e)]).toEqual([0, 0]);
    expect(kept.subarray(0, 0x28)).toEqual(whole.subarray(0, 0x28));
    expect(kept.subarray(0x40)).toEqual(whole.subarray(0x40, 1_000));
  });

  it('keeps the table of segments where that lies behind them all', () => {
    expect(withoutSymbols(library([{ offset: 0, size: 8 }], 500))).toHaveLength(headerSize + segmentSize);
  });

  it('is the same when it is made again', () => {
    const once = withoutSymbols(library([{ offset: 0, size: 400 }], 900));
    expect(withoutSymbols(once)).toEqual(once);
  });

  it.each([
    ['text', Buffer.from('not a library at all')],
    ['nothing', Buffer.alloc(0)],
    ['32 bits', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1])],
    ['the most significant byte first', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 2])],
  ])('is not made of %s', (_, file) => {
    expect(() => withoutSymbols(file)).toThrow('not an ELF file of 64 bits');
  });
});
