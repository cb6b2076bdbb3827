// The figures of a run: ratios to the floor first, then what they came from, each with its aim beside it.

import type { FloorPass, OperatorPass } from './passes.ts';
import { mean, median, percentile } from './statistics.ts';

export interface Figure {
  name: string;
  value: number | undefined;
  unit: string;
  /** The largest value that meets the aim. */
  aim?: number;
  /** A budget of requests: exceeding it fails the smoke run, whatever the machine does. */
  budget?: true;
  /** How far a smoke run may be over its budget, for what depends on when things happen and not on us. */
  slack?: number;
}

export interface Run {
  /** Floors stand around the operator passes: one more of them, or as many. */
  floors: readonly FloorPass[];
  operators: readonly OperatorPass[];
  /** With many nodes in the cluster. */
  crowded?: OperatorPass;
  count: number;
  edits: number;
}

export const isMet = ({ value, aim }: Figure): boolean | undefined =>
  aim === undefined || value === undefined || Number.isNaN(value) ? undefined : value <= aim;

/** What a smoke run may come to: the aim, and the slack where there is one. */
export const limit = ({ aim = 0, slack = 0 }: Figure): number => aim + slack;

/** Whether a smoke run may pass with it; a figure that could not be had is no pass. */
export const withinBudget = (figure: Figure): boolean => figure.value !== undefined && figure.value <= limit(figure);

/** Of each operator pass to the mean of the floors before and after it. */
function ratio({ floors, operators }: Run, of: (pass: FloorPass | OperatorPass) => number): number {
  return median(
    operators.map((pass, index) => {
      const around = [floors[index], floors[index + 1]].filter((floor) => floor !== undefined);
      return of(pass) / mean(around.map(of));
    }),
  );
}

const each = <T>(passes: readonly T[], of: (pass: T) => number | undefined): number | undefined => {
  const known = passes.map(of).filter((value) => value !== undefined);
  return known.length === passes.length && known.length > 0 ? median(known) : undefined;
};

export function ratios(run: Run): Figure[] {
  const crowdedRss = run.crowded?.usage.rest?.rssMiB;
  const plainRss = each(run.operators, (pass) => pass.usage.rest?.rssMiB);
  const figures: Figure[] = [
    { name: 'time to all children', value: ratio(run, (pass) => pass.times.childrenMs), unit: '× floor', aim: 1.3 },
    { name: 'time to all Ready', value: ratio(run, (pass) => pass.times.readyMs), unit: '× floor', aim: 1.3 },
    {
      name: 'CPU of the API server and etcd',
      value: ratio(run, (pass) => pass.times.serverCpuSeconds),
      unit: '× floor',
    },
  ];
  if (run.crowded && crowdedRss !== undefined && plainRss !== undefined)
    figures.push({ name: 'RSS with many nodes', value: crowdedRss / plainRss, unit: '× without', aim: 1.05 });
  return figures;
}

/** Requests do not depend on the machine: each pass must keep to them, so the worst one counts. */
export function budgets({ operators, count, edits }: Run): Figure[] {
  const worst = (of: (pass: OperatorPass) => number): number => Math.max(...operators.map(of));
  const children = worst((pass) => pass.childrenPerDeployment);
  return [
    {
      name: `requests per deployment (${children} children)`,
      value: worst((pass) => pass.requests.create.total) / count,
      unit: '',
      aim: children + 3,
      budget: true,
      // Whoever reads a pod just between its scheduling and its readiness has that to report, in a status write of its own.
      slack: 1,
    },
    { name: 'writes while idle', value: worst((pass) => pass.requests.idle.writes), unit: '', aim: 0, budget: true },
    { name: 'requests while idle', value: worst((pass) => pass.requests.idle.total), unit: '' },
    {
      name: 'writes after a restart',
      value: worst((pass) => pass.requests.restart.writes),
      unit: '',
      aim: 0,
      budget: true,
    },
    { name: 'requests of a restart', value: worst((pass) => pass.requests.restart.total), unit: '' },
    {
      name: 'requests per edit',
      value: worst((pass) => pass.requests.edits.total) / edits,
      unit: '',
      aim: 3,
      budget: true,
    },
  ];
}

