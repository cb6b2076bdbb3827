// What Ollama takes only as part of a model: Modelfile fields and parameters. The pull makes a derived model of them.
import type { Settings } from '../api/defaults.ts';
import type { Problem } from '../api/types.ts';
import { parameterProblem } from '../models/parameters.ts';
import { MAX_DERIVED_BYTES, type PullConfig, variableJson } from '../puller/config.ts';
import { referenceProblem } from './ollamaReference.ts';

const MODELFILE = 'spec.ollama.modelfile';

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
