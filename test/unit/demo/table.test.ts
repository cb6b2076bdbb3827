import { describe, expect, test } from 'vitest';
import { customResourceDefinition } from '../../../src/api/crd.ts';
import { age, createTable, cut } from '../../demo/table.ts';
import { deployment, says } from './deployment.ts';

const created = Date.parse('2026-01-01T00:00:00Z');
const fresh = [deployment(), deployment({ name: 'qwen-ladder', model: 'qwen2.5:3b-instruct-q4_K_M' })];
const serving = deployment({
  conditions: [says('Ready', 'True', 'Serving')],
  status: {
    hardware: { class: 'GPU' },
    endpoint: 'http://phi.demo.svc:8080',
    effective: { auth: 'None' },
    model: { sourceDigest: `sha256:${'ab'.repeat(32)}` },
  },
});

describe('table', () => {
  test('keeps its columns in place while it is filled', () => {
    const table = createTable(fresh, 100);
    const before = table.row(fresh[0] ?? serving, created);
    const after = table.row(serving, created + 5_000);
    for (const title of ['RUNTIME', 'MODEL']) {
      const at = table.header.indexOf(title);
      expect(before.slice(at, at + 5)).toBe(after.slice(at, at + 5));
    }
    expect(after.slice(table.header.indexOf('HARDWARE')).split(/ +/)).toEqual(['GPU', 'True', 'Serving', '5s']);
  });

  test('shows what -o wide shows where that fits', () => {
    const table = createTable(fresh, 200);
    expect(table.isWide).toBe(true);
    expect(table.row(serving, created)).toMatch(/ sha256:abababababab +None +http:\/\/phi\.demo\.svc:8080$/);
  });

  test('has the columns of the CustomResourceDefinition, in their order', () => {
    const [version] = customResourceDefinition().spec.versions;
    const titles = version?.additionalPrinterColumns.map(({ name }) => name.toUpperCase());
    expect(createTable(fresh, 300).header.split(/ +/)).toEqual(['NAME', ...(titles ?? [])]);
  });

  test('leaves wide columns out where they do not fit', () => {
    const table = createTable(fresh, 100);
    expect(table.isWide).toBe(false);
    expect(table.header).toMatch(/AGE$/);
  });

  test('cuts model names before anything else', () => {
    const table = createTable(fresh, 80);
    const row = table.row(fresh[1] ?? serving, created);
    expect(row).toContain('qwen-ladder');
    expect(row).toMatch(/qwen2\.5:[^ ]*…/);
  });

  test.each([20, 40, 80, 120, 300])('never has a line longer than %i characters', (width) => {
    const table = createTable(fresh, width);
    for (const line of [table.header, ...[...fresh, serving].map((one) => table.row(one, created))]) {
      expect(line.length).toBeLessThanOrEqual(width);
    }
  });
});

test.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [200, '3m20s'],
  [599, '9m59s'],
  [1_020, '17m'],
  [18_000, '5h'],
])('writes an age of %i seconds as kubectl does: %s', (seconds, words) => {
  expect(age('2026-01-01T00:00:00Z', created + seconds * 1_000)).toBe(words);
});

test('has no age for what was not created yet', () => {
  expect(age(undefined, created)).toBe('');
});

test('shows that text was cut', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('abcd', 4)).toBe('abcd');
});
