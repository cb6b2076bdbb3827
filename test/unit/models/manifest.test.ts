import { describe, expect, it, test } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import {
  blobsOf,
  kindOf,
  layerMediaTypes,
  layersOf,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  parseConfig,
  parseManifest,
  sizeOf,
} from '../../../src/models/manifest.ts';

const blob = (text: string, mediaType: string = layerMediaTypes.model) => ({
  mediaType,
  digest: digestOf(text),
  size: text.length,
});
const document = {
  schemaVersion: 2,
  mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  config: blob('{}', 'application/vnd.docker.container.image.v1+json'),
  layers: [blob('weights'), blob('be kind', layerMediaTypes.system)],
};
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
const parse = (value: unknown) => parseManifest(bytesOf(value), 'the manifest');
const refusal = (act: () => unknown) => {
  try {
    return { result: act() };
  } catch (error) {
    return error;
  }
};

describe('parseManifest', () => {
  it('keeps the bytes and their digest beside what they say', () => {
    const bytes = Buffer.from(`${JSON.stringify(document, null, 3)}\n`);
    const raw = parseManifest(bytes, 'the manifest');
    expect(raw.digest).toBe(digestOf(bytes));
    expect(raw.bytes).toBe(bytes);
    expect(raw.manifest.config).toEqual(document.config);
    expect(raw.manifest.layers).toEqual(document.layers);
    expect(raw.manifest.layers.map(kindOf)).toEqual(['model', 'system']);
    expect(layersOf(raw.manifest, 'system')).toEqual([document.layers[1]]);
  });

  it('lists every blob once, the config last, and counts shared bytes once', () => {
    const { manifest } = parse({ ...document, layers: [...document.layers, blob('weights', 'x')] });
    expect(blobsOf(manifest).map(({ digest }) => digest)).toEqual(['weights', 'be kind', '{}'].map(digestOf));
    expect(sizeOf(manifest)).toBe('weights'.length + 'be kind'.length + 2);
  });

  it('keeps the names of tensors and where layers come from', () => {
    const layer = { ...blob('t', layerMediaTypes.tensor), from: 'base:latest', name: 'blk.0' };
    expect(parse({ ...document, layers: [layer] }).manifest.layers).toEqual([layer]);
  });

  test.each([
    ['none', { schemaVersion: 2, layers: [] }],
    ['one without a digest', { ...document, config: { mediaType: 'x', digest: '', size: 0 } }],
  ])('takes a manifest with no config: %s', (_, value) => {
    expect(parse(value).manifest.config).toBeUndefined();
  });

  it('takes OCI manifests and unknown media types, which registries may make of it', () => {
    const value = {
      ...document,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      layers: [blob('x', 'application/x')],
    };
    const { manifest } = parse(value);
    expect(manifest.layers.map(kindOf)).toEqual([undefined]);
  });

  it('takes no layers at all from a model that runs elsewhere', () => {
    expect(parse({ ...document, layers: null }).manifest.layers).toEqual([]);
  });

  it('says of a container image that it is no model', () => {
    const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] };
    expect(refusal(() => parse(index))).toMatchObject({
      reason: 'NotFound',
      message: expect.stringContaining('not a model'),
    });
  });

  test.each<[string, unknown, RegExp]>([
    ['no object', [], /cannot be used/],
    ['null', null, /cannot be used/],
    ['another schema', { ...document, schemaVersion: 1 }, /schemaVersion/],
    ['a wrong digest', { ...document, layers: [{ ...blob('a'), digest: 'sha256:../../etc' }] }, /layers\.0\.digest/],
    ['a negative size', { ...document, layers: [{ ...blob('a'), size: -1 }] }, /layers\.0\.size/],
    ['half a byte', { ...document, layers: [{ ...blob('a'), size: 0.5 }] }, /layers\.0\.size/],
    ['a size beyond counting', { ...document, layers: [{ ...blob('a'), size: 2 ** 60 }] }, /layers\.0\.size/],
    ['two sizes of one blob', { ...document, layers: [blob('a'), { ...blob('a'), size: 7 }] }, /two sizes, 1 and 7/],
  ])('refuses %s', (_, value, message) => {
    expect(refusal(() => parse(value))).toMatchObject({ reason: 'Corrupt', message: expect.stringMatching(message) });
  });

  it('refuses what is no JSON, no UTF-8 or too large', () => {
    for (const bytes of [Buffer.from('<html>'), Buffer.from([0x22, 0xff, 0x22]), Buffer.alloc(0)])
      expect(refusal(() => parseManifest(bytes, 'it'))).toMatchObject({ reason: 'Corrupt', message: 'it is not JSON' });
    const large = Buffer.alloc(MAX_MANIFEST_BYTES + 1, ' ');
    expect(refusal(() => parseManifest(large, 'it'))).toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining('refused'),
    });
  });
});

describe('parseConfig', () => {
  it('reads what Ollama reads and keeps the rest', () => {
    const config = { model_format: 'gguf', model_families: null, file_type: 'Q4_0', rootfs: { type: 'layers' } };
    expect(parseConfig(bytesOf(config), 'it')).toEqual(config);
  });

  it('refuses other shapes and what is too large', () => {
    expect(refusal(() => parseConfig(bytesOf({ file_type: 3 }), 'it'))).toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining('file_type'),
    });
    expect(refusal(() => parseConfig(Buffer.alloc(MAX_CONFIG_BYTES + 1), 'it'))).toMatchObject({ reason: 'Corrupt' });
  });
});
