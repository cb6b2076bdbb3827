// Which bytes of a file are there, as ranges in order that neither touch nor overlap.

/** First byte, and the one after the last. */
export type Range = readonly [start: number, end: number];

export const rangesSize = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, [start, end]) => sum + end - start, 0);

/** With one more, which may touch or overlap others. */
export function addRange(ranges: readonly Range[], [start, end]: Range): Range[] {
  if (start >= end) return [...ranges];
  const before = ranges.filter((range) => range[1] < start);
  const after = ranges.filter((range) => range[0] > end);
  const joined = ranges.slice(before.length, ranges.length - after.length);
  const first = Math.min(start, joined[0]?.[0] ?? start);
  const last = Math.max(end, joined.at(-1)?.[1] ?? end);
  return [...before, [first, last], ...after];
}

/** What is not there of a file of `size` bytes. */
export function gaps(ranges: readonly Range[], size: number): Range[] {
  const starts = [0, ...ranges.map(([, end]) => end)];
  const ends = [...ranges.map(([start]) => start), size];
  return starts.map((start, index): Range => [start, ends[index] ?? size]).filter(([start, end]) => start < end);
}

/** Bytes from the beginning on without a gap. */
export const prefixOf = (ranges: readonly Range[]): number => (ranges[0]?.[0] === 0 ? ranges[0][1] : 0);
