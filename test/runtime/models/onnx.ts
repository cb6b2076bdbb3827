// Writes ONNX files (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as tiny models need it: protobuf by hand.

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers, or lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** An input or output of the graph; a dimension that is a word is free. */
export interface OnnxValue {
  readonly name: string;
  readonly type: 'float' | 'int64';
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly weights: readonly OnnxTensor[];
}

const irVersion = 9;
const operatorSet = 18;
const elementTypes = { float: 1, int64: 7 } as const;
const attributeTypes = { int: 2, ints: 7 } as const;
const EXTERNAL = 1;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** A field of numbers that are not negative. */
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);

const bytes = (field: number, value: Uint8Array): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);

const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));
const message = (field: number, parts: readonly Buffer[]): Buffer => bytes(field, Buffer.concat(parts));

function attribute(name: string, value: number | readonly number[]): Buffer {
  const parts =
    typeof value === 'number'
      ? [number(3, value), number(20, attributeTypes.int)]
      : [...value.map((each) => number(8, each)), number(20, attributeTypes.ints)];
  return message(5, [text(1, name), ...parts]);
}

const node = ({ operator, inputs, outputs, attributes = {} }: OnnxNode): Buffer =>
  message(1, [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  ]);

const dimension = (size: number | string): Buffer =>
  message(1, [typeof size === 'number' ? number(1, size) : text(2, size)]);

const value = (field: number, { name, type, shape }: OnnxValue): Buffer =>
  message(field, [
    text(1, name),
    message(2, [message(1, [number(1, elementTypes[type]), message(2, shape.map(dimension))])]),
  ]);

const rawOf = ({ data }: OnnxTensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

const pair = (key: string, content: string): Buffer => message(13, [text(1, key), text(2, content)]);

function weight(tensor: OnnxTensor, place: Buffer[]): Buffer {
  const { name, shape, data } = tensor;
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== data.length) throw new Error(`${name} does not have its shape`);
  const type = data instanceof Float32Array ? elementTypes.float : elementTypes.int64;
  return message(5, [...shape.map((size) => number(1, size)), number(2, type), text(8, name), ...place]);
}

/** Where the file with the weights lies: beside the graph. */
export const externalFile = 'model.onnx.data';

export interface OnnxFiles {
  /** model.onnx */
  readonly graph: Buffer;
  /** model.onnx.data, where the weights are apart. */
  readonly data: Buffer | undefined;
}

/** Little-endian machines only, which is all that these tests run on. With `apart` the float weights lie in a file of their own. */
export function onnxFiles({ nodes, inputs, outputs, weights }: OnnxGraph, apart = false): OnnxFiles {
  const pieces: Buffer[] = [];
  let offset = 0;
  const placed = weights.map((tensor) => {
    const raw = rawOf(tensor);
    if (!apart || !(tensor.data instanceof Float32Array)) return weight(tensor, [bytes(9, raw)]);
    const place = [pair('location', externalFile), pair('offset', `${offset}`), pair('length', `${raw.length}`)];
    pieces.push(raw);
    offset += raw.length;
    return weight(tensor, [...place, number(14, EXTERNAL)]);
  });
  const graph = [
    ...nodes.map(node),
    text(2, 'tiny'),
    ...placed,
    ...inputs.map((input) => value(11, input)),
    ...outputs.map((output) => value(12, output)),
  ];
  const model = [number(1, irVersion), message(7, graph), message(8, [text(1, ''), number(2, operatorSet)])];
  return { graph: Buffer.concat(model), data: apart ? Buffer.concat(pieces) : undefined };
}
