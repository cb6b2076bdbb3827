// GGUF files of a few hundred bytes: a whole header, and tensors of no worth.
import type { GgufHeader } from '../../../src/models/gguf.ts';

export type GgufValue =
  | { type: 'u32' | 'u64' | 'i32' | 'f32' | 'bool'; value: number }
  | { type: 'text'; value: string }
  | { type: 'texts'; value: readonly string[] }
  | { type: 'numbers'; value: readonly number[] };

export interface TinyGguf {
  version?: number;
  magic?: string;
  metadata?: Record<string, GgufValue>;
  /** Name → dimensions; all F32. */
  tensors?: Record<string, readonly number[]>;
  /** Claimed instead of the real numbers. */
  tensorCount?: bigint;
  keyCount?: bigint;
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: bigint | number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const f32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

function valueBytes(value: GgufValue): Buffer {
  switch (value.type) {
    case 'u32':
      return Buffer.concat([u32(4), u32(value.value)]);
    case 'i32':
      return Buffer.concat([u32(5), u32(value.value >>> 0)]);
    case 'f32':
      return Buffer.concat([u32(6), f32(value.value)]);
    case 'bool':
      return Buffer.concat([u32(7), Buffer.from([value.value])]);
    case 'text':
      return Buffer.concat([u32(8), text(value.value)]);
    case 'u64':
      return Buffer.concat([u32(10), u64(value.value)]);
    case 'texts':
      return Buffer.concat([u32(9), u32(8), u64(value.value.length), ...value.value.map(text)]);
    case 'numbers':
      return Buffer.concat([u32(9), u32(4), u64(value.value.length), ...value.value.map(u32)]);
  }
}

/** A header of a Llama that says what most headers say. */
export const llama: Record<string, GgufValue> = {
  'general.architecture': { type: 'text', value: 'llama' },
  'general.type': { type: 'text', value: 'model' },
  'general.file_type': { type: 'u32', value: 15 },
  'llama.block_count': { type: 'u32', value: 1 },
  'llama.context_length': { type: 'u32', value: 2048 },
  'llama.embedding_length': { type: 'u32', value: 64 },
};

export function tinyGguf({
  version = 3,
  magic = 'GGUF',
  metadata = llama,
  tensors = { 'token_embd.weight': [64, 20] },
  tensorCount,
  keyCount,
}: TinyGguf = {}): Buffer {
  const pairs = Object.entries(metadata).flatMap(([key, value]) => [text(key), valueBytes(value)]);
  let offset = 0;
  const infos = Object.entries(tensors).flatMap(([name, dimensions]) => {
    const info = [text(name), u32(dimensions.length), ...dimensions.map(u64), u32(0), u64(offset)];
    offset += 4 * dimensions.reduce((product, n) => product * n, 1);
    return info;
  });
  const counts = [u64(tensorCount ?? Object.keys(tensors).length), u64(keyCount ?? Object.keys(metadata).length)];
  return Buffer.concat([Buffer.from(magic), u32(version), ...counts, ...pairs, ...infos, Buffer.alloc(32)]);
}

/** What reading tinyGguf() gives. */
export const headerOf = (change: Partial<GgufHeader> = {}): GgufHeader => ({
  version: 3,
  tensorCount: 1,
  parameterCount: 1280,
  architecture: 'llama',
  type: 'model',
  quantization: 'Q4_K_M',
  contextLength: 2048,
  embeddingLength: 64,
  hasChatTemplate: false,
  isEmbedding: false,
  isProjector: false,
  split: undefined,
  ...change,
});
