import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alerts, ruleFile } from '../../../../src/cli/generate/monitoring/alerts.ts';
import { dashboards, expressionsOf } from '../../../../src/cli/generate/monitoring/dashboards.ts';
import { dashboardModel } from '../../../../src/cli/generate/monitoring/panels.ts';
import { labelsIn, metricsIn } from '../../../../src/cli/generate/monitoring/queries.ts';
import { operatorMetrics } from '../../../../src/cli/generate/operatorMetrics.ts';
import { labelValues, type MetricName, metrics } from '../../../../src/gateway/metricsCatalogue.ts';

const runbooks = resolve(import.meta.dirname, '../../../../docs/runbooks');

/** Named as prerequisites in the dashboard: cAdvisor and NVIDIA's DCGM exporter. */
const foreign = ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes', 'DCGM_FI_DEV_GPU_UTIL'];
/** Put on every series by Prometheus and by the relabeling of our ServiceMonitor. */
const scraped = ['namespace', 'pod', 'container', 'localmodel', 'le', 'gpu'];

interface Known {
  type: string;
  labels: readonly string[];
}

function catalogue(): Map<string, Known> {
  const known = new Map<string, Known>(operatorMetrics({ node: true }).map((metric) => [metric.name, metric]));
  for (const name of Object.keys(metrics) as MetricName[]) known.set(name, metrics[name]);
  for (const name of foreign) known.set(name, { type: 'gauge', labels: [] });
  return known;
}

const find = (known: Map<string, Known>, name: string): Known | undefined => {
  const histogram = known.get(name.replace(/_(bucket|sum|count)$/, ''));
  return known.get(name) ?? (histogram?.type === 'histogram' ? histogram : undefined);
};

const queries: [string, string][] = [
  ...Object.entries(alerts).map(([name, { expr }]) => [name, expr] as [string, string]),
  ...Object.entries(dashboards).flatMap(([name, dashboard]) =>
    expressionsOf(dashboard).map((expr) => [name, expr] as [string, string]),
  ),
];

describe('queries', () => {
  it.each(queries)('of %s read metrics that exist: %s', (_name, expr) => {
    const known = catalogue();
    const names = metricsIn(expr);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !find(known, name))).toEqual([]);
  });

  it.each(queries)('of %s use labels that those metrics have: %s', (_name, expr) => {
    const known = catalogue();
    const labels = new Set([...scraped, ...metricsIn(expr).flatMap((name) => find(known, name)?.labels ?? [])]);
    expect(labelsIn(expr).filter((label) => !labels.has(label))).toEqual([]);
  });

  it.each(queries)('of %s take rates of counters only: %s', (_name, expr) => {
    const known = catalogue();
    const rated = [...expr.matchAll(/\b(?:rate|increase)\((\w+)/g)].map(([, name = '']) => name);
    expect(rated.filter((name) => !foreign.includes(name) && find(known, name)?.type === 'gauge')).toEqual([]);
  });

  it.each(queries)('of %s are balanced: %s', (_name, expr) => {
    for (const [open, close] of ['()', '{}', '[]']) expect(expr.split(open!).length).toBe(expr.split(close!).length);
  });
});

describe('metricsIn', () => {
  it('finds metrics and neither labels, functions, keywords nor values', () => {
    const expr = `sum by (pod, le) (rate(a_total{code=~"b.."}[5m] offset 1d)) / on (pod) group_left (c) (d:e{f="g"} > 0) unless time() > 3`;
    expect(metricsIn(expr)).toEqual(['a_total', 'd:e']);
    expect(labelsIn(expr)).toEqual(['code', 'f', 'pod', 'le', 'c']);
  });
});

describe('alerts', () => {
  it('select values that their labels can have', () => {
    const text = Object.values(alerts)
      .map(({ expr }) => expr)
      .join('\n');
    for (const [, label = '', values = ''] of text.matchAll(/\b(reason|outcome|class)=~?"([^"]+)"/g)) {
      if (label === 'reason') continue; // as in the answer: see the test of the gateway's errors
      for (const value of values.split('|')) expect(labelValues[label as keyof typeof labelValues]).toContain(value);
    }
  });

  it('have a runbook each, and no runbook is of an alert that is not there', () => {
    const pages = readdirSync(runbooks).filter((file) => file !== 'README.md');
    expect(pages.sort()).toEqual(
      Object.keys(alerts)
        .map((name) => `${name}.md`)
        .sort(),
    );
    const index = readFileSync(resolve(runbooks, 'README.md'), 'utf8');
    for (const name of Object.keys(alerts)) expect(index).toContain(`(${name}.md)`);
  });

  it('name their page, which begins with their name', () => {
    for (const { rules } of ruleFile().groups)
      for (const { alert, annotations } of rules) {
        const path = resolve(runbooks, '../..', annotations.runbook_url);
        expect(existsSync(path), path).toBe(true);
        expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(`# ${alert}`);
      }
  });

  it('say in words for people what, where and since when', () => {
    for (const [name, { summary, description, severity }] of Object.entries(alerts)) {
      expect(summary.length, name).toBeLessThan(90);
      expect(description, name).toMatch(/\.$/);
      expect(['critical', 'warning', 'info']).toContain(severity);
    }
  });
});

describe('dashboards', () => {
  it.each(Object.entries(dashboards))(
    '%s has panels that lie beside each other and not on each other',
    (_name, dashboard) => {
      const { panels } = dashboardModel(dashboard) as {
        panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
      };
      const cells = new Set<string>();
      for (const { gridPos } of panels) {
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(cells).not.toContain(`${x},${y}`);
            cells.add(`${x},${y}`);
          }
      }
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    },
  );

  it('use only variables that they declare', () => {
    for (const dashboard of Object.values(dashboards)) {
      const declared = new Set(['datasource', '__rate_interval', ...dashboard.variables.map(({ name }) => name)]);
      for (const [, name = ''] of expressionsOf(dashboard)
        .join('\n')
        .matchAll(/\$(\w+)/g))
        expect(declared).toContain(name);
    }
  });

  it('have each a uid of its own', () => {
    const uids = Object.values(dashboards).map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(uids.length);
  });
});
