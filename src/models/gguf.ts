// The header of a GGUF file: what the model is, how large, how it is quantised. Reads the header and nothing of the weights.
import { open } from 'node:fs/promises';
import { fileError, PullError } from './errors.ts';
import { type Cursor, openCursor } from './ggufCursor.ts';
import { quantizationOf } from './quantization.ts';

/** The largest known headers, of vocabularies of 260,000 tokens, are under 20 MiB. */
const MAX_HEADER_BYTES = 128 * 1024 * 1024;
const MAX_KEYS = 65_536;
const MAX_TENSORS = 1_000_000;
const MAX_KEY_BYTES = 65_535;
/** Of the texts that we keep; longer ones are passed over. */
const MAX_TEXT_BYTES = 1024;
/** GGML_MAX_DIMS. */
const MAX_DIMENSIONS = 4;

type Value = number | boolean | string;

export interface GgufHeader {
  readonly version: number;
  readonly tensorCount: number;
  /** Weights, over all tensors. */
  readonly parameterCount: number;
  /** general.architecture; `unknown` where it is missing, as in Ollama. */
  readonly architecture: string;
  /** general.type, such as model, adapter, mmproj. */
  readonly type: string | undefined;
  /** Such as Q4_K_M; `unknown` where the file does not say. */
  readonly quantization: string;
  /** Tokens that it was trained for. */
  readonly contextLength: number | undefined;
  readonly embeddingLength: number | undefined;
  readonly hasChatTemplate: boolean;
  /** It makes embeddings rather than text. */
  readonly isEmbedding: boolean;
  /** It reads images or sound for another model and cannot stand alone. */
  readonly isProjector: boolean;
  /** One file of several, counted from 0. */
  readonly split: { readonly index: number; readonly count: number } | undefined;
}

const sizes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const TEXT = 8;
const LIST = 9;

/** Worth keeping; all else, the vocabulary above all, is passed over. */
const WANTED =
  /^(general\.(architecture|type|file_type)|tokenizer\.chat_template|split\.(no|count)|([^.]+\.)?(context_length|embedding_length|block_count|pooling_type|vision\.block_count|has_vision_encoder|has_audio_encoder|split\.(no|count)))$/;

async function skipList(cursor: Cursor): Promise<void> {
  const type = await cursor.u32();
  const count = await cursor.u64();
  const size = sizes[type];
  if (size !== undefined) return cursor.skip(count * size);
  if (type !== TEXT) throw cursor.wrong(`lists of type ${type}`);
  await cursor.skipTexts(count);
}

async function readNumber(cursor: Cursor, type: number): Promise<Value> {
  const bytes = await cursor.bytes(sizes[type] ?? 0);
  switch (type) {
    case 0:
      return bytes.readUInt8();
    case 1:
      return bytes.readInt8();
    case 2:
      return bytes.readUInt16LE();
    case 3:
      return bytes.readInt16LE();
    case 4:
      return bytes.readUInt32LE();
    case 5:
      return bytes.readInt32LE();
    case 6:
      return bytes.readFloatLE();
    case 7:
      return bytes.readUInt8() !== 0;
    case 10:
      return Number(bytes.readBigUInt64LE());
    case 11:
      return Number(bytes.readBigInt64LE());
    default:
      return bytes.readDoubleLE();
  }
}

/** Undefined for what is passed over: lists, and long texts except that they are there. */
async function readValue(cursor: Cursor, wanted: boolean): Promise<Value | undefined> {
  const type = await cursor.u32();
  if (type === LIST) return skipList(cursor).then(() => undefined);
  if (type === TEXT) {
    const length = await cursor.u64();
    if (wanted && length <= MAX_TEXT_BYTES) return (await cursor.bytes(length)).toString('utf8');
    await cursor.skip(length);
    return wanted ? '…' : undefined;
  }
  const size = sizes[type];
  if (size === undefined) throw cursor.wrong(`values of type ${type}`);
  if (wanted) return readNumber(cursor, type);
  await cursor.skip(size);
  return undefined;
}

