// Which bytes are there, and who fetches which, against a plain list of bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRange, gaps, prefixOf, type Range, rangesSize } from '../../../src/models/ranges.ts';
import { createSegments, type Segment } from '../../../src/models/segments.ts';

const SIZE = 60;
const range = fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]): Range => [Math.min(a, b), Math.max(a, b)]);
const build = (parts: readonly Range[]) => parts.reduce<readonly Range[]>((ranges, part) => addRange(ranges, part), []);
const bytesOf = (parts: readonly Range[]) => {
  const there = Array<boolean>(SIZE).fill(false);
  for (const [start, end] of parts) there.fill(true, start, end);
  return there;
};

describe('ranges', () => {
  it('are the bytes that were added, in order and as few as can be', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (parts) => {
        const ranges = build(parts);
        expect(bytesOf(ranges)).toEqual(bytesOf(parts));
        expect(rangesSize(ranges)).toBe(bytesOf(parts).filter(Boolean).length);
        for (const [index, [start, end]] of ranges.entries()) {
          expect(start).toBeLessThan(end);
          const next = ranges[index + 1];
          if (next) expect(end).toBeLessThan(next[0]);
        }
      }),
    );
  });

  it('leave gaps that fill the file', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (parts) => {
        const ranges = build(parts);
        expect(bytesOf(gaps(ranges, SIZE))).toEqual(bytesOf(ranges).map((there) => !there));
      }),
    );
  });

  it('begin with a prefix up to the first byte that is missing', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (parts) => {
        const missing = bytesOf(parts).indexOf(false);
        expect(prefixOf(build(parts))).toBe(missing < 0 ? SIZE : missing);
      }),
    );
  });
});

describe('segments', () => {
  const MIB = 1024 * 1024;

  it('give every byte to exactly one, however they are taken, cut off and put back', () => {
    const step = fc.record({ take: fc.boolean(), who: fc.nat(), part: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (sizeMiB, steps) => {
        const size = sizeMiB * MIB - 3;
        const segments = createSegments([], size, 2 * MIB);
        const taken: Segment[] = [];
        let written: readonly Range[] = [];
        let count = 0;
        const write = (segment: Segment, bytes: number) => {
          const end = Math.min(segment.end, segment.at + bytes);
          written = addRange(written, [segment.at, end]);
          count += end - segment.at;
          segment.at = end;
        };
        for (const { take, who, part } of steps) {
          const segment = take ? segments.take() : taken[who % Math.max(1, taken.length)];
          if (!segment) continue;
          if (take) taken.push(segment);
          else {
            write(segment, Math.floor(part * (segment.end - segment.at)));
            if (part > 0.7) segments.put(...(taken.splice(taken.indexOf(segment), 1) as [Segment]));
          }
        }
        for (const segment of taken) segments.put(segment);
        for (let segment = segments.take(); segment; segment = segments.take()) {
          write(segment, size);
          segments.put(segment);
        }
        expect(written).toEqual([[0, size]]);
        expect(count).toBe(size); // none twice
      }),
    );
  });

  it('come from the front, so that the hash can follow', () => {
    const segments = createSegments([[0, 10]], 100, 30);
    expect(segments.take()).toEqual({ at: 10, end: 40 });
    const second = segments.take();
    expect(second).toEqual({ at: 40, end: 70 });
    if (second) segments.put({ at: 50, end: 70 });
    expect(segments.take()).toEqual({ at: 50, end: 70 });
    expect(segments.take()).toEqual({ at: 70, end: 100 });
    expect(segments.take()).toBeUndefined();
  });
});
