// What Ollama takes only as part of a model: Modelfile fields and parameters. The pull makes a derived model of them.
import type { Settings } from '../api/defaults.ts';
import type { Problem } from '../api/types.ts';
import { MAX_DERIVED_BYTES, type PullConfig, variableJson } from '../puller/config.ts';
import { referenceProblem } from './ollamaReference.ts';

const MODELFILE = 'spec.ollama.modelfile';

type Kind = 'int' | 'float' | 'bool' | 'text';

/** ollama/ollama api/types.go Options. Which names there are is the schema's to say; the server takes any value for them. */
export const parameterKinds: Readonly<Record<string, Kind>> = {
  num_keep: 'int',
  seed: 'int',
  num_predict: 'int',
  draft_num_predict: 'int',
  top_k: 'int',
  top_p: 'float',
  min_p: 'float',
  typical_p: 'float',
  repeat_last_n: 'int',
  temperature: 'float',
  repeat_penalty: 'float',
  presence_penalty: 'float',
  frequency_penalty: 'float',
  main_gpu: 'int',
  use_mmap: 'bool',
  stop: 'text',
};

const forms: Readonly<Record<Kind, { pattern: RegExp; what: string }>> = {
  int: { pattern: /^-?\d+$/, what: 'a whole number' },
  float: { pattern: /^-?\d+(\.\d+)?$/, what: 'a number' },
  bool: { pattern: /^(true|false)$/, what: 'true or false' },
  text: { pattern: /^/, what: 'text' },
};

type Parameter = { name: string; value: string };

function parameterProblem({ name, value }: Parameter, earlier: readonly Parameter[]): string | undefined {
  const form = forms[parameterKinds[name] ?? 'text'];
  if (!form.pattern.test(value)) return `${name} must be ${form.what}`;
  if (name !== 'stop' && earlier.some((other) => other.name === name)) return `${name} stands twice; keep one`;
  return undefined;
}

function parameterProblems({ ollama }: Settings): Problem[] {
  const parameters = ollama.modelfile?.parameters ?? [];
  return parameters.flatMap((parameter, index) => {
    const message = parameterProblem(parameter, parameters.slice(0, index));
    return message ? { path: `${MODELFILE}.parameters[${index}]`, message } : [];
  });
}

function adapterProblems({ ollama }: Settings): Problem[] {
  return (ollama.modelfile?.adapters ?? []).flatMap(({ name }, index) => {
    const problem = referenceProblem(name);
    return problem ? { path: `${MODELFILE}.adapters[${index}].name`, message: `${name} ${problem}` } : [];
  });
}

function sizeProblems({ ollama }: Settings): Problem[] {
  const size = Buffer.byteLength(variableJson(ollama.modelfile ?? {}), 'utf8');
  if (size <= MAX_DERIVED_BYTES) return [];
  const message = `is ${size} bytes as JSON, and at most ${MAX_DERIVED_BYTES} fit into a pod; make a model of your own from it and name that`;
  return [{ path: MODELFILE, message }];
}

export const modelfileProblems = (settings: Settings): Problem[] => [
  ...parameterProblems(settings),
  ...adapterProblems(settings),
  ...sizeProblems(settings),
];

/** What the derived model adds to the pulled one; undefined where the pulled one is served as it is. */
export function derivedOf({ ollama, performance }: Settings, onGpu: boolean): PullConfig['derived'] {
  const { parameters = [], ...rest } = ollama.modelfile ?? {};
  const own = [
    { name: 'num_gpu', value: onGpu ? ollama.gpuLayers : undefined },
    { name: 'num_batch', value: performance.batchSize },
  ].flatMap(({ name, value }) => (value === undefined ? [] : { name, value: String(value) }));
  const all = [...own, ...parameters];
  return all.length > 0 || Object.keys(rest).length > 0 ? { ...rest, parameters: all } : undefined;
}
