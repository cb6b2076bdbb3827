import { describe, expect, it } from 'vitest';
import type { Contents, PackedFile } from '../../../../src/cli/pack/contents.ts';
import { layersOf } from '../../../../src/cli/pack/layers.ts';
import { blobName, digestOf } from '../../../../src/models/digest.ts';

const blob = (text: string, size: number): PackedFile => {
  const digest = digestOf(text);
  return { name: `blobs/${blobName(digest)}`, size, digest, content: { bytes: Buffer.alloc(0) }, cure: '' };
};
const contents = (blobs: PackedFile[]): Contents => ({
  models: [],
  blobs,
  manifests: [{ ...blob('m', 3), name: 'manifests/host/ns/model/tag' }],
});
const names = (all: Contents) => layersOf(all).map(({ entries }) => entries.map(({ name }) => name));

describe('layers', () => {
  it('hold one blob each, and the manifests in the last, with the folders above them', () => {
    const [a, b] = [blob('a', 1), blob('b', 2)];
    expect(names(contents([a, b]))).toEqual([
      ['blobs/', a.name],
      ['blobs/', b.name],
      [
        'manifests/',
        'manifests/host/',
        'manifests/host/ns/',
        'manifests/host/ns/model/',
        'manifests/host/ns/model/tag',
      ],
    ]);
  });

  it('are the same for a blob whatever else is packed', () => {
    const [a, b] = [blob('a', 1), blob('b', 2)];
    expect(layersOf(contents([a, b]))[0]).toEqual(layersOf(contents([a]))[0]);
  });

  it('stay few where blobs are many: the smaller ones share one', () => {
    const many = Array.from({ length: 400 }, (_, index) => blob(`blob ${index}`, index));
    const layers = layersOf(contents(many));
    expect(layers).toHaveLength(101);
    const packed = layers.flatMap(({ entries }) => entries.flatMap(({ file }) => file ?? []));
    expect(packed).toHaveLength(401);
    expect(new Set(packed.map(({ name }) => name)).size).toBe(401);
    const shared = layers.find(({ title }) => title === '301 blobs');
    expect(Math.max(...(shared?.entries.map(({ size }) => size) ?? []))).toBe(300);
  });
});
