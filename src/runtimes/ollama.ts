// Ollama as the server of one model: its image, its environment, and what it refuses.
import { OLLAMA_VERSION, type Settings } from '../api/defaults.ts';
import { RESERVED_PORTS } from '../api/schema.ts';
import type { Problem } from '../api/types.ts';
import { PULL_CONFIG, type PullConfig, writePullConfig } from '../puller/config.ts';
import { pullNodeFlags } from '../puller/nodeFlags.ts';
import { envOf, reservedEnvProblems, withoutNvidia } from './env.ts';
import { derivedOf, modelfileProblems } from './ollamaModelfile.ts';
import { referenceProblem } from './ollamaReference.ts';
import { type OllamaVariable, ollamaVariables, yielding } from './ollamaVariables.ts';
import { pullConfigOf } from './pullInput.ts';
import { rungPath, threadsOf } from './rung.ts';
import { paths, type Runtime, type RuntimeInput } from './runtime.ts';

/** Ollama's own default. */
const MIN_QUEUE = 512;
/** Preload, canary and probes of the gateway come on top of what clients have in flight. */
const OWN_REQUESTS = 16;

const reservedEnv: readonly string[] = [
  ...Object.keys(ollamaVariables).filter((name) => !yielding.some((other) => other === name)),
  'HOME',
  'NVIDIA_VISIBLE_DEVICES',
  PULL_CONFIG,
];

function ollamaEnv({ settings, rung, choice }: RuntimeInput): Partial<Record<OllamaVariable, string | number>> {
  const { performance, ollama, api } = settings;
  const { flashAttention, kvCacheType } = ollama;
  const threads = threadsOf(settings, rung);
  return {
    OLLAMA_HOST: `127.0.0.1:${RESERVED_PORTS.ollama}`,
    OLLAMA_MODELS: paths.models,
    OLLAMA_NOPRUNE: 1,
    OLLAMA_NO_CLOUD: 1,
    OLLAMA_KEEP_ALIVE: -1,
    OLLAMA_MAX_LOADED_MODELS: 1,
    OLLAMA_NUM_PARALLEL: performance.parallel,
    OLLAMA_CONTEXT_LENGTH: performance.maxContext,
    OLLAMA_LOAD_TIMEOUT: `${performance.loadTimeoutSeconds}s`,
    OLLAMA_MAX_QUEUE: Math.max(MIN_QUEUE, api.limits.maxInFlight + OWN_REQUESTS),
    ...(flashAttention !== undefined && { OLLAMA_FLASH_ATTENTION: flashAttention ? 1 : 0 }),
    ...(kvCacheType && { OLLAMA_KV_CACHE_TYPE: kvCacheType }),
    ...(threads !== undefined && { LLAMA_ARG_THREADS: threads }),
    ...(choice.class === 'CPU' && { OLLAMA_LLM_LIBRARY: 'cpu' }),
    ...(choice.class === 'GPU' && choice.vendor === 'intel' && { OLLAMA_IGPU_ENABLE: 1 }),
  };
}

/** What ollamaEnv says and a model's own parameters would go before. */
function launchOf({ settings, rung }: RuntimeInput): PullConfig['launch'] {
  const threads = threadsOf(settings, rung);
  return { maxContext: settings.performance.maxContext, ...(threads !== undefined && { threads }) };
}

function mainEnv(input: RuntimeInput) {
  const { settings, rung, choice } = input;
  const own = new Set([...(settings.pod.env ?? []), ...(rung.env ?? [])].map(({ name }) => name));
  const mayBeNvidia = choice.class !== 'CPU' && (choice.vendor ?? 'nvidia') === 'nvidia';
  const values = { HOME: paths.home, ...ollamaEnv(input), ...(!mayBeNvidia && withoutNvidia) };
  return envOf(values).filter(({ name }) => !(own.has(name) && yielding.some((other) => other === name)));
}

function referenceProblems({ model, ladder }: Settings): Problem[] {
  const named = [
    { path: 'spec.model.name', name: model.name },
    ...ladder.map((rung, index) => ({ path: `${rungPath(index)}.model.name`, name: rung.model?.name })),
  ];
  return named.flatMap(({ path, name }) => {
    const problem = name === undefined ? undefined : referenceProblem(name);
    return problem ? { path, message: `${name} ${problem}` } : [];
  });
}

function gpuLayerProblems({ ollama: { gpuLayers }, ladder, residency }: Settings): Problem[] {
  const path = 'spec.ollama.gpuLayers';
  if (gpuLayers === undefined) return [];
  if (!ladder.some((rung) => rung.class === 'GPU'))
    return [{ path, message: 'there is no GPU in the ladder; remove it, or add a rung of class GPU' }];
  if (gpuLayers === 0 && residency === 'Required')
    return [
      {
        path,
        message:
          '0 keeps the model off the GPU, so it would never be Ready; set spec.hardware.residency: Report, or remove it',
      },
    ];
  return [];
}

/** A quantized cache works only with flash attention; Ollama would fall back to f16 without a word to the caller. */
function cacheProblems({ ollama: { kvCacheType, flashAttention } }: Settings): Problem[] {
  if (flashAttention !== false || !kvCacheType || kvCacheType === 'f16') return [];
  const message = `${kvCacheType} needs flash attention; remove spec.ollama.flashAttention: false, or use f16`;
  return [{ path: 'spec.ollama.kvCacheType', message }];
}

export const ollama: Runtime = {
  name: 'Ollama',
  title: 'Ollama',
  container: 'ollama',
  port: RESERVED_PORTS.ollama,
  // docs/docker.mdx, .github/workflows/release.yaml: the ROCm image and the Vulkan library exist for amd64 only.
  backends: [
    { class: 'CPU' },
    { class: 'GPU', vendor: 'nvidia' },
    { class: 'GPU', vendor: 'amd', arch: 'amd64' },
    { class: 'GPU', vendor: 'intel', arch: 'amd64' },
  ],
  lacks: { NPU: { reason: 'NoBackend', message: 'Ollama has no NPU backend' } },
  reservedEnv,
  check: (settings) => [
    ...referenceProblems(settings),
    ...gpuLayerProblems(settings),
    ...cacheProblems(settings),
    ...modelfileProblems(settings),
    ...reservedEnvProblems(settings, reservedEnv),
  ],
  image: ({ settings, rung, choice, defaults: { images } }) =>
    rung.image ?? settings.image ?? (choice.vendor === 'amd' ? images.ollamaRocm : images.ollama),
  main: (input) => ({ image: ollama.image(input), args: ['serve'], env: mainEnv(input) }),
  pull(input) {
    const { settings, choice, defaults } = input;
    const config = pullConfigOf(input, OLLAMA_VERSION, {
      derived: derivedOf(settings, choice.class === 'GPU'),
      launch: launchOf(input),
    });
    return {
      image: defaults.images.operator,
      command: ['/nodejs/bin/node', ...pullNodeFlags, '/app/pull.js'],
      args: [],
      env: [{ name: PULL_CONFIG, value: writePullConfig(config) }],
    };
  },
};
