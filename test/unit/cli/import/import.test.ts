// The forms that people bring along (Foundry Local's JSON of courses, Modelfiles, manifests, variables), and what becomes of them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSpec } from '../../../../src/api/validate.ts';
import { lmd } from '../../../../src/cli/lmd.ts';
import { temporaryFolder } from '../../models/temporaryStore.ts';
import { surroundingsOf } from '../surroundings.ts';

interface Imported {
  code: number;
  deployment: { metadata: { name: string; namespace?: string }; spec: Record<string, unknown> };
  /** Without the mark of a comment. */
  notes: string[];
  said: string;
}

async function importTexts(texts: Record<string, string | object>, ...args: string[]): Promise<Imported> {
  const folder = await temporaryFolder();
  const files: string[] = [];
  for (const [name, content] of Object.entries(texts)) {
    files.push(join(folder, name));
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  const surroundings = surroundingsOf();
  const code = await lmd(['import', ...files, ...args], surroundings);
  const told = surroundings.told();
  const notes = told
    .split('\n')
    .filter((line) => line.startsWith('# '))
    .map((line) => line.slice(2));
  return { code, deployment: parse(told), notes: notes.slice(1), said: surroundings.said() };
}

const course = {
  deployment: {
    model: 'microsoft/phi-4-mini',
    hardware: { preferred: 'npu', fallback: ['gpu', 'cpu'] },
    optimization: { quantization: 'dynamic', batch_size: 1, max_context: 4096 },
    api: { port: 8080, openai_compatible: true },
  },
};

const performance = {
  performance: {
    batch_processing: true,
    parallel_requests: 4,
    memory_optimization: { enable_kv_cache: true, max_cache_size: '4GB' },
    hardware_scheduling: { enable_dynamic_batching: true, max_batch_size: 8 },
  },
};

describe('the deployment JSON of a course', () => {
  it('becomes a deployment with its ladder', async () => {
    const { code, deployment } = await importTexts({ 'deployment.json': course });
    expect(code).toBe(0);
    expect(deployment).toEqual({
      apiVersion: 'localmodels.dev/v1alpha1',
      kind: 'LocalModelDeployment',
      metadata: { name: 'phi-4-mini' },
      spec: {
        runtime: 'FoundryLocal',
        model: { name: 'phi-4-mini' },
        hardware: { preferred: { class: 'NPU' }, fallback: [{ class: 'GPU' }, { class: 'CPU' }] },
        performance: { maxContext: 4096 },
        api: { port: 8080 },
      },
    });
    expect(parseSpec(deployment)).toHaveProperty('spec');
  });

  it('has a note for each field that has no equivalent, and for each that is understood in another way', async () => {
    const { notes } = await importTexts({ 'deployment.json': course });
    expect(notes.map((note) => note.split(':')[0])).toEqual([
      'deployment.model',
      'deployment.hardware',
      'deployment.optimization.quantization',
      'deployment.optimization.batch_size',
    ]);
  });

  it('takes the performance JSON along, of which nothing has an equivalent but what is always so', async () => {
    const { deployment, notes } = await importTexts({ 'a.json': course, 'b.json': performance });
    expect(deployment.spec.performance).toEqual({ maxContext: 4096 });
    const told = notes.map((note) => note.split(':')[0]).filter((from) => from?.startsWith('performance'));
    expect(told).toEqual([
      'performance.batch_processing',
      'performance.parallel_requests',
      'performance.memory_optimization.max_cache_size',
      'performance.hardware_scheduling.enable_dynamic_batching',
      'performance.hardware_scheduling.max_batch_size',
    ]);
    expect(notes.find((note) => note.includes('parallel_requests'))).toContain('set replicas: 4');
  });

  it('says what it does not know, and what is no value', async () => {
    const odd = {
      deployment: {
        model: 'phi-4-mini',
        replicas: 2,
        hardware: { preferred: 'tpu', fallback: 'cpu' },
        api: { port: 'x' },
      },
    };
    const { deployment, notes } = await importTexts({ 'odd.json': odd });
    expect(notes).toEqual([
      'deployment.replicas: 2 is not known; left out',
      'deployment.hardware: "tpu" is no class of device; there are NPU, GPU and CPU',
      'deployment.api.port: "x" is no whole number; left out',
    ]);
    expect(deployment.spec.hardware).toEqual({ preferred: { class: 'CPU' } });
  });

  it('asks for the model where only the performance is given', async () => {
    expect(await importTexts({ 'p.json': performance })).toMatchObject({ code: 2, said: /no model is named there/ });
    const { deployment } = await importTexts({ 'p.json': performance }, '--model', 'phi-4-mini', '--name', 'mine');
    expect(deployment).toMatchObject({ metadata: { name: 'mine' }, spec: { model: { name: 'phi-4-mini' } } });
  });
});

const modelfile = `# a comment
FROM phi4:mini
PARAMETER temperature 0.2
PARAMETER context_length 8192
PARAMETER num_gpu 35
PARAMETER num_thread 8
PARAMETER stop "<|end|>"
PARAMETER stop "<|user|>"
PARAMETER mirostat 1
SYSTEM """You are brief.
And kind."""
FILE ./knowledge.txt
`;

describe('a Modelfile', () => {
  it('becomes fields, with the names of today', async () => {
    const { code, deployment } = await importTexts({ Modelfile: modelfile });
    expect(code).toBe(0);
    expect(deployment.metadata.name).toBe('phi4-mini');
    expect(deployment.spec).toEqual({
      runtime: 'Ollama',
      model: { name: 'phi4-mini' },
      performance: { maxContext: 8192, threads: 8 },
      hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU' }] },
      ollama: {
        gpuLayers: 35,
        modelfile: {
          parameters: [
            { name: 'temperature', value: '0.2' },
            { name: 'stop', value: '<|end|>' },
            { name: 'stop', value: '<|user|>' },
          ],
          system: 'You are brief.\nAnd kind.',
        },
      },
    });
    expect(parseSpec(deployment)).toHaveProperty('spec');
  });

  it('has a note for each line that is no instruction of Ollama', async () => {
    const { notes } = await importTexts({ Modelfile: modelfile });
    expect(notes).toEqual([
      expect.stringMatching(/^line 4: context_length is no parameter of Ollama; it is called num_ctx/),
      expect.stringMatching(/^line 9: mirostat is ignored by Ollama/),
      expect.stringMatching(/^line 12: FILE is not an instruction: .*retrieval/),
      expect.stringMatching(/^FROM: there is no phi4:mini/),
      expect.stringMatching(/^layers on the GPU: /),
    ]);
  });

  it.each([
    ['FROM ./phi.Q4_K_M.gguf\n', { name: 'phi.Q4_K_M' }, /^FROM: .*lmd pack --gguf/],
    ['FROM a\nADAPTER ./lora.gguf\n', { name: 'a' }, /^ADAPTER: /],
    ['FROM a\nREQUIRES 0.14\n', { name: 'a' }, /^REQUIRES: /],
    ['FROM a\nPARAMETER seed x\n', { name: 'a' }, /^PARAMETER seed: seed must be a whole number/],
  ])('of %j says what it cannot carry along', async (text, model, note) => {
    const { deployment, notes } = await importTexts({ Modelfile: text }, '--name', 'x');
    expect(deployment.spec.model).toEqual(model);
    expect(notes).toEqual([expect.stringMatching(note)]);
  });

  it('that keeps all off the GPU runs on the CPU', async () => {
    const { deployment } = await importTexts({ Modelfile: 'FROM a\nPARAMETER num_gpu 0\n' });
    expect(deployment.spec).toEqual({ runtime: 'Ollama', model: { name: 'a' }, ollama: {} });
    expect(parseSpec(deployment)).toHaveProperty('spec');
  });
});

const foundryManifest = `apiVersion: apps/v1
kind: Deployment
metadata: { name: foundry-local, namespace: edge }
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: foundry
          image: mcr.microsoft.com/foundry-local:latest
          ports: [{ containerPort: 8000 }]
          env:
            - { name: FOUNDRY_MODEL, value: microsoft/phi-4-mini }
            - { name: FOUNDRY_HARDWARE, value: "npu,gpu,cpu" }
          resources: { requests: { memory: 4Gi, cpu: 2 }, limits: { memory: 8Gi, cpu: 4 } }
          livenessProbe: { httpGet: { path: /api/health, port: 8000 } }
---
apiVersion: v1
kind: Service
metadata: { name: foundry-local }
`;

describe('a manifest', () => {
  it('becomes a deployment with its replicas, resources and ladder', async () => {
    const { deployment, notes } = await importTexts({ 'deploy.yaml': foundryManifest });
    expect(deployment).toMatchObject({
      metadata: { name: 'foundry-local', namespace: 'edge' },
      spec: {
        runtime: 'FoundryLocal',
        replicas: 3,
        model: { name: 'phi-4-mini' },
        hardware: { preferred: { class: 'NPU' }, fallback: [{ class: 'GPU' }, { class: 'CPU' }] },
        resources: { requests: { memory: '4Gi', cpu: 2 }, limits: { memory: '8Gi', cpu: 4 } },
        api: { port: 8000 },
      },
    });
    expect(notes.map((note) => note.split(':')[0])).toEqual([
      'image',
      'FOUNDRY_MODEL',
      'FOUNDRY_HARDWARE',
      'probes',
      'Service',
    ]);
  });

  it('of Ollama gives its variables, devices and the model that a hook pulls', async () => {
    const pod = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'ollama' },
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: 'ollama',
                image: 'ollama/ollama:latest',
                ports: [{ containerPort: 11434 }],
                env: [
                  { name: 'OLLAMA_NUM_PARALLEL', value: '4' },
                  { name: 'OLLAMA_KEEP_ALIVE', value: '24h' },
                  { name: 'OLLAMA_MADE_UP', value: '1' },
                  { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
                ],
                lifecycle: { postStart: { exec: { command: ['/bin/sh', '-c', 'sleep 5; ollama pull qwen2.5:3b'] } } },
                resources: { limits: { 'nvidia.com/gpu': 1, memory: '8Gi' } },
              },
              { name: 'exporter', image: 'exporter:1' },
            ],
          },
        },
      },
    };
    const { deployment, notes } = await importTexts({ 'ollama.json': pod });
    expect(deployment.spec).toEqual({
      runtime: 'Ollama',
      model: { name: 'qwen2.5:3b' },
      performance: { parallel: 4 },
      resources: { limits: { memory: '8Gi' } },
      hardware: { preferred: { class: 'GPU', resourceName: 'nvidia.com/gpu' } },
    });
    expect(notes.map((note) => note.split(':')[0])).toEqual([
      'image',
      'OLLAMA_KEEP_ALIVE',
      'OLLAMA_MADE_UP',
      'TOKEN',
      'resources',
      'ports',
      'container "exporter"',
    ]);
  });
});