async function readKey(cursor: Cursor): Promise<string> {
  const length = await cursor.u64();
  if (length > MAX_KEY_BYTES) throw cursor.wrong(`a key of ${length} bytes`);
  return (await cursor.bytes(length)).toString('utf8');
}

async function readMetadata(cursor: Cursor, count: number): Promise<ReadonlyMap<string, Value>> {
  const values = new Map<string, Value>();
  for (let index = 0; index < count; index++) {
    const key = await readKey(cursor);
    const value = await readValue(cursor, WANTED.test(key));
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

/** Name, dimensions, type and offset of each; only the number of weights is of interest. */
async function countParameters(cursor: Cursor, tensors: number): Promise<number> {
  let total = 0;
  for (let index = 0; index < tensors; index++) {
    await cursor.skip(await cursor.u64());
    const dimensions = await cursor.u32();
    if (dimensions > MAX_DIMENSIONS) throw cursor.wrong(`a tensor of ${dimensions} dimensions`);
    let weights = 1;
    for (let axis = 0; axis < dimensions; axis++) weights *= await cursor.u64();
    total += weights;
    await cursor.skip(4 + 8);
  }
  if (!Number.isSafeInteger(total)) throw cursor.wrong('more weights than can be counted');
  return total;
}

const asNumber = (value: Value | undefined): number | undefined => (typeof value === 'number' ? value : undefined);
const asText = (value: Value | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

function splitOf(index: number | undefined, count: number | undefined): GgufHeader['split'] {
  return index !== undefined && count !== undefined && count > 1 ? { index, count } : undefined;
}

type Facts = Pick<GgufHeader, 'version' | 'tensorCount' | 'parameterCount'>;

function headerOf(values: ReadonlyMap<string, Value>, facts: Facts): GgufHeader {
  const architecture = asText(values.get('general.architecture')) ?? 'unknown';
  const type = asText(values.get('general.type'));
  const own = (key: string) => values.get(`${architecture}.${key}`);
  const either = (key: string) => asNumber(values.get(key) ?? own(key));
  // The rules of Ollama's server/create.go isProjectorGGUF.
  const hasBlocks = Boolean(asNumber(own('block_count')));
  const sees = Boolean(asNumber(own('vision.block_count')));
  const encodes = own('has_vision_encoder') === true || own('has_audio_encoder') === true;
  return {
    ...facts,
    architecture,
    type,
    quantization: quantizationOf(asNumber(values.get('general.file_type'))),
    contextLength: asNumber(own('context_length')),
    embeddingLength: asNumber(own('embedding_length')),
    hasChatTemplate: Boolean(values.get('tokenizer.chat_template')),
    isEmbedding: own('pooling_type') !== undefined,
    isProjector:
      type === 'projector' || type === 'mmproj' || (!hasBlocks && (sees || (architecture === 'clip' && encodes))),
    split: splitOf(either('split.no'), either('split.count')),
  };
}

async function readHeader(cursor: Cursor): Promise<GgufHeader> {
  const magic = (await cursor.bytes(4)).toString('latin1');
  if (magic === 'FUGG') throw cursor.wrong('big-endian numbers, which no runtime here reads');
  if (magic !== 'GGUF') throw new PullError('Corrupt', `${cursor.path} is not a GGUF file`);
  const version = await cursor.u32();
  if (version < 2 || version > 3) throw cursor.wrong(`version ${version}; 2 and 3 can be read`);
  const tensorCount = await cursor.u64();
  const keys = await cursor.u64();
  if (keys > MAX_KEYS || tensorCount > MAX_TENSORS) throw cursor.wrong(`${keys} keys and ${tensorCount} tensors`);
  const values = await readMetadata(cursor, keys);
  return headerOf(values, { version, tensorCount, parameterCount: await countParameters(cursor, tensorCount) });
}

/** Throws a PullError: `Corrupt` for what is no GGUF, is cut off, or says absurd things. */
export async function readGguf(path: string, signal?: AbortSignal): Promise<GgufHeader> {
  try {
    await using file = await open(path, 'r');
    return await readHeader(await openCursor(file, path, MAX_HEADER_BYTES, signal));
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw fileError(error, `read ${path}`);
  }
}
