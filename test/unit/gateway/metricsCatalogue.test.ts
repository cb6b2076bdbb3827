import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { metricsReference } from '../../../src/cli/generate/metricsReference.ts';
import { type MetricName, metrics } from '../../../src/gateway/metricsCatalogue.ts';
import { reasons } from '../../../src/gateway/reasons.ts';

const entries = Object.entries(metrics);

describe('the catalogue of metrics', () => {
  it.each(entries)('%s has a name that says its unit and its kind', (name, { type }) => {
    expect(name).toMatch(/^(?:localmodel|gen_ai_server)_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
  });

  it('gives every histogram ascending buckets, and only those', () => {
    for (const [name, metric] of entries) {
      expect('buckets' in metric, name).toBe(metric.type === 'histogram');
      if ('buckets' in metric) expect([...metric.buckets].sort((a, b) => a - b)).toEqual(metric.buckets);
    }
  });

  it('can be registered as it stands', async () => {
    const registers = [new Registry()];
    const kinds = { counter: Counter, gauge: Gauge, histogram: Histogram };
    for (const [name, { type, meaning, labels }] of entries)
      new kinds[type]({ name, help: meaning, labelNames: [...labels], registers });
    const text = await registers[0]?.metrics();
    for (const [name, { type }] of entries) expect(text).toContain(`# TYPE ${name} ${type}`);
  });

  it('is what the page shows', () => {
    const page = metricsReference();
    for (const name of Object.keys(metrics) as MetricName[]) expect(page).toContain(`\`${name}\``);
    for (const phase of new Set(Object.values(reasons).map((reason) => reason.phase))) expect(page).toContain(phase);
  });
});
