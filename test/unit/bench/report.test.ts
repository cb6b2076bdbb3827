import { describe, expect, test } from 'vitest';
import type { RequestCounts } from '../../bench/audit.ts';
import type { FloorPass, OperatorPass } from '../../bench/passes.ts';
import { absolutes, budgets, isMet, type Run, ratios, table, withinBudget } from '../../bench/report.ts';

const times = (ms: number) => ({ writtenMs: ms / 2, childrenMs: ms, readyMs: ms * 2, serverCpuSeconds: ms / 1000 });
const floor = (ms: number, edits: number[] = [10]): FloorPass => ({ times: times(ms), editsMs: edits });
const requests = (total: number, writes = total): RequestCounts => ({
  total,
  writes,
  leases: 3,
  discovery: 2,
  refused: 0,
  byKind: { 'patch services': total },
});
const operator = (ms: number, changes: Partial<OperatorPass> = {}): OperatorPass => ({
  times: times(ms),
  childrenPerDeployment: 6,
  editsMs: [20],
  requests: { create: requests(90), idle: requests(0), edits: requests(20), restart: requests(24, 0) },
  idleSeconds: 60,
  startMs: 500,
  restartMs: 400,
  stopMs: 50,
  createCpuSeconds: 1,
  idleCpuSeconds: 0.6,
  usage: {
    rest: { rssMiB: 90, peakRssMiB: 110, cpuSeconds: 2 },
    restarted: { rssMiB: 95, peakRssMiB: 130, cpuSeconds: 1 },
  },
  ...changes,
});
const run = (changes: Partial<Run> = {}): Run => ({
  floors: [floor(1000), floor(2000)],
  operators: [operator(1800)],
  count: 10,
  edits: 10,
  ...changes,
});
const figure = (figures: ReturnType<typeof ratios>, name: string) => {
  const found = figures.find((one) => one.name.startsWith(name));
  if (!found) throw new Error(`no figure ${name}`);
  return found;
};

describe('ratios', () => {
  test('are to the mean of the floors before and after', () => {
    expect(figure(ratios(run()), 'time to all children').value).toBeCloseTo(1.2);
  });

  test('of several passes are the median, each with its own floors', () => {
    const floors = [floor(1000), floor(1000), floor(2000), floor(2000)];
    const operators = [operator(1000), operator(3000), operator(2200)];
    expect(figure(ratios(run({ floors, operators })), 'time to all children').value).toBeCloseTo(1.1);
  });

  test('of a smoke run are to its one floor', () => {
    expect(figure(ratios(run({ floors: [floor(900)] })), 'time to all Ready').value).toBeCloseTo(2);
  });

  test('compare the memory where a pass with many nodes was asked for', () => {
    expect(ratios(run()).some(({ name }) => name === 'RSS with many nodes')).toBe(false);
    expect(figure(ratios(run({ crowded: operator(1) })), 'RSS with many nodes')).toMatchObject({ value: 1 });
  });
});

describe('budgets', () => {
  test('are met by one request per child, two of status and one event', () => {
    const kept = budgets(run()).filter(({ budget }) => budget);
    expect(kept.map((one) => [one.value, isMet(one)])).toEqual([
      [9, true],
      [0, true],
      [0, true],
      [2, true],
    ]);
  });

  test('of requests leave a smoke run one more for each deployment, and no further one', () => {
    const { requests: usual } = operator(1);
    const judged = (total: number) =>
      withinBudget(
        figure(
          budgets(run({ operators: [operator(1, { requests: { ...usual, create: requests(total) } })] })),
          'requests per deployment',
        ),
      );
    expect(judged(100)).toBe(true);
    expect(judged(101)).toBe(false);
    expect(judged(Number.NaN)).toBe(false);
  });

  test('are judged by the worst pass', () => {
    const { requests: usual } = operator(1);
    const bad = operator(1, { requests: { ...usual, idle: requests(1), restart: requests(25, 1) } });
    const figures = budgets(run({ operators: [operator(1), bad] }));
    expect(isMet(figure(figures, 'writes while idle'))).toBe(false);
    expect(isMet(figure(figures, 'writes after a restart'))).toBe(false);
    expect(isMet(figure(figures, 'requests per edit'))).toBe(true);
  });
});

test('the aim of an edit is the p99 of the floor and 25 ms', () => {
  const edits = run({ floors: [floor(1, [10, 30])], operators: [operator(1, { editsMs: [20, 56] })] });
  expect(figure(absolutes(edits), 'edit → child p99, operator')).toMatchObject({ value: 56, aim: 55 });
});

test('a figure that is not known meets no aim and misses none', () => {
  const blind = run({ operators: [operator(1, { usage: { rest: undefined, restarted: undefined } })] });
  const peak = figure(absolutes(blind), 'RSS at its peak');
  expect(isMet(peak)).toBeUndefined();
  expect(table('Memory', [peak])).toMatch(/unknown/);
});

test('a table has the aim and the verdict beside each figure', () => {
  const figures = [
    { name: 'a', value: 1.234, unit: '× floor', aim: 1.3 },
    { name: 'b', value: 150, unit: 'MiB', aim: 120 },
    { name: 'c', value: 7, unit: '' },
  ];
  const [title, ...rows] = table('Title', figures).split('\n');
  expect(title).toBe('Title');
  expect(rows[0]).toMatch(/a +1\.23 × floor +aim ≤ 1\.30 +met$/);
  expect(rows[1]).toMatch(/b +150 MiB +aim ≤ 120 +MISSED$/);
  expect(rows[2]).toMatch(/c +7$/);
});