describe('a manifest that says more', () => {
  const container = {
    name: 'ollama',
    image: 'ollama/ollama',
    envFrom: [{ secretRef: { name: 'x' } }],
    imagePullPolicy: 'Always',
  };
  const spec = {
    nodeSelector: { pool: 'gpu' },
    tolerations: [{ key: 'gpu', operator: 'Exists' }],
    serviceAccountName: 'ollama',
    runtimeClassName: 'nvidia',
    restartPolicy: 'Always',
    securityContext: {},
    initContainers: [
      { name: 'pull', image: 'ollama/ollama', command: ['sh', '-c', 'ollama serve & ollama pull qwen2.5:3b'] },
    ],
    containers: [{ ...container, command: ['ollama', 'serve'] }],
  };
  const template = { metadata: { annotations: { a: 'b' } }, spec };
  const workload = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'ollama' },
    spec: { strategy: { type: 'Recreate' }, revisionHistoryLimit: 10, template },
  };

  it('keeps where its pods go, and has a word on everything else', async () => {
    const { deployment, notes } = await importTexts({ 'a.yaml': workload });
    expect(deployment.spec).toEqual({
      runtime: 'Ollama',
      model: { name: 'qwen2.5:3b' },
      pod: { nodeSelector: { pool: 'gpu' }, tolerations: [{ key: 'gpu', operator: 'Exists' }] },
    });
    expect(notes.map((note) => note.split(':')[0])).toEqual([
      'image',
      'envFrom',
      'command',
      'serviceAccountName',
      'runtimeClassName',
      'strategy',
      'annotations',
      'container "pull"',
    ]);
  });

  it('is read out of a list, as kubectl get prints it', async () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'ollama' } };
    const list = { apiVersion: 'v1', kind: 'List', items: [service, workload] };
    const { deployment, notes } = await importTexts({ 'a.yaml': list });
    expect(deployment).toMatchObject({ metadata: { name: 'ollama' }, spec: { model: { name: 'qwen2.5:3b' } } });
    expect(notes[0]).toMatch(/^Service: /);
  });
});

