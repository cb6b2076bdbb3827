// The dashboards show something: each query, asked of what a gateway and an operator really expose, has an answer.
import { beforeAll, describe, expect, it } from 'vitest';
import { dashboards, expressionsOf } from '../../../src/cli/generate/monitoring/dashboards.ts';
import { exposed } from './exposed.ts';
import { givenPromjudge } from './given.ts';
import { chartRules, filledIn, judge, type Verdict } from './judge.ts';

const queries = Object.entries(dashboards).flatMap(([name, dashboard]) =>
  expressionsOf(dashboard).map((expr) => ({ name, expr: filledIn(expr) })),
);

const program = givenPromjudge();
let verdict: Verdict | undefined;

beforeAll(async () => {
  if (!program.path) return;
  const asks = queries.map(({ expr }) => expr);
  verdict = await judge(program.path, { rules: chartRules, plays: [{ ...(await exposed()), asks }] });
}, 120_000);

describe('a model that serves, and its operator', () => {
  it.each(queries.map((query, index) => ({ ...query, index })))('are seen on $name by $expr', ({ index }) => {
    expect(verdict?.plays[0]?.answers[index]).toBeGreaterThan(0);
  });

  it('set off the alerts that they should, and no other', () => {
    const fired = verdict?.plays[0]?.firing.map(({ alert }) => alert) ?? [];
    // Half of the requests of this half hour fail or are refused.
    expect([...new Set(fired)].sort()).toEqual(['LocalModelErrorRate', 'LocalModelQueueSaturated']);
  });
});
