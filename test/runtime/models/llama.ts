// A language model of 160 KB that llama.cpp runs as any other Llama, and that answers every prompt with the same words.
//
// Each token of the answer has a direction of its own, all others share one. The output head of a word looks in the direction
// of the token before it, so attention and feed-forward, small random weights, change nothing, whatever the sampling options.
import { normal, weights } from './chance.ts';
import { bool, float32, type GgufModel, ggufFile, int32s, strings, type Tensor, text, uint32 } from './gguf.ts';
import { bpeWord, byteCharacters, tokenTypes } from './vocabulary.ts';

export interface TinyLlama {
  /** The words that it answers with, each a token; ASCII, so that no token is half a character. */
  answer?: readonly string[];
  /** Begins the answer again instead of ending it, until num_predict or the context is used up; default false. */
  endless?: boolean;
  /** Another seed makes another file, and so another digest, that answers the same; default 1. */
  seed?: number;
  /** Default: tiny-llama. */
  name?: string;
}

export const defaultAnswer = ['Hello', ' from', ' the', ' tiny', ' test', ' model.'] as const;
/** The first word of the default answer with the adapter of lora.ts. */
export const adaptedGreeting = 'Howdy';

export const tinyLlamaSize = { context: 2048, width: 64, feedForward: 128, heads: 2 } as const;

const special = { begin: '<|begin_of_text|>', end: '<|end_of_text|>', turn: '<|im_start|>', turnEnd: '<|im_end|>' };
const merges = [
  ['Ġ', 't'],
  ['h', 'e'],
] as const; // llama.cpp wants some

const chatTemplate =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}' +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

interface Vocabulary {
  tokens: string[];
  types: number[];
  idOf(token: string): number;
}

export function llamaVocabulary(answer: readonly string[] = defaultAnswer): Vocabulary {
  const words = [...new Set([...answer, adaptedGreeting])].map(bpeWord);
  const plain = [...byteCharacters(), ...merges.map(([first, second]) => first + second), ...words];
  if (new Set(plain).size < plain.length) throw new Error('a word of the answer must be longer than a byte');
  const tokens = [...plain, ...Object.values(special)];
  const types = tokens.map((_, id) => (id < plain.length ? tokenTypes.normal : tokenTypes.control));
  return { tokens, types, idOf: (token) => tokens.indexOf(token) };
}

/** How far each direction stands out: the logit of the right word is 8 · 4 or 32 above all others. */
const strength = { embedding: 8, output: 4 } as const;

/** Embedding and output head. Direction 0 is that of every token but those of the answer. */
function ends({ answer = defaultAnswer, endless = false, seed = 1 }: TinyLlama): Tensor[] {
  const { tokens, idOf } = llamaVocabulary(answer);
  const { width } = tinyLlamaSize;
  if (answer.length >= width) throw new Error(`an answer has less than ${width} words`);
  const shape = [width, tokens.length];
  const embedding = weights(width * tokens.length, normal(seed, 0.05));
  const output = new Float32Array(width * tokens.length);
  const ids = answer.map((word) => idOf(bpeWord(word)));
  const direction = new Map(ids.map((id, place) => [id, place + 1]));
  direction.set(idOf(adaptedGreeting), 1); // goes on as the first word would
  for (const id of tokens.keys()) embedding[id * width + (direction.get(id) ?? 0)] = strength.embedding;
  const follow = (id: number, place: number) => {
    output[id * width + place] = strength.output;
  };
  for (const [place, id] of ids.entries()) follow(id, place);
  follow(endless ? (ids[0] ?? 0) : idOf(special.turnEnd), ids.length);
  return [
    { name: 'token_embd.weight', shape, type: 'f16', data: embedding },
    { name: 'output.weight', shape, type: 'f16', data: output },
    { name: 'output_norm.weight', shape: [width], type: 'f32', data: new Float32Array(width).fill(1) },
  ];
}

function block(seed: number): Tensor[] {
  const { width, feedForward } = tinyLlamaSize;
  const next = normal(seed + 1_000, 0.05);
  const matrix = (name: string, columns: number, rows: number): Tensor => {
    return { name: `blk.0.${name}.weight`, shape: [columns, rows], type: 'f16', data: weights(columns * rows, next) };
  };
  const norm = (name: string): Tensor => {
    return { name: `blk.0.${name}.weight`, shape: [width], type: 'f32', data: new Float32Array(width).fill(1) };
  };
  return [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) => matrix(name, width, width)),
    matrix('ffn_gate', width, feedForward),
    matrix('ffn_up', width, feedForward),
    matrix('ffn_down', feedForward, width),
    norm('attn_norm'),
    norm('ffn_norm'),
  ];
}

function tinyLlamaModel(options: TinyLlama = {}): GgufModel {
  const { answer = defaultAnswer, seed = 1, name = 'tiny-llama' } = options;
  const { context, width, feedForward, heads } = tinyLlamaSize;
  const { tokens, types, idOf } = llamaVocabulary(answer);
  const metadata = {
    'general.architecture': text('llama'),
    'general.name': text(name),
    'general.file_type': uint32(1), // mostly F16
    'llama.context_length': uint32(context),
    'llama.embedding_length': uint32(width),
    'llama.block_count': uint32(1),
    'llama.feed_forward_length': uint32(feedForward),
    'llama.attention.head_count': uint32(heads),
    'llama.attention.head_count_kv': uint32(heads),
    'llama.attention.layer_norm_rms_epsilon': float32(1e-5),
    'llama.rope.dimension_count': uint32(width / heads),
    'llama.rope.freq_base': float32(10_000),
    'llama.vocab_size': uint32(tokens.length),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('llama-bpe'),
    'tokenizer.ggml.tokens': strings(tokens),
    'tokenizer.ggml.token_type': int32s(types),
    'tokenizer.ggml.merges': strings(merges.map((pair) => pair.join(' '))),
    'tokenizer.ggml.bos_token_id': uint32(idOf(special.begin)),
    'tokenizer.ggml.eos_token_id': uint32(idOf(special.turnEnd)),
    'tokenizer.ggml.add_bos_token': bool(true),
    'tokenizer.chat_template': text(chatTemplate),
  };
  return { metadata, tensors: [...ends(options), ...block(seed)] };
}

/** The file. Answers `Hello from the tiny test model.` and ends, unless told otherwise. */
export const tinyLlama = (options: TinyLlama = {}): Buffer => ggufFile(tinyLlamaModel(options));