describe('variables', () => {
  it('are read from lines, with and without export and quotes', async () => {
    const text =
      '# tuning\nexport OLLAMA_NUM_PARALLEL="2"\nOLLAMA_FLASH_ATTENTION=1\nOLLAMA_MAX_LOADED_MODELS=3\nOLLAMA_NUM_GPU=20\n';
    const { deployment, notes } = await importTexts({ '.env': text }, '--model', 'qwen2.5:3b');
    expect(deployment.spec).toMatchObject({
      runtime: 'Ollama',
      performance: { parallel: 2 },
      ollama: { flashAttention: true, gpuLayers: 20 },
    });
    expect(notes.map((note) => note.split(':')[0])).toEqual([
      'OLLAMA_MAX_LOADED_MODELS',
      'OLLAMA_NUM_GPU',
      'layers on the GPU',
    ]);
  });
});

/** 9⁹ values out of nine lines. */
const bomb = Array.from(
  { length: 9 },
  (_, n) => `a${n}: &a${n} [${`${n > 0 ? `*a${n - 1}` : 'x'},`.repeat(9)}]\n`,
).join('');

describe('what cannot be imported', () => {
  it.each([
    ['nothing known', 'hello: world\n', 1, /none of the files that can be imported/],
    ['half YAML', 'a: [\n', 1, /none of the files that can be imported/],
    ['an alias of nothing', 'deployment: { model: *x }\n', 1, /none of the files that can be imported/],
    ['a bomb of aliases', `deployment: { model: x }\n${bomb}`, 1, /none of the files that can be imported/],
    [
      'a deployment that would be refused',
      'FROM phi\nPARAMETER num_ctx 5\n',
      1,
      /performance.maxContext must be at least 256/,
    ],
  ])('%s is refused with the reason', async (_, text, code, said) => {
    expect(await importTexts({ file: text })).toMatchObject({ code, said: expect.stringMatching(said) });
  });

  it('a file that is not there is named', async () => {
    const surroundings = surroundingsOf();
    expect(await lmd(['import', '/nowhere/Modelfile'], surroundings)).toBe(1);
    expect(surroundings.said()).toBe('lmd: there is no file /nowhere/Modelfile\n');
  });
});
