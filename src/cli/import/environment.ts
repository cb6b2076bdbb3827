// Variables by which people configure runtimes: those that are real, those that never were, and the fields that stand for them.
import { type Draft, shown } from './draft.ts';
import { isOn, setFoundryModel, setLadder, setNumber } from './words.ts';

type Rule = (draft: Draft, value: string, from: string) => void;

const because =
  (why: string): Rule =>
  (draft, value, from) =>
    draft.note(from, `${shown(value)} has no equivalent: ${why}`);

const theOperators = because('the operator sets it');

/** Ollama never read the variable that courses name; the field does what they promise of it. */
const gpuLayers: Rule = (draft, value, from) => {
  draft.note(from, 'Ollama reads no such variable; spec.ollama.gpuLayers does what it is meant to do');
  setNumber(draft, 'ollama.gpuLayers', value, from);
};

const cacheType: Rule = (draft, value, from) => {
  if (['f16', 'q8_0', 'q4_0'].includes(value)) draft.set('ollama.kvCacheType', value, from);
  else draft.note(from, `${shown(value)} is none of f16, q8_0 and q4_0; left out`);
};

const loadedModels: Rule = (draft, value, from) => {
  if (value !== '1') draft.note(from, 'a deployment serves one model; make one for each');
};

const rules: Readonly<Record<string, Rule>> = {
  OLLAMA_NUM_PARALLEL: (draft, value, from) => setNumber(draft, 'performance.parallel', value, from),
  OLLAMA_CONTEXT_LENGTH: (draft, value, from) => setNumber(draft, 'performance.maxContext', value, from),
  OLLAMA_MAX_QUEUE: (draft, value, from) => setNumber(draft, 'api.limits.maxQueue', value, from),
  OLLAMA_FLASH_ATTENTION: (draft, value, from) => draft.set('ollama.flashAttention', isOn(value), from),
  OLLAMA_KV_CACHE_TYPE: cacheType,
  OLLAMA_MAX_LOADED_MODELS: loadedModels,
  OLLAMA_KEEP_ALIVE: because('the model of a deployment stays loaded; replicas: 0 is how to unload it'),
  OLLAMA_MAX_VRAM: because('Ollama dropped it; a device belongs to one pod, or to a partition of it (resourceName)'),
  OLLAMA_GPU_OVERHEAD: because('a device belongs to one pod'),
  OLLAMA_SCHED_SPREAD: because('the pod sees only the devices that it asked for (count)'),
  OLLAMA_GPU_LAYERS: gpuLayers,
  OLLAMA_NUM_GPU: gpuLayers,
  OLLAMA_NUM_THREAD: (draft, value, from) => {
    draft.note(from, 'Ollama reads no such variable; spec.performance.threads does what it is meant to do');
    setNumber(draft, 'performance.threads', value, from);
  },
  OLLAMA_NUM_THREADS: (draft, value, from) => rules.OLLAMA_NUM_THREAD?.(draft, value, from),
  OLLAMA_LOAD_TIMEOUT: because('it is spec.performance.loadTimeoutSeconds, in seconds'),
  OLLAMA_HOST: because('the runtime listens inside its pod only; clients come through the gateway (spec.api.port)'),
  OLLAMA_ORIGINS: because('the gateway answers to no browser of another origin'),
  OLLAMA_MODELS: theOperators,
  OLLAMA_NOPRUNE: theOperators,
  OLLAMA_NO_CLOUD: theOperators,
  OLLAMA_DEBUG: because('set it in spec.pod.env if needed; prompts may then be in the log'),
  CUDA_VISIBLE_DEVICES: because('the device plugin decides which devices a pod sees'),
  NVIDIA_VISIBLE_DEVICES: because('the device plugin decides which devices a pod sees'),
  NVIDIA_DRIVER_CAPABILITIES: because('the images say it themselves'),
  HIP_VISIBLE_DEVICES: because('the device plugin decides which devices a pod sees'),
  ROCR_VISIBLE_DEVICES: because('the device plugin decides which devices a pod sees'),
  FOUNDRY_MODEL: setFoundryModel,
  FOUNDRY_HARDWARE: (draft, value, from) => setLadder(draft, value.split(','), from),
};

/** Which runtime a variable is of, by its name. */
export const runtimeOfVariable = (name: string): 'Ollama' | 'FoundryLocal' | undefined =>
  name.startsWith('OLLAMA_') ? 'Ollama' : name.startsWith('FOUNDRY_') ? 'FoundryLocal' : undefined;

export function importVariable(draft: Draft, name: string, value: string, from: string): void {
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule) rule(draft, value, from);
  else if (runtimeOfVariable(name)) draft.note(from, 'the runtime reads no such variable; left out');
  else draft.note(from, 'not known; if the runtime needs it, set it in spec.pod.env');
}

/** Lines such as OLLAMA_NUM_PARALLEL=4, also with export before and quotes around. */
const LINE = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*$/;

const isComment = (line: string): boolean => /^\s*(#.*)?$/.test(line);

/** Text that holds nothing but settings of variables, some of them of a runtime. */
export function isEnvironment(text: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => !isComment(line));
  return (
    lines.length > 0 &&
    lines.every((line) => LINE.test(line)) &&
    lines.some((line) => runtimeOfVariable(line.replace(/^\s*(export\s+)?/, '')))
  );
}

export function importEnvironment(draft: Draft, text: string): void {
  for (const line of text.split(/\r?\n/)) {
    const [, name, given = ''] = LINE.exec(line) ?? [];
    if (name === undefined || isComment(line)) continue;
    const runtime = runtimeOfVariable(name);
    if (runtime) draft.set('runtime', runtime, name);
    importVariable(draft, name, given.replace(/^(["'])(.*)\1$/, '$2'), name);
  }
}
