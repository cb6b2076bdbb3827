// A language model of 0.5 MB that ONNX Runtime GenAI runs as any other, and that answers every prompt with the same words.
//
// It is a table: after this token comes that one. The key-value cache is there and grows, since the runtime insists on one,
// but nothing reads it.
import { normal, weights } from './chance.ts';
import { externalFile, type OnnxGraph, type OnnxNode, type OnnxTensor, onnxFiles } from './onnx.ts';
import { bpeWord, byteCharacters } from './vocabulary.ts';

export interface TinyOnnx {
  /** The words that it answers with, each a token. */
  answer?: readonly string[];
  /** Begins the answer again instead of ending it, until max_tokens or the context is used up; default false. */
  endless?: boolean;
  /** Useless matrix multiplications per token, 2 to 5 ms each: so that something can happen in mid-stream. */
  slowness?: number;
  /** The weights in a file of their own, as those of large models are; default false. */
  apart?: boolean;
  /** Another seed makes other files that answer the same; default 1. */
  seed?: number;
  /** Of provider_options: what the model asks to run on; default none, which is the CPU. */
  provider?: string;
  /** Tokens that it is said to be trained for; default 2048. */
  context?: number;
}

/** Contents by name. */
export type ModelFiles = Readonly<Record<string, Buffer>>;

export const onnxAnswer = [' Hello', ' from', ' the', ' tiny', ' test', ' model', '.'] as const;

const special = { end: '<|end|>', user: '<|user|>', assistant: '<|assistant|>', system: '<|system|>' } as const;
const merges = ['Ġ t', 'h e'] as const; // the tokenizer wants some
const cache = { heads: 1, size: 4 } as const;
const burnWidth = 512;

const chatTemplate =
  "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/** As the catalog has it, and inference_model.json. */
export const promptTemplate = {
  system: '<|system|>{Content}<|end|>',
  user: '<|user|>{Content}<|end|>',
  assistant: '<|assistant|>{Content}<|end|>',
  prompt: '<|user|>{Content}<|end|><|assistant|>',
} as const;

interface Vocabulary {
  readonly tokens: readonly string[];
  idOf(token: string): number;
}

function vocabularyOf(answer: readonly string[]): Vocabulary {
  const joined = merges.map((pair) => pair.replace(' ', ''));
  const tokens = [...Object.values(special), ...byteCharacters(), ...joined, ...new Set(answer.map(bpeWord))];
  // A word of one byte is a token already.
  const distinct = [...new Set(tokens)];
  return { tokens: distinct, idOf: (token) => distinct.indexOf(token) };
}

/** Row by row: after which token comes which. */
function follow(
  { tokens, idOf }: Vocabulary,
  { answer = onnxAnswer, endless = false, seed = 1 }: TinyOnnx,
): Float32Array {
  const size = tokens.length;
  const table = weights(size * size, normal(seed, 0.01));
  const ids = answer.map((word) => idOf(bpeWord(word)));
  const [first = 0] = ids;
  const raise = (from: number, to: number, by: number) => {
    table[from * size + to] = (table[from * size + to] ?? 0) + by;
  };
  for (let from = 0; from < size; from++) {
    raise(from, first, 5);
    if (endless) raise(from, idOf(special.end), -50);
  }
  const chain = [...ids, endless ? first : idOf(special.end)];
  for (const [index, id] of ids.entries()) raise(id, chain[index + 1] ?? first, 20);
  return table;
}

/** Input dependent, so that nothing is worked out ahead, and too small to change a logit. */
function burning(slowness: number): { nodes: OnnxNode[]; tensors: OnnxTensor[] } {
  const next = normal(7, 1 / Math.sqrt(burnWidth));
  const axes = (name: string, ...list: bigint[]): OnnxTensor => ({
    name,
    shape: [list.length],
    data: BigInt64Array.from(list),
  });
  const tensors: OnnxTensor[] = [
    { name: 'burn', shape: [burnWidth, burnWidth], data: weights(burnWidth ** 2, next) },
    { name: 'nothing', shape: [], data: Float32Array.of(1e-30) },
    axes('every', 0n, 1n, 2n),
    axes('both', 0n, 1n),
  ];
  const nodes: OnnxNode[] = [
    { operator: 'ReduceSum', inputs: ['plain', 'every'], outputs: ['sum'], attributes: { keepdims: 0 } },
    { operator: 'Add', inputs: ['burn', 'sum'], outputs: ['burn0'] },
    ...Array.from({ length: slowness }, (_, step) => ({
      operator: 'MatMul',
      inputs: [`burn${step}`, 'burn'],
      outputs: [`burn${step + 1}`],
    })),
    { operator: 'ReduceMean', inputs: [`burn${slowness}`, 'both'], outputs: ['mean'], attributes: { keepdims: 0 } },
    { operator: 'Mul', inputs: ['mean', 'nothing'], outputs: ['naught'] },
    { operator: 'Add', inputs: ['plain', 'naught'], outputs: ['logits'] },
  ];
  return { nodes, tensors };
}

