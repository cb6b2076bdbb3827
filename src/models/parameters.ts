// Parameters that a model can carry: what Ollama knows, and what people write instead. The server takes any name and ignores
// what it does not know, so a typo would pass in silence.

export type ParameterKind = 'int' | 'float' | 'bool' | 'text';

/** ollama/ollama api/types.go, Options and Runner. */
export const parameterKinds = {
  num_ctx: 'int',
  num_batch: 'int',
  num_gpu: 'int',
  main_gpu: 'int',
  use_mmap: 'bool',
  num_thread: 'int',
  draft_num_predict: 'int',
  num_keep: 'int',
  seed: 'int',
  num_predict: 'int',
  top_k: 'int',
  top_p: 'float',
  min_p: 'float',
  typical_p: 'float',
  repeat_last_n: 'int',
  temperature: 'float',
  repeat_penalty: 'float',
  presence_penalty: 'float',
  frequency_penalty: 'float',
  stop: 'text',
} as const satisfies Record<string, ParameterKind>;

export type ParameterName = keyof typeof parameterKinds;

/** One `PARAMETER` line; values are text. */
export interface Parameter {
  readonly name: string;
  readonly value: string;
}

const isParameterName = (name: string): name is ParameterName => Object.hasOwn(parameterKinds, name);

/** Names of other programs, of old Ollama versions and of courses, with today's. */
export const renamed: ReadonlyMap<string, ParameterName> = new Map(
  Object.entries({
    context_length: 'num_ctx',
    context_size: 'num_ctx',
    ctx_size: 'num_ctx',
    max_context: 'num_ctx',
    n_ctx: 'num_ctx',
    num_context: 'num_ctx',
    batch_size: 'num_batch',
    n_batch: 'num_batch',
    gpu_layers: 'num_gpu',
    n_gpu_layers: 'num_gpu',
    num_gpu_layers: 'num_gpu',
    num_gpus: 'num_gpu',
    n_threads: 'num_thread',
    num_threads: 'num_thread',
    threads: 'num_thread',
    max_new_tokens: 'num_predict',
    max_tokens: 'num_predict',
    n_predict: 'num_predict',
    random_seed: 'seed',
    repetition_penalty: 'repeat_penalty',
    stop_sequence: 'stop',
    stop_sequences: 'stop',
    temp: 'temperature',
  } as const),
);

/** Ollama warns of these and ignores them (parser/parser.go deprecatedParameters, or gone without a trace). */
const ignored: ReadonlySet<string> = new Set([
  'embedding_only',
  'f16_kv',
  'logits_all',
  'low_vram',
  'mirostat',
  'mirostat_eta',
  'mirostat_tau',
  'num_gqa',
  'numa',
  'penalize_newline',
  'rope_frequency_base',
  'rope_frequency_scale',
  'tfs_z',
  'use_mlock',
  'vocab_only',
]);

/** Edits between two words: insert, remove, replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}

/** More edits than this and the two words have nothing to do with each other. */
const MAX_EDITS = 2;

/** Longer ones are no typo of anything. */
const LONGEST_NAME = 64;

/** The name that was probably meant. */
export function suggestParameter(name: string): ParameterName | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const plain = name.trim().toLowerCase().replaceAll('-', '_');
  if (isParameterName(plain)) return plain;
  const known = renamed.get(plain);
  if (known) return known;
  const [best] = (Object.keys(parameterKinds) as ParameterName[])
    .map((candidate) => ({ candidate, edits: distance(plain, candidate) }))
    .sort((a, b) => a.edits - b.edits);
  return best && best.edits <= MAX_EDITS && best.edits < plain.length ? best.candidate : undefined;
}

/** What is wrong with a name, with today's form; undefined for those that Ollama knows. */
export function parameterNameProblem(name: string): string | undefined {
  if (isParameterName(name)) return undefined;
  if (ignored.has(name)) return `${name} is ignored by Ollama since it was removed; leave it out`;
  const suggestion = suggestParameter(name);
  const shown = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
  return suggestion
    ? `${shown} is not a parameter of Ollama; it is ${suggestion}`
    : `${shown} is not a parameter of Ollama; there are ${Object.keys(parameterKinds).sort().join(', ')}`;
}

/** What a value must look like, and how to say it. */
export const valueForms: Readonly<Record<ParameterKind, { pattern: RegExp; what: string }>> = {
  int: { pattern: /^-?\d{1,15}$/, what: 'a whole number' },
  float: { pattern: /^-?\d{1,15}(\.\d{1,30})?$/, what: 'a number' },
  bool: { pattern: /^(true|false)$/, what: 'true or false' },
  text: { pattern: /^/, what: 'text' },
};

/** What is wrong with one parameter, seen with those before it. */
export function parameterProblem({ name, value }: Parameter, earlier: readonly Parameter[]): string | undefined {
  const nameProblem = parameterNameProblem(name);
  if (nameProblem || !isParameterName(name)) return nameProblem;
  const form = valueForms[parameterKinds[name]];
  if (!form.pattern.test(value)) return `${name} must be ${form.what}`;
  if (name !== 'stop' && earlier.some((other) => other.name === name)) return `${name} stands twice; keep one`;
  return undefined;
}

/** The first problem of a list. */
export const parametersProblem = (parameters: readonly Parameter[]): string | undefined =>
  parameters
    .map((parameter, index) => parameterProblem(parameter, parameters.slice(0, index)))
    .find((problem) => problem !== undefined);

export type ParameterValue = number | boolean | readonly string[];

function typed(name: ParameterName, value: string): number | boolean {
  return parameterKinds[name] === 'bool' ? value === 'true' : Number(value);
}

/** As they stand in a params layer; `stop` gathers its values. The list must be free of problems. */
export function parameterValues(parameters: readonly Parameter[]): Partial<Record<ParameterName, ParameterValue>> {
  const values: Partial<Record<ParameterName, ParameterValue>> = {};
  const stops: string[] = [];
  for (const { name, value } of parameters) {
    if (name === 'stop') stops.push(value);
    else if (isParameterName(name)) values[name] = typed(name, value);
  }
  return stops.length > 0 ? { ...values, stop: stops } : values;
}
