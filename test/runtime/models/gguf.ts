// Writes GGUF files, version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), as far as tiny models need it.

export type GgufValue =
  | { readonly type: 'uint32' | 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'int32s'; readonly value: readonly number[] };

export interface Tensor {
  readonly name: string;
  /** Innermost first, as ggml counts: [columns, rows]. */
  readonly shape: readonly number[];
  readonly type: 'f32' | 'f16';
  readonly data: Float32Array;
}

export interface GgufModel {
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly Tensor[];
}

export const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
export const float32 = (value: number): GgufValue => ({ type: 'float32', value });
export const bool = (value: boolean): GgufValue => ({ type: 'bool', value });
export const text = (value: string): GgufValue => ({ type: 'string', value });
export const strings = (value: readonly string[]): GgufValue => ({ type: 'strings', value });
export const int32s = (value: readonly number[]): GgufValue => ({ type: 'int32s', value });

const alignment = 32;
const valueTypes = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const tensorTypes = { f32: 0, f16: 1 } as const;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const string = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const array = (type: number, items: readonly Buffer[]): Buffer =>
  Buffer.concat([u32(valueTypes.array), u32(type), u64(items.length), ...items]);

/** The value with its type before it. */
function encoded(value: GgufValue): Buffer {
  switch (value.type) {
    case 'uint32':
      return Buffer.concat([u32(valueTypes.uint32), u32(value.value)]);
    case 'float32':
      return Buffer.concat([u32(valueTypes.float32), f32(value.value)]);
    case 'bool':
      return Buffer.concat([u32(valueTypes.bool), Buffer.from([value.value ? 1 : 0])]);
    case 'string':
      return Buffer.concat([u32(valueTypes.string), string(value.value)]);
    case 'strings':
      return array(valueTypes.string, value.value.map(string));
    case 'int32s':
      return array(valueTypes.int32, value.value.map(i32));
  }
}

/** IEEE 754 half precision, rounded to nearest, ties to even; what is too large becomes infinite. */
export function halfBits(value: number): number {
  const single = new DataView(new ArrayBuffer(4));
  single.setFloat32(0, value);
  const bits = single.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00;
  const shift = exponent > 0 ? 13 : 14 - exponent; // below: the smallest normal number, with ever fewer digits
  if (shift > 24) return sign;
  const whole = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
  const cut = whole >>> shift;
  const rest = whole & (2 ** shift - 1);
  const half = 2 ** (shift - 1);
  const up = rest > half || (rest === half && cut % 2 === 1) ? 1 : 0;
  return sign | (cut + up); // a carry out of the fraction is right: it is the next exponent
}

function encodedData({ type, data }: Tensor): Buffer {
  const size = type === 'f32' ? 4 : 2;
  const bytes = Buffer.alloc(data.length * size);
  for (const [index, value] of data.entries()) {
    if (type === 'f32') bytes.writeFloatLE(value, index * 4);
    else bytes.writeUInt16LE(halfBits(value), index * 2);
  }
  return bytes;
}

const padding = (length: number): Buffer => Buffer.alloc((alignment - (length % alignment)) % alignment);

export function ggufFile({ metadata, tensors }: GgufModel): Buffer {
  const entries = Object.entries(metadata).map(([key, value]) => Buffer.concat([string(key), encoded(value)]));
  const infos: Buffer[] = [];
  const blocks: Buffer[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    const { name, shape, type, data } = tensor;
    if (shape.reduce((a, b) => a * b, 1) !== data.length) throw new Error(`${name} does not have its shape`);
    infos.push(string(name), u32(shape.length), ...shape.map(u64), u32(tensorTypes[type]), u64(offset));
    const bytes = encodedData(tensor);
    const block = Buffer.concat([bytes, padding(bytes.length)]);
    blocks.push(block);
    offset += block.length;
  }
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(entries.length),
    ...entries,
    ...infos,
  ]);
  return Buffer.concat([head, padding(head.length), ...blocks]);
}
