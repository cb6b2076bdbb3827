// What judges and reads in the gateway is a function of its arguments: no I/O, no clock of its own, no log.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const pure = [
  'admission',
  'bodies',
  'errors',
  'eventStream',
  'facts',
  'fitness',
  'hiddenUsage',
  'jsonBytes',
  'jsonEdit',
  'jsonScan',
  'memberScan',
  'metricsCatalogue',
  'models',
  'observation',
  'reasons',
  'routes',
  'serviceTimes',
  'state',
  'status',
  'statusReport',
  'usage',
  'verdicts',
];
const harmless = ['zod', 'node:buffer', ...pure.map((name) => `./${name}.ts`)];

describe('the pure part of the gateway', () => {
  it.each(pure)('%s.ts runs nothing but itself', (name) => {
    const text = readFileSync(new URL(`../../../src/gateway/${name}.ts`, import.meta.url), 'utf8');
    const run = [...text.matchAll(/^import (type )?[^;]*? from '([^']+)';/gm)].filter(([, typeOnly]) => !typeOnly);
    for (const [, , target] of run) expect(harmless).toContain(target);
    expect(text).not.toMatch(
      /\b(?:Date\.now|performance\.now|Math\.random|setTimeout|setInterval|console\.|process\.)/,
    );
  });
});
