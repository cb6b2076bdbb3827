import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { annotations } from '../../../src/api/types.ts';
import type { PodTemplate } from '../../../src/children/pod.ts';
import type { LiveChild } from '../../../src/operator/liveChild.ts';
import { isPackOf, packTemplate, readRecord, recordAnnotations, unpackTemplate } from '../../../src/operator/record.ts';
import { at } from './observation.ts';

const template = {
  metadata: { labels: { a: 'b' } },
  spec: { initContainers: [], containers: [], volumes: [] },
} as PodTemplate;
const decision = { inputs: 'i', choice: { rung: 0, class: 'CPU' as const }, since: at(0), rejected: [] };
const workload = (notes: Record<string, string>) => ({ metadata: { annotations: notes } }) as unknown as LiveChild;
const packedText = (text: string) => `hash.${gzipSync(text).toString('base64')}`;
const packed = (value: unknown) => packedText(JSON.stringify(value));

test('what is recorded is read back', () => {
  const record = readRecord(workload(recordAnnotations('r', decision, packTemplate(template))));
  expect(record).toEqual({ revision: 'r', decision, packedTemplate: packTemplate(template) });
  expect(unpackTemplate(record.packedTemplate)).toEqual(template);
});

test('without a workload, or without its notes, nothing is recorded', () => {
  expect(readRecord(undefined)).toEqual({});
  expect(readRecord(workload({ [annotations.decision]: '{"inputs":' }))).toEqual({});
});

test.each([
  ['without its hash', gzipSync(JSON.stringify(template)).toString('base64')],
  ['no gzip', 'hash.bm90IGd6aXA='],
  ['no JSON', packedText('{')],
  ['no template', packed({ spec: {} })],
  ['null', packed(null)],
  ['more than a template can be', packed({ spec: { containers: [], junk: 'x'.repeat(2 << 20) } })],
])('a template that is %s counts as none', (_title, text) => {
  expect(unpackTemplate(text)).toBeUndefined();
});

test('whether a template is the recorded one shows without unpacking it', () => {
  const { metadata, spec } = template;
  expect(isPackOf(packTemplate(template), { spec, metadata })).toBe(true);
  expect(isPackOf(packTemplate(template), { metadata: { labels: { a: 'c' } }, spec })).toBe(false);
});
