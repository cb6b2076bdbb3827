// The alerts by promtool: they load, and each fires when it should and keeps still when only something like it happens.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { alerts } from '../../../src/cli/generate/monitoring/alerts.ts';
import { metricsIn } from '../../../src/cli/generate/monitoring/queries.ts';
import { given } from '../given.ts';
import { chartRules } from './server.ts';

const tests = join(import.meta.dirname, 'alerts.yaml');

interface Scene {
  name: string;
  input_series: { series: string }[];
  promql_expr_test: { exp_samples: { labels: string }[] }[];
  alert_rule_test?: { alertname: string }[];
}

const scenes = (parse(readFileSync(tests, 'utf8')) as { tests: Scene[] }).tests;
const firingIn = ({ promql_expr_test }: Scene): string[] =>
  promql_expr_test.flatMap(({ exp_samples }) =>
    exp_samples.map(({ labels }) => /alertname="(\w+)"/.exec(labels)?.[1] ?? ''),
  );
/** Of what happens in the scene, without the operator that is well in most of them. */
const readIn = ({ input_series }: Scene): string[] =>
  input_series.slice(2).map(({ series }) => /^\w+/.exec(series)?.[0] ?? '');

const promtool = given(['prometheus'], async ({ prometheus }) => prometheus.promtool);

const run = (...argv: string[]): Promise<{ code: unknown; output: string }> =>
  new Promise((resolve) => {
    execFile(promtool(), argv, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, output: stdout + stderr }));
  });

describe('promtool', () => {
  it('finds nothing to say against the rules', async () => {
    const count = Object.keys(alerts).length;
    const { code, output } = await run('check', 'rules', '--lint=all', '--lint-fatal', chartRules);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(`SUCCESS: ${count} rules found`) });
  });

  it('sees in every scene the alerts that belong to it, with their words, and no other', {
    timeout: 300_000,
  }, async () => {
    expect(await run('test', 'rules', tests)).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') });
  });
});

describe('the scenes', () => {
  it.each(Object.keys(alerts))('have one that makes %s fire, and the words that people get then', (name) => {
    expect(scenes.filter((scene) => firingIn(scene).includes(name))).not.toEqual([]);
    const told = scenes.flatMap(({ alert_rule_test = [] }) => alert_rule_test.map(({ alertname }) => alertname));
    expect(told).toContain(name);
  });

  it.each(Object.entries(alerts))(
    'have one in which %s must not fire, though what it reads is there',
    (name, { expr }) => {
      const read = metricsIn(expr);
      const silent = scenes.filter((scene) => !firingIn(scene).includes(name));
      expect(silent.filter((scene) => readIn(scene).some((metric) => read.includes(metric)))).not.toEqual([]);
    },
  );
});
