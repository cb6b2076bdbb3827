import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { readGguf } from '../../../src/models/gguf.ts';
import { parseConfig } from '../../../src/models/manifest.ts';
import { blobPath, openStore } from '../../../src/models/store.ts';
import { checkBlob, readBlob } from '../../../src/models/storeBlobs.ts';
import { listManifests } from '../../../src/models/storeManifests.ts';
import { tinyBert } from '../../runtime/models/bert.ts';
import { normal, uniform } from '../../runtime/models/chance.ts';
import { ggufFile, halfBits } from '../../runtime/models/gguf.ts';
import { tinyLlama } from '../../runtime/models/llama.ts';
import { tinyLora } from '../../runtime/models/lora.ts';
import { writeModel } from '../../runtime/models/written.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmo-tiny-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function headerOf(bytes: Uint8Array) {
  const path = join(folder, digestOf(bytes).slice(-8));
  await writeFile(path, bytes);
  return await readGguf(path);
}

describe('half precision', () => {
  test.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff], // the largest
    [65_520, 0x7c00], // rounds to infinity
    [1 / 3, 0x3555],
    [2 ** -14, 0x0400], // the smallest normal
    [2 ** -24, 0x0001], // the smallest of all
    [2 ** -25, 0x0000], // a tie, to even
    [3 * 2 ** -25, 0x0002], // a tie, to even
    [1 + 2 ** -11, 0x3c00], // a tie, to even
    [1 + 3 * 2 ** -11, 0x3c02], // a tie, to even
    [2 - 2 ** -12, 0x4000], // carries into the exponent
  ])('%d is written as %i', (value, bits) => {
    expect(halfBits(value)).toBe(bits);
  });
});

test('chance is the same everywhere, and about what it says', () => {
  const next = uniform(7);
  const values = Array.from({ length: 1_000 }, next);
  expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  expect(values.slice(0, 2)).toEqual([uniform(7)(), values[1]]);
  const spread = Array.from({ length: 1_000 }, normal(7, 0.05));
  const mean = spread.reduce((sum, value) => sum + value, 0) / spread.length;
  const deviation = Math.sqrt(spread.reduce((sum, value) => sum + (value - mean) ** 2, 0) / spread.length);
  expect(Math.abs(mean)).toBeLessThan(0.01);
  expect(deviation).toBeCloseTo(0.05, 2);
});

test('the files are the same in every run and on every machine', () => {
  expect([tinyLlama(), tinyBert(), tinyLora()].map((file) => [file.length, digestOf(file)])).toMatchInlineSnapshot(`
    [
      [
        157120,
        "sha256:edec1be303ed02a6baaed46f3cf042f44e969ab98b2289bbd27c4a2d9dd11f2e",
      ],
      [
        148384,
        "sha256:45666642cbd4c82398cfa2a7b0c1f1df1911515f2053d6c790a3bfe61679768a",
      ],
      [
        1696,
        "sha256:7fcdce817bd857ddbcfe41d700f7ea2ba2d638d1d940e5c5d60187450ea6568f",
      ],
    ]
  `);
});

test('another seed makes another file', () => {
  expect(digestOf(tinyLlama({ seed: 2 }))).not.toBe(digestOf(tinyLlama()));
  expect(digestOf(tinyBert({ seed: 2 }))).not.toBe(digestOf(tinyBert()));
});

test('our reader of GGUF headers reads them', async () => {
  expect(await headerOf(tinyLlama())).toMatchObject({ architecture: 'llama' });
  expect(await headerOf(tinyBert())).toMatchObject({ architecture: 'bert' });
  expect(await headerOf(tinyLora())).toMatchObject({ architecture: 'llama', type: 'adapter' });
});

test('a tensor without its shape is refused', () => {
  const tensor = { name: 'a', shape: [2, 2], type: 'f32', data: new Float32Array(3) } as const;
  expect(() => ggufFile({ metadata: {}, tensors: [tensor] })).toThrow('a does not have its shape');
});

test('a word of one byte cannot be part of an answer', () => {
  expect(() => tinyLlama({ answer: ['Yes', '.'] })).toThrow('longer than a byte');
});

test('a written model is whole and says what it is', async () => {
  const root = join(folder, 'store');
  const written = await writeModel(root, 'ns/tiny:v1', { gguf: tinyLlama(), adapter: tinyLora(), system: 'Be brief.' });
  const store = openStore(root);
  expect(await listManifests(store)).toMatchObject([{ reference: written.reference, raw: { digest: written.digest } }]);
  const checks = await Promise.all([...written.layers, written.config].map((blob) => checkBlob(store, blob)));
  expect(new Set(checks)).toEqual(new Set(['good']));
  const config = parseConfig(await readBlob(store, written.config, 10_000), 'config');
  expect(config).toMatchObject({ model_family: 'llama', file_type: 'F16', model_format: 'gguf' });
  expect(await readGguf(blobPath(store, written.weights))).toMatchObject({ architecture: 'llama' });
});