function graphOf(vocabulary: Vocabulary, options: TinyOnnx): OnnxGraph {
  const { slowness = 0, seed = 1 } = options;
  const size = vocabulary.tokens.length;
  const { heads, size: width } = cache;
  const burn = slowness > 0 ? burning(slowness) : { nodes: [], tensors: [] };
  const kinds = ['key', 'value'] as const;
  const cached = (name: string, length: string) => ({
    name,
    type: 'float' as const,
    shape: ['batch', heads, length, width],
  });
  return {
    nodes: [
      { operator: 'Gather', inputs: ['table', 'input_ids'], outputs: [slowness > 0 ? 'plain' : 'logits'] },
      ...burn.nodes,
      // One head, so [batch, tokens, width] becomes [batch, 1, tokens, width] by another axis.
      { operator: 'Gather', inputs: ['states', 'input_ids'], outputs: ['flat'] },
      { operator: 'Unsqueeze', inputs: ['flat', 'one'], outputs: ['state'] },
      ...kinds.map((kind) => ({
        operator: 'Concat',
        inputs: [`past_key_values.0.${kind}`, 'state'],
        outputs: [`present.0.${kind}`],
        attributes: { axis: 2 },
      })),
    ],
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'tokens'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch', 'total'] },
      ...kinds.map((kind) => cached(`past_key_values.0.${kind}`, 'past')),
    ],
    outputs: [
      { name: 'logits', type: 'float', shape: ['batch', 'tokens', size] },
      ...kinds.map((kind) => cached(`present.0.${kind}`, 'total')),
    ],
    weights: [
      { name: 'table', shape: [size, size], data: follow(vocabulary, options) },
      { name: 'states', shape: [size, width], data: weights(size * width, normal(seed + 1, 0.05)) },
      { name: 'one', shape: [1], data: BigInt64Array.of(1n) },
      ...burn.tensors,
    ],
  };
}

const json = (content: unknown): Buffer => Buffer.from(`${JSON.stringify(content, null, 1)}\n`);

const addedToken = (content: string) => ({
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
});

/** https://github.com/huggingface/tokenizers, byte-level BPE as GPT-2 has it. */
function tokenizerFiles({ tokens, idOf }: Vocabulary): ModelFiles {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const specials = Object.values(special);
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((token) => ({ id: idOf(token), ...addedToken(token) })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  const ends = { eos_token: special.end, bos_token: special.end, pad_token: special.end };
  const config = {
    tokenizer_class: 'GPT2Tokenizer',
    model_max_length: 2048,
    add_bos_token: false,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    unk_token: special.end,
    ...ends,
    chat_template: chatTemplate,
    added_tokens_decoder: Object.fromEntries(specials.map((token) => [idOf(token), addedToken(token)])),
  };
  return {
    'tokenizer.json': json(tokenizer),
    'tokenizer_config.json': json(config),
    'special_tokens_map.json': json(ends),
  };
}

/** https://onnxruntime.ai/docs/genai/reference/config.html */
function genaiConfig({ tokens, idOf }: Vocabulary, { provider, context = 2048 }: TinyOnnx): Buffer {
  const end = idOf(special.end);
  const names = (prefix: string) => ({
    [`${prefix === 'present' ? 'present' : 'past'}_key_names`]: `${prefix}.%d.key`,
    [`${prefix === 'present' ? 'present' : 'past'}_value_names`]: `${prefix}.%d.value`,
  });
  const decoder = {
    filename: 'model.onnx',
    session_options: { log_id: 'onnxruntime-genai', provider_options: provider ? [{ [provider]: {} }] : [] },
    head_size: cache.size,
    hidden_size: cache.heads * cache.size,
    num_attention_heads: cache.heads,
    num_key_value_heads: cache.heads,
    num_hidden_layers: 1,
    inputs: { input_ids: 'input_ids', attention_mask: 'attention_mask', ...names('past_key_values') },
    outputs: { logits: 'logits', ...names('present') },
  };
  return json({
    model: {
      type: 'llama',
      vocab_size: tokens.length,
      context_length: context,
      bos_token_id: end,
      eos_token_id: end,
      pad_token_id: end,
      decoder,
    },
    search: {
      do_sample: false,
      max_length: context,
      min_length: 0,
      num_beams: 1,
      num_return_sequences: 1,
      past_present_share_buffer: false,
      temperature: 1,
      top_k: 1,
      top_p: 1,
      repetition_penalty: 1,
      length_penalty: 1,
      no_repeat_ngram_size: 0,
      early_stopping: true,
    },
  });
}

/** What a folder of a model holds, but for inference_model.json. Answers ` Hello from the tiny test model.` unless told otherwise. */
export function tinyOnnx(options: TinyOnnx = {}): ModelFiles {
  const vocabulary = vocabularyOf(options.answer ?? onnxAnswer);
  const { graph, data } = onnxFiles(graphOf(vocabulary, options), options.apart);
  return {
    'genai_config.json': genaiConfig(vocabulary, options),
    ...tokenizerFiles(vocabulary),
    'model.onnx': graph,
    ...(data && { [externalFile]: data }),
  };
}

/** What Foundry Local knows a model by that did not come from its catalog. */
export const inferenceModel = (name: string): Buffer => json({ Name: name, PromptTemplate: promptTemplate });
