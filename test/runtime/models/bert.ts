// An embedding model of 150 KB with random weights: what it says means nothing, but it says the same about the same text.
import { normal, weights } from './chance.ts';
import { bool, float32, ggufFile, int32s, strings, type Tensor, text, uint32 } from './gguf.ts';
import { tokenTypes } from './vocabulary.ts';

/** Numbers per embedding. */
export const tinyBertWidth = 64;

const feedForward = 128;
const context = 512;
const special = { pad: 0, unknown: 1, begin: 2, separator: 3, mask: 4 } as const;
const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
/** WordPiece in llama.cpp's form: ▁ begins a word. */
const tokens = [...specials, ...letters.map((letter) => `▁${letter}`), ...letters, '▁hello', '▁world'];
const types = tokens.map((_, id) => {
  if (id === special.unknown) return tokenTypes.unknown;
  return id < specials.length ? tokenTypes.control : tokenTypes.normal;
});

function tensors(seed: number): Tensor[] {
  const width = tinyBertWidth;
  const next = normal(seed, 0.05);
  const matrix = (name: string, columns: number, rows: number, type: Tensor['type'] = 'f16'): Tensor => {
    return { name: `${name}.weight`, shape: [columns, rows], type, data: weights(columns * rows, next) };
  };
  const vector = (name: string, length: number, value: number): Tensor => {
    return { name, shape: [length], type: 'f32', data: new Float32Array(length).fill(value) };
  };
  const norm = (name: string) => [vector(`${name}.weight`, width, 1), vector(`${name}.bias`, width, 0)];
  const layer = (name: string, columns: number, rows: number) => [
    matrix(`blk.0.${name}`, columns, rows),
    vector(`blk.0.${name}.bias`, rows, 0),
  ];
  return [
    matrix('token_embd', width, tokens.length),
    matrix('position_embd', width, context),
    matrix('token_types', width, 2, 'f32'),
    ...norm('token_embd_norm'),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap((name) => layer(name, width, width)),
    ...norm('blk.0.attn_output_norm'),
    ...layer('ffn_up', width, feedForward),
    ...layer('ffn_down', feedForward, width),
    ...norm('blk.0.layer_output_norm'),
  ];
}

/** The file. Another seed makes another file with other embeddings; default 1. */
export function tinyBert({ seed = 1 }: { seed?: number } = {}): Buffer {
  const metadata = {
    'general.architecture': text('bert'),
    'general.name': text('tiny-bert'),
    'general.file_type': uint32(1), // mostly F16
    'bert.context_length': uint32(context),
    'bert.embedding_length': uint32(tinyBertWidth),
    'bert.block_count': uint32(1),
    'bert.feed_forward_length': uint32(feedForward),
    'bert.attention.head_count': uint32(2),
    'bert.attention.layer_norm_epsilon': float32(1e-12),
    'bert.attention.causal': bool(false),
    'bert.pooling_type': uint32(1), // mean
    'tokenizer.ggml.model': text('bert'),
    'tokenizer.ggml.pre': text('default'),
    'tokenizer.ggml.tokens': strings(tokens),
    'tokenizer.ggml.token_type': int32s(types),
    'tokenizer.ggml.token_type_count': uint32(2),
    'tokenizer.ggml.unknown_token_id': uint32(special.unknown),
    'tokenizer.ggml.seperator_token_id': uint32(special.separator), // the format's own spelling
    'tokenizer.ggml.padding_token_id': uint32(special.pad),
    'tokenizer.ggml.cls_token_id': uint32(special.begin),
    'tokenizer.ggml.mask_token_id': uint32(special.mask),
    'tokenizer.ggml.bos_token_id': uint32(special.begin),
    'tokenizer.ggml.eos_token_id': uint32(special.separator),
  };
  return ggufFile({ metadata, tensors: tensors(seed) });
}
