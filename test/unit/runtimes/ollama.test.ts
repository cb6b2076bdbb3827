import { describe, expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { ollama } from '../../../src/runtimes/ollama.ts';
import { ollamaVariables } from '../../../src/runtimes/ollamaVariables.ts';
import { envMap, inputOf, pullConfigOf, settings } from './inputs.ts';

/** Every variable of ollama/ollama v0.32/v0.33 envconfig/config.go, typed off anew, and the LLAMA_ARG_* that its serve --help or llama.cpp has. */
const existing = [
  ...[
    'HOST',
    'MODELS',
    'KEEP_ALIVE',
    'LOAD_TIMEOUT',
    'CONTEXT_LENGTH',
    'NUM_PARALLEL',
    'MAX_LOADED_MODELS',
    'MAX_QUEUE',
  ],
  ...[
    'MAX_TRANSFER_STREAMS',
    'GPU_OVERHEAD',
    'SCHED_SPREAD',
    'FLASH_ATTENTION',
    'KV_CACHE_TYPE',
    'LLM_LIBRARY',
    'VULKAN',
  ],
  ...['IGPU_ENABLE', 'NOPRUNE', 'ORIGINS', 'NO_CLOUD', 'REMOTES', 'DEBUG', 'DEBUG_LOG_REQUESTS', 'GO_TEMPLATE', 'AUTH'],
  ...['EDITOR', 'NOHISTORY'],
].map((name) => `OLLAMA_${name}`);
const llamaArgs = ['LLAMA_ARG_THREADS', 'LLAMA_ARG_HOST', 'LLAMA_ARG_PORT', 'LLAMA_ARG_FIT', 'LLAMA_ARG_FIT_TARGET'];

test('no variable is set or refused that Ollama does not have', () => {
  for (const name of Object.keys(ollamaVariables)) expect([...existing, ...llamaArgs]).toContain(name);
});

const always = {
  HOME: '/home/model',
  OLLAMA_HOST: '127.0.0.1:11434',
  OLLAMA_MODELS: '/models',
  OLLAMA_NOPRUNE: '1',
  OLLAMA_NO_CLOUD: '1',
  OLLAMA_KEEP_ALIVE: '-1',
  OLLAMA_MAX_LOADED_MODELS: '1',
  OLLAMA_NUM_PARALLEL: '1',
  OLLAMA_CONTEXT_LENGTH: '4096',
  OLLAMA_LOAD_TIMEOUT: '600s',
  OLLAMA_MAX_QUEUE: '512',
};

describe('the server', () => {
  test.each([
    ['cpu', { ...always, OLLAMA_LLM_LIBRARY: 'cpu', NVIDIA_VISIBLE_DEVICES: 'void' }],
    ['nvidia', always],
    ['amd', { ...always, NVIDIA_VISIBLE_DEVICES: 'void' }],
    ['intel', { ...always, OLLAMA_IGPU_ENABLE: '1', NVIDIA_VISIBLE_DEVICES: 'void' }],
    ['claim', always],
  ] as const)('has exactly these variables on %s', (device, wanted) => {
    expect(envMap(ollama.main(inputOf(device)))).toEqual(wanted);
  });

  test('has one more for each thing that was asked for', () => {
    const input = inputOf('nvidia', {
      performance: { maxContext: 8192, parallel: 4, threads: 6, loadTimeoutSeconds: 1200 },
      ollama: { flashAttention: true, kvCacheType: 'q8_0' },
      api: { limits: { maxInFlight: 1000 } },
    });
    expect(envMap(ollama.main(input))).toEqual({
      ...always,
      OLLAMA_NUM_PARALLEL: '4',
      OLLAMA_CONTEXT_LENGTH: '8192',
      OLLAMA_LOAD_TIMEOUT: '1200s',
      OLLAMA_MAX_QUEUE: '1016',
      OLLAMA_FLASH_ATTENTION: '1',
      OLLAMA_KV_CACHE_TYPE: 'q8_0',
      LLAMA_ARG_THREADS: '6',
    });
  });

  test('says no to flash attention only when told', () => {
    expect(envMap(ollama.main(inputOf('cpu', { ollama: { flashAttention: false } })))).toHaveProperty(
      'OLLAMA_FLASH_ATTENTION',
      '0',
    );
  });

  test('leaves it to the user which GPU library is taken, and no variable stands twice', () => {
    const input = inputOf('cpu', { pod: { env: [{ name: 'OLLAMA_LLM_LIBRARY', value: 'cuda_v12' }] } });
    expect(envMap(ollama.main(input))).not.toHaveProperty('OLLAMA_LLM_LIBRARY');
    expect(ollama.check(input.settings)).toEqual([]);
  });

  test('is started by the entry point of its image', () => {
    expect(ollama.main(inputOf('cpu'))).toMatchObject({ args: ['serve'] });
    expect(ollama.main(inputOf('cpu'))).not.toHaveProperty('command');
  });
});

describe('the image', () => {
  test.each<[string, Parameters<typeof inputOf>[0], Partial<Spec>, string]>([
    ['is the pinned one', 'nvidia', {}, 'docker.io/ollama/ollama:0.32.15'],
    ['is the ROCm one for AMD', 'amd', {}, 'docker.io/ollama/ollama:0.32.15-rocm'],
    ['is the default one for Intel: Vulkan is in it', 'intel', {}, 'docker.io/ollama/ollama:0.32.15'],
    ["is the user's", 'amd', { image: 'mine:1' }, 'mine:1'],
    [
      "is the rung's before the deployment's",
      'npu',
      { image: 'mine:1', hardware: { preferred: { class: 'NPU', image: 'npu:1' } } },
      'npu:1',
    ],
  ])('%s', (_what, device, spec, image) => {
    expect(ollama.image(inputOf(device, spec))).toBe(image);
    expect(ollama.main(inputOf(device, spec)).image).toBe(image);
  });
});

describe('the pull', () => {
  test('runs from our own image and is told everything in one variable', () => {
    const parts = ollama.pull(inputOf('cpu'));
    expect(parts).toMatchObject({
      image: 'local-model-operator:dev',
      command: ['/nodejs/bin/node', '--max-semi-space-size=1', '--no-opt', '/app/pull.js'],
      args: [],
    });
    expect(parts.env.map(({ name }) => name)).toEqual(['PULL_CONFIG']);
    expect(pullConfigOf(ollama, inputOf('cpu'))).toEqual({
      runtime: 'Ollama',
      runtimeVersion: '0.32.15',
      revision: 'abcdefghij',
      reference: 'phi4-mini:3.8b',
      verify: 'OnPull',
      source: { kind: 'Registry', mirrors: [], plainHttp: false },
      store: '/models',
      lockFile: '/etc/local-model/lock/abcdefghij.json',
      launch: { maxContext: 4096 },
      progressFile: '/run/local-model/progress.json',
      terminationMessagePath: '/dev/termination-log',
    });
  });

  test('makes a model of its own where Ollama takes a setting only as part of a model', () => {
    const spec: Partial<Spec> = {
      performance: { batchSize: 256 },
      ollama: {
        gpuLayers: 20,
        modelfile: { system: 'costs $5, $(HOME)', parameters: [{ name: 'stop', value: 'x' }], license: 'MIT' },
      },
    };
    expect(pullConfigOf(ollama, inputOf('nvidia', spec)).derived).toEqual({
      system: 'costs $5, $(HOME)',
      license: 'MIT',
      parameters: [
        { name: 'num_gpu', value: '20' },
        { name: 'num_batch', value: '256' },
        { name: 'stop', value: 'x' },
      ],
    });
    expect(pullConfigOf(ollama, inputOf('cpu', spec)).derived?.parameters.map(({ name }) => name)).toEqual([
      'num_batch',
      'stop',
    ]);
    expect(envMap(ollama.pull(inputOf('nvidia', spec))).PULL_CONFIG).not.toContain('$');
  });

  test('makes none for threads: only of a model that says otherwise may a CPU limit change the digest', () => {
    const input = inputOf('cpu', { performance: { maxContext: 8192 }, resources: { limits: { cpu: '4500m' } } });
    expect(pullConfigOf(ollama, input).derived).toBeUndefined();
    expect(pullConfigOf(ollama, input).launch).toEqual({ maxContext: 8192, threads: 4 });
  });
});

describe('what Ollama refuses', () => {
  test.each<[string, Partial<Spec>, string, string]>([
    [
      'a digest in the reference',
      { model: { name: `a@sha256:${'0'.repeat(64)}` } },
      'spec.model.name',
      'put it into the digest field',
    ],
    ['a scheme', { model: { name: 'http://host/ns/a' } }, 'spec.model.name', 'without a scheme'],
    ['too many parts', { model: { name: 'a/b/c/d' } }, 'spec.model.name', '[host/][namespace/]model[:tag]'],
    ['a cloud model', { model: { name: 'gpt-oss:120b-cloud' } }, 'spec.model.name', 'prompts would leave the cluster'],
    [
      'a host without a namespace',
      { model: { name: 'registry.example.org/a' } },
      'spec.model.name',
      'host/namespace/model',
    ],
    ['an empty tag', { model: { name: 'a:' } }, 'spec.model.name', 'has an empty tag'],
    [
      'a wrong reference on a rung',
      { hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU', model: { name: 'a b' } }] } },
      'spec.hardware.fallback[0].model.name',
      'has the model "a b"',
    ],
    [
      'layers on a GPU that the ladder has not',
      { ollama: { gpuLayers: 5 } },
      'spec.ollama.gpuLayers',
      'no GPU in the ladder',
    ],
    [
      'no layers on a GPU that is required',
      { ollama: { gpuLayers: 0 }, hardware: { preferred: { class: 'GPU' } } },
      'spec.ollama.gpuLayers',
      'never be Ready',
    ],
    [
      'a quantized cache without flash attention',
      { ollama: { kvCacheType: 'q4_0', flashAttention: false } },
      'spec.ollama.kvCacheType',
      'needs flash attention',
    ],
    [
      'an adapter that is no reference',
      { ollama: { modelfile: { adapters: [{ name: 'https://host/a' }] } } },
      'spec.ollama.modelfile.adapters[0].name',
      'without a scheme',
    ],
    [
      'a parameter of the wrong type',
      { ollama: { modelfile: { parameters: [{ name: 'top_k', value: '1.5' }] } } },
      'spec.ollama.modelfile.parameters[0]',
      'a whole number',
    ],
    [
      'a parameter that stands twice',
      {
        ollama: {
          modelfile: {
            parameters: [
              { name: 'seed', value: '1' },
              { name: 'seed', value: '2' },
            ],
          },
        },
      },
      'spec.ollama.modelfile.parameters[1]',
      'stands twice',
    ],
    [
      'a Modelfile that fits into no pod',
      { ollama: { modelfile: { license: 'x'.repeat(100_001) } } },
      'spec.ollama.modelfile',
      'make a model of your own',
    ],
    [
      'a variable of the operator',
      { pod: { env: [{ name: 'A' }, { name: 'OLLAMA_HOST', value: 'x' }] } },
      'spec.pod.env[1]',
      "OLLAMA_HOST is the operator's",
    ],
    [
      'a variable of the operator on a rung',
      { hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU', env: [{ name: 'LLAMA_ARG_THREADS' }] }] } },
      'spec.hardware.fallback[0].env[0]',
      'LLAMA_ARG_THREADS',
    ],
    [
      'prompts on disk',
      { pod: { env: [{ name: 'OLLAMA_DEBUG_LOG_REQUESTS', value: '1' }] } },
      'spec.pod.env[0]',
      'OLLAMA_DEBUG_LOG_REQUESTS',
    ],
  ])('%s', (_what, spec, path, words) => {
    const problems = ollama.check(settings(spec));
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.message).toContain(words);
  });

  test.each<[string, Partial<Spec>]>([
    ['a plain name', { model: { name: 'qwen2.5' } }],
    ['a namespace', { model: { name: 'someone/qwen2.5:3b-instruct-q4_K_M' } }],
    ['a host', { model: { name: 'hf.co/user/Repo-GGUF:Q4_K_M' } }],
    ['a host with a port', { model: { name: 'localhost:5000/library/a:1' } }],
    [
      'no layers where that is only reported',
      { ollama: { gpuLayers: 0 }, hardware: { preferred: { class: 'GPU' }, residency: 'Report' } },
    ],
    [
      'several stops',
      {
        ollama: {
          modelfile: {
            parameters: [
              { name: 'stop', value: 'a' },
              { name: 'stop', value: 'b' },
              { name: 'temperature', value: '0.2' },
              { name: 'use_mmap', value: 'false' },
            ],
          },
        },
      },
    ],
    [
      "a variable of the user's own",
      {
        pod: {
          env: [
            { name: 'OLLAMA_DEBUG', value: '1' },
            { name: 'HSA_OVERRIDE_GFX_VERSION', value: '11.0.0' },
          ],
        },
      },
    ],
  ])('%s is no such thing', (_what, spec) => expect(ollama.check(settings(spec))).toEqual([]));

  test('every variable that it sets, but those that it yields', () => {
    const names = (['cpu', 'nvidia', 'amd', 'intel'] as const).flatMap((device) =>
      Object.keys(
        envMap(
          ollama.main(
            inputOf(device, { performance: { threads: 1 }, ollama: { flashAttention: true, kvCacheType: 'f16' } }),
          ),
        ),
      ),
    );
    const free = [...new Set(names)].filter((name) => !ollama.reservedEnv.includes(name));
    expect(free.sort()).toEqual(['OLLAMA_IGPU_ENABLE', 'OLLAMA_LLM_LIBRARY']);
  });
});
