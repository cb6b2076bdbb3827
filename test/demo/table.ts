// The table of `kubectl get lmd -o wide`, made to fit a width: columns that kubectl shows only with -o wide go first, then
// model names are cut. Pure.
import type { StoredDeployment } from '../../src/api/types.ts';

interface Column {
  title: string;
  value(deployment: StoredDeployment, now: number): string;
  /** Characters to keep free for what is not known at first. */
  room?: number;
  /** May be cut down to so many characters. */
  shrinksTo?: number;
  /** Shown only where all the others fit. */
  wide?: true;
}

const ready = ({ status }: StoredDeployment) => status?.conditions?.find(({ type }) => type === 'Ready');
const specOf = (deployment: StoredDeployment) => deployment.spec as { runtime?: string; model?: { name?: string } };

const columns: readonly Column[] = [
  { title: 'NAME', value: ({ metadata }) => metadata.name },
  { title: 'RUNTIME', value: (deployment) => specOf(deployment).runtime ?? '' },
  { title: 'MODEL', value: (deployment) => specOf(deployment).model?.name ?? '', shrinksTo: 12 },
  { title: 'HARDWARE', value: ({ status }) => status?.hardware?.class ?? '' },
  { title: 'READY', value: (deployment) => ready(deployment)?.status ?? '' },
  { title: 'STATUS', value: (deployment) => ready(deployment)?.reason ?? '', room: 'Unschedulable'.length },
  { title: 'AGE', value: ({ metadata }, now) => age(metadata.creationTimestamp, now), room: 3 },
  { title: 'DIGEST', value: ({ status }) => short(status?.model?.sourceDigest), room: 19, wide: true },
  { title: 'AUTH', value: ({ status }) => status?.effective?.auth ?? '', room: 'ApiKeys'.length, wide: true },
  { title: 'ENDPOINT', value: ({ status }) => status?.endpoint ?? '', room: 50, wide: true },
];

const short = (digest: string | undefined) => digest?.slice(0, 'sha256:'.length + 12) ?? '';

/** How kubectl writes ages: `8s`, `3m20s`, `17m`, `5h`. */
export function age(created: string | undefined, now: number): string {
  if (created === undefined) return '';
  const seconds = Math.max(0, Math.floor((now - Date.parse(created)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes}m${seconds % 60 === 0 ? '' : `${seconds % 60}s`}`;
  return minutes < 180 ? `${minutes}m` : `${Math.floor(minutes / 60)}h`;
}

const gap = '  ';

export interface Table {
  header: string;
  /** Whether the columns of `-o wide` fit in, all of them. */
  isWide: boolean;
  /** `now` in milliseconds since the epoch. */
  row(deployment: StoredDeployment, now: number): string;
}

/** A table whose columns stay where they are while it is filled. `first`: rows whose names and models need room. */
export function createTable(first: readonly StoredDeployment[], width: number): Table {
  const measured = columns.map((column) => {
    const values = first.map((deployment) => column.value(deployment, 0).length);
    return {
      column,
      width: Math.max(column.title.length, column.room ?? 0, ...(column.title === 'AGE' ? [] : values)),
    };
  });
  const needed = (shown: typeof measured) => shown.reduce((sum, { width: w }) => sum + w + gap.length, -gap.length);
  const shown = [...measured];
  while (needed(shown) > width && shown.at(-1)?.column.wide) shown.pop();
  for (const fitted of shown) {
    const { shrinksTo } = fitted.column;
    const excess = needed(shown) - width;
    if (shrinksTo !== undefined && excess > 0) fitted.width = Math.max(shrinksTo, fitted.width - excess);
  }
  const line = (texts: (column: Column) => string) =>
    cut(
      shown
        .map(({ column, width: w }) =>
          (column.shrinksTo === undefined ? texts(column) : cut(texts(column), w)).padEnd(w),
        )
        .join(gap)
        .trimEnd(),
      width,
    );
  return {
    header: line(({ title }) => title),
    isWide: shown.length === columns.length,
    row: (deployment, now) => line(({ value }) => value(deployment, now)),
  };
}

/** At most `width` characters; what was cut is shown to be cut. */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