export function absolutes(run: Run): Figure[] {
  const { floors, operators } = run;
  const seconds = (passes: readonly (FloorPass | OperatorPass)[], of: (pass: FloorPass | OperatorPass) => number) =>
    each(passes, (pass) => of(pass) / 1000);
  const floorEdits = floors.flatMap(({ editsMs }) => editsMs);
  const operatorEdits = operators.flatMap(({ editsMs }) => editsMs);
  const p99 = percentile(floorEdits, 0.99);
  return [
    { name: 'all children, operator', value: seconds(operators, (pass) => pass.times.childrenMs), unit: 's' },
    { name: 'all children, floor', value: seconds(floors, (pass) => pass.times.childrenMs), unit: 's' },
    { name: 'all Ready, operator', value: seconds(operators, (pass) => pass.times.readyMs), unit: 's' },
    { name: 'all Ready, floor', value: seconds(floors, (pass) => pass.times.readyMs), unit: 's' },
    { name: 'edit → child p50, operator', value: percentile(operatorEdits, 0.5), unit: 'ms' },
    { name: 'edit → child p50, floor', value: percentile(floorEdits, 0.5), unit: 'ms' },
    { name: 'edit → child p99, operator', value: percentile(operatorEdits, 0.99), unit: 'ms', aim: p99 + 25 },
    { name: 'edit → child p99, floor', value: p99, unit: 'ms' },
    { name: 'RSS at rest', value: each(operators, (pass) => pass.usage.rest?.rssMiB), unit: 'MiB' },
    { name: 'RSS at its peak', value: each(operators, (pass) => pass.usage.rest?.peakRssMiB), unit: 'MiB', aim: 120 },
    {
      name: 'RSS at its peak, after a restart',
      value: each(operators, (p) => p.usage.restarted?.peakRssMiB),
      unit: 'MiB',
      aim: 120,
    },
    { name: 'CPU of the operator, creating', value: each(operators, (pass) => pass.createCpuSeconds), unit: 's' },
    { name: 'CPU of the operator, idle', value: each(operators, (p) => idleShare(p)), unit: '% of a core' },
    { name: 'start until leading', value: each(operators, (pass) => pass.startMs / 1000), unit: 's' },
    { name: 'restart until leading', value: each(operators, (pass) => pass.restartMs / 1000), unit: 's' },
    ...(run.crowded ? crowdedFigures(run.crowded) : []),
  ];
}

const idleShare = ({ idleCpuSeconds, idleSeconds }: OperatorPass): number | undefined =>
  idleCpuSeconds === undefined || idleSeconds === 0 ? undefined : (100 * idleCpuSeconds) / idleSeconds;

const crowdedFigures = ({ usage, requests }: OperatorPass): Figure[] => [
  { name: 'RSS at rest, many nodes', value: usage.rest?.rssMiB, unit: 'MiB' },
  { name: 'RSS at its peak, many nodes', value: usage.rest?.peakRssMiB, unit: 'MiB' },
  { name: 'lists of nodes, many nodes', value: requests.create.byKind['list nodes'] ?? 0, unit: '' },
];

/** Requests per deployment by verb and resource, dearest first. */
export function breakdown(run: Run, stretch: keyof OperatorPass['requests'], per: number): Figure[] {
  const [pass] = run.operators;
  return Object.entries(pass?.requests[stretch].byKind ?? {})
    .sort(([, a], [, b]) => b - a)
    .map(([name, requests]) => ({ name, value: requests / per, unit: '' }));
}

const spelled = (value: number | undefined): string => {
  if (value === undefined || Number.isNaN(value)) return 'unknown';
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
};

export function table(title: string, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const met = isMet(figure);
    const aim = figure.aim === undefined ? '' : `aim ≤ ${spelled(figure.aim)}`;
    const verdict = met === undefined ? '' : met ? 'met' : 'MISSED';
    return `  ${figure.name.padEnd(44)} ${`${spelled(figure.value)} ${figure.unit}`.padEnd(18)} ${aim.padEnd(12)} ${verdict}`.trimEnd();
  });
  return `${title}\n${rows.join('\n')}\n`;
}
