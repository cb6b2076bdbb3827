import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { readGguf } from '../../../src/models/gguf.ts';
import { temporaryFolder } from './temporaryStore.ts';
import { type GgufValue, llama, type TinyGguf, tinyGguf } from './tinyGguf.ts';

async function fileOf(bytes: Buffer): Promise<string> {
  const path = join(await temporaryFolder(), 'model.gguf');
  await writeFile(path, bytes);
  return path;
}

const read = async (tiny: TinyGguf) => readGguf(await fileOf(tinyGguf(tiny)));

describe('readGguf', () => {
  it('tells what the model is', async () => {
    expect(await read({ tensors: { a: [64, 20], b: [3], c: [] } })).toEqual({
      version: 3,
      tensorCount: 3,
      parameterCount: 64 * 20 + 3 + 1,
      architecture: 'llama',
      type: 'model',
      quantization: 'Q4_K_M',
      contextLength: 2048,
      embeddingLength: 64,
      hasChatTemplate: false,
      isEmbedding: false,
      isProjector: false,
      split: undefined,
    });
  });

  it('finds what it wants behind vocabularies larger than its window', async () => {
    const words = Array.from({ length: 60_000 }, (_, index) => `token-${index}-${'x'.repeat(index % 17)}`);
    const metadata: Record<string, GgufValue> = {
      'tokenizer.ggml.tokens': { type: 'texts', value: words },
      'tokenizer.ggml.scores': { type: 'numbers', value: words.map((_, index) => index) },
      'general.description': { type: 'text', value: 'y'.repeat(600_000) },
      ...llama,
      'tokenizer.chat_template': { type: 'text', value: 'z'.repeat(100_000) },
    };
    expect(await read({ metadata })).toMatchObject({
      architecture: 'llama',
      contextLength: 2048,
      hasChatTemplate: true,
    });
  });

  it('reads the metadata in any order and of any number type', async () => {
    const metadata: Record<string, GgufValue> = {
      'bert.context_length': { type: 'u64', value: 512 },
      'bert.pooling_type': { type: 'u32', value: 1 },
      'llama.context_length': { type: 'u32', value: 99 },
      'general.architecture': { type: 'text', value: 'bert' },
      'some.flag': { type: 'bool', value: 1 },
      'some.number': { type: 'f32', value: 0.5 },
      'some.debt': { type: 'i32', value: -1 },
    };
    expect(await read({ metadata })).toMatchObject({
      architecture: 'bert',
      contextLength: 512,
      isEmbedding: true,
      quantization: 'unknown',
    });
  });

  test.each<[string, Record<string, GgufValue>, boolean]>([
    ['a type of mmproj', { 'general.type': { type: 'text', value: 'mmproj' } }, true],
    [
      'an eye without a body',
      { 'general.architecture': { type: 'text', value: 'm' }, 'm.vision.block_count': { type: 'u32', value: 2 } },
      true,
    ],
    [
      'clip',
      {
        'general.architecture': { type: 'text', value: 'clip' },
        'clip.has_vision_encoder': { type: 'bool', value: 1 },
      },
      true,
    ],
    ['a model that sees', { ...llama, 'llama.vision.block_count': { type: 'u32', value: 2 } }, false],
  ])('knows a projector by %s', async (_, metadata, isProjector) => {
    expect(await read({ metadata })).toMatchObject({ isProjector });
  });

  it('tells one part of several', async () => {
    const metadata: Record<string, GgufValue> = {
      ...llama,
      'split.no': { type: 'u32', value: 1 },
      'split.count': { type: 'u32', value: 3 },
    };
    expect((await read({ metadata })).split).toEqual({ index: 1, count: 3 });
  });

  it('takes the second version too', async () => {
    expect(await read({ version: 2 })).toMatchObject({ version: 2, architecture: 'llama' });
  });

  test.each<[string, TinyGguf, RegExp]>([
    ['another magic', { magic: 'GGML' }, /is not a GGUF file/],
    ['the other byte order', { magic: 'FUGG' }, /big-endian/],
    ['the first version', { version: 1 }, /version 1/],
    ['a version to come', { version: 4 }, /version 4/],
    ['more keys than there are', { keyCount: 60_000n }, /cut off|a key of|type/],
    ['absurdly many keys', { keyCount: 2n ** 40n }, /keys/],
    ['absurdly many tensors', { tensorCount: 2n ** 63n }, /the number/],
    ['too many dimensions', { tensors: { a: [1, 1, 1, 1, 1] } }, /5 dimensions/],
    ['more weights than can be counted', { tensors: { a: [2 ** 50, 2 ** 50] } }, /more weights/],
  ])('refuses %s', async (_, tiny, message) => {
    await expect(read(tiny)).rejects.toMatchObject({ reason: 'Corrupt', message: expect.stringMatching(message) });
  });

  it('says that a header is cut off, wherever it is', async () => {
    const whole = tinyGguf();
    const path = await fileOf(whole);
    for (let size = whole.length - 33; size >= 0; size -= 7) {
      await truncate(path, size);
      await expect(readGguf(path), String(size)).rejects.toMatchObject({ reason: 'Corrupt' });
    }
  });

  it('does not wait for a text that claims to be endless', async () => {
    const bytes = tinyGguf({ metadata: { a: { type: 'text', value: 'b' } } });
    bytes.writeBigUInt64LE(2n ** 50n, bytes.indexOf('b') - 8);
    await expect(readGguf(await fileOf(bytes))).rejects.toMatchObject({ reason: 'Corrupt' });
  });
});
