// The table of controls names tests and fields that exist.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const rows = readFileSync(resolve(root, 'docs/compliance.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| control'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

it('every control names a test that exists, or who else vouches for it', () => {
  expect(rows.length).toBeGreaterThan(10);
  for (const [, control, , evidence = ''] of rows) {
    const tests = quoted(evidence);
    expect(tests.length > 0 || evidence === 'the storage class', control).toBe(true);
    for (const test of tests) expect(existsSync(resolve(root, 'test', test)), test).toBe(true);
  }
});

it('every field is one of the resource or of the chart', () => {
  const fields = readFileSync(resolve(root, 'docs/reference/api.md'), 'utf8');
  const values = readFileSync(resolve(root, 'charts/local-model-operator/README.md'), 'utf8');
  for (const [, , setBy = ''] of rows)
    for (const text of quoted(setBy)) {
      const name = text.split(':')[0] ?? '';
      const isCondition = /^[A-Z]/.test(name) || name === 'observedGeneration';
      const known = fields.includes(`${name}`) || values.includes(`\`${name}`);
      expect(known || isCondition, name).toBe(true);
    }
});
