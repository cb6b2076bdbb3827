import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { type GgufFile, modelOfGguf } from '../../../src/models/ggufModel.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { headerOf } from './tinyGguf.ts';

const file = (name: string, change: Parameters<typeof headerOf>[0] = {}): GgufFile => ({
  path: `/source/${name}.gguf`,
  digest: digestOf(name),
  size: 100,
  header: headerOf(change),
});
const reference = parseReference('mine:v1');
const kinds = (files: GgufFile[]) =>
  modelOfGguf(reference, files).manifest.layers.map(({ mediaType }) => mediaType.split('.').pop());

describe('modelOfGguf', () => {
  it('makes a model of one file', () => {
    const model = modelOfGguf(reference, [file('a')]);
    expect(model.manifest.layers).toEqual([
      { mediaType: 'application/vnd.ollama.image.model', digest: digestOf('a'), size: 100 },
    ]);
    expect(model.blobs.map(({ digest }) => digest)).toEqual([model.manifest.config?.digest]);
    expect(model.name).toEqual({
      host: 'localmodels.dev',
      namespace: 'source',
      model: 'mine',
      tag: model.digest.slice(7),
    });
    expect(model.digest).toBe(digestOf(model.bytes));
  });

  it('puts projectors and adapters beside it, whatever the order of the files', () => {
    expect(kinds([file('p', { isProjector: true }), file('l', { type: 'adapter' }), file('m')])).toEqual([
      'model',
      'projector',
      'adapter',
    ]);
  });

  it('gives gemma4 the stop that its renderer needs', () => {
    const model = modelOfGguf(reference, [file('a', { architecture: 'gemma4' })]);
    expect(model.blobs[0]?.bytes.toString()).toBe('{"stop":["\\u003cturn|\\u003e"]}\n');
    expect(model.manifest.layers.at(-1)?.digest).toBe(model.blobs[0]?.digest);
  });

  it('refuses what makes no model', () => {
    const refusal = (...files: GgufFile[]) => expect(() => modelOfGguf(reference, files));
    refusal().toThrow(expect.objectContaining({ reason: 'NotFound' }));
    refusal(file('p', { isProjector: true })).toThrow(/no file is a model: \/source\/p\.gguf/);
    refusal(file('a'), file('b')).toThrow(/both models/);
    refusal(file('a', { split: { index: 0, count: 2 } })).toThrow(/part 1 of 2; .*--merge/);
  });
});
