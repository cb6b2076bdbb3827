// Who fetches which part of a file: chunks from the front, so that the hash can follow; in the end, halves of what is still open.
import { gaps, type Range } from './ranges.ts';

/** A part that one connection fetches. Others may take the end of it. */
export interface Segment {
  /** Next byte that is to be written. Moves on as writes are issued. */
  at: number;
  /** Exclusive. */
  end: number;
}

export interface Segments {
  /** The next part to fetch; undefined: all is there or in other hands. */
  take(): Segment | undefined;
  /** What of it was not written can be taken again; to be called however it ended, after its last write. */
  put(segment: Segment): void;
}

/** Less is not worth a request of its own. */
const SMALLEST_HALF = 256 * 1024;

export function createSegments(present: readonly Range[], size: number, chunkBytes: number): Segments {
  const open: [start: number, end: number][] = gaps(present, size).map(([start, end]) => [start, end]);
  const taken = new Set<Segment>();

  const fromFront = (): Segment | undefined => {
    const first = open[0];
    if (!first) return undefined;
    const segment = { at: first[0], end: Math.min(first[1], first[0] + chunkBytes) };
    first[0] = segment.end;
    if (first[0] >= first[1]) open.shift();
    return segment;
  };

  /** So that the slowest connection does not keep all others waiting. */
  const half = (): Segment | undefined => {
    const left = ({ at, end }: Segment) => end - at;
    const longest = [...taken].reduce<Segment | undefined>((a, b) => (a && left(a) >= left(b) ? a : b), undefined);
    if (!longest || left(longest) < 2 * SMALLEST_HALF) return undefined;
    const middle = longest.at + Math.ceil(left(longest) / 2);
    const segment = { at: middle, end: longest.end };
    longest.end = middle;
    return segment;
  };

  return {
    take() {
      const segment = fromFront() ?? half();
      if (segment) taken.add(segment);
      return segment;
    },
    put(segment) {
      taken.delete(segment);
      if (segment.at >= segment.end) return;
      open.push([segment.at, segment.end]);
      open.sort((a, b) => a[0] - b[0]);
    },
  };
}
