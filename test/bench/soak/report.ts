// What a soak shows: whether that which the operator holds at rest grows from cycle to cycle.
import { median } from '../statistics.ts';

/** At rest, after everything of a cycle is gone. */
export interface Rest {
  /** Since the operator was started. */
  minutes: number;
  rssMiB: number;
  /** Of V8, live objects and what was not collected yet. */
  heapMiB: number;
  descriptors: number;
}

const measures = { rssMiB: 'RSS, MiB', heapMiB: 'heap, MiB', descriptors: 'file descriptors' } as const;
type Measure = keyof typeof measures;

/** The first cycle warms caches and connections up, and is left out. */
const warm = (rests: readonly Rest[]): readonly Rest[] => rests.slice(1);

/** The medians of the first and of the last quarter of the cycles. */
export function quarters(rests: readonly Rest[], measure: Measure): { first: number; last: number } {
  const values = warm(rests).map((rest) => rest[measure]);
  const size = Math.max(1, Math.floor(values.length / 4));
  return { first: median(values.slice(0, size)), last: median(values.slice(-size)) };
}

/** By least squares, a unit per hour; NaN for fewer than two cycles. */
export function growthPerHour(rests: readonly Rest[], measure: Measure): number {
  const points = warm(rests).map((rest) => ({ x: rest.minutes / 60, y: rest[measure] }));
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
}

/** Two more than before may be connections of this very moment. */
export const descriptorsGrow = (rests: readonly Rest[]): boolean => {
  const { first, last } = quarters(rests, 'descriptors');
  return last > first + 2;
};

export function soakTable(rests: readonly Rest[]): string {
  const rows = (Object.keys(measures) as Measure[]).map((measure) => {
    const { first, last } = quarters(rests, measure);
    const figures = [first, last, growthPerHour(rests, measure)].map((value) => value.toFixed(1));
    return `| ${[measures[measure], ...figures].join(' | ')} |`;
  });
  return ['| at rest | first quarter | last quarter | growth per hour |', '|---|---|---|---|', ...rows, ''].join('\n');
}
