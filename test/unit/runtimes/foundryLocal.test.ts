import { describe, expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { foundryLocal } from '../../../src/runtimes/foundryLocal.ts';
import { foundryVariables } from '../../../src/runtimes/foundryVariables.ts';
import { variantOf } from '../../../src/runtimes/foundryVariant.ts';
import { markdownTable, tableIn } from '../docsTable.ts';
import { envMap, inputOf, pullConfigOf, settings } from './inputs.ts';

const foundry = (spec: Partial<Spec> = {}): Partial<Spec> => ({
  runtime: 'FoundryLocal',
  model: { name: 'phi-4-mini' },
  ...spec,
});

const common = { HOME: '/home/model', ORT_TELEMETRY_DISABLED: '1', CI: '1', FL_MODEL_DIR: '/models' };
const serve = {
  ...common,
  FL_MODEL: 'phi-4-mini',
  FL_PORT: '5273',
  FL_MAX_CONTEXT: '4096',
  FL_LOAD_TIMEOUT: '600',
  FL_REPORT_FILE: '/run/local-runtime/runtime.json',
  FL_OFFLINE: '1',
};

describe('the two entry points', () => {
  test.each([
    ['cpu', { FL_EP: 'cpu', NVIDIA_VISIBLE_DEVICES: 'void' }, 'local-model-operator/foundry-local:1.2.3-cpu'],
    ['nvidia', { FL_EP: 'cuda' }, 'local-model-operator/foundry-local:1.2.3-cuda12'],
    ['claim', { FL_EP: 'cuda' }, 'local-model-operator/foundry-local:1.2.3-cuda12'],
  ] as const)('have exactly these variables on %s', (device, wanted, image) => {
    const input = inputOf(device, foundry());
    expect(foundryLocal.main(input)).toMatchObject({ image, args: ['serve'] });
    expect(envMap(foundryLocal.main(input))).toEqual({ ...serve, ...wanted });
    const { PULL_CONFIG, ...env } = envMap(foundryLocal.pull(input));
    expect(foundryLocal.pull(input)).toMatchObject({ image, args: ['pull'] });
    expect(env).toEqual({ ...common, ...wanted });
    expect(PULL_CONFIG).toBeTypeOf('string');
  });

  test("leave the execution provider to a rung's own image", () => {
    const input = inputOf(
      'npu',
      foundry({ hardware: { preferred: { class: 'NPU', vendor: 'intel', image: 'npu:1' } } }),
    );
    expect(foundryLocal.main(input).image).toBe('npu:1');
    expect(envMap(foundryLocal.main(input))).not.toHaveProperty('FL_EP');
  });

  test('are told the threads where there is a CPU limit', () => {
    expect(envMap(foundryLocal.main(inputOf('cpu', foundry({ resources: { limits: { cpu: 8 } } }))))).toHaveProperty(
      'FL_THREADS',
      '8',
    );
  });

  test("serve and pull the rung's own variant", () => {
    const name = 'Phi-4-mini-instruct-cuda-gpu:5';
    const input = inputOf('nvidia', foundry({ hardware: { preferred: { class: 'GPU', model: { name } } } }));
    expect(envMap(foundryLocal.main(input)).FL_MODEL).toBe(name);
    expect(pullConfigOf(foundryLocal, input)).toMatchObject({
      runtime: 'FoundryLocal',
      runtimeVersion: '1.2.3',
      reference: name,
    });
  });

  test('get a name with a dollar as it was written', () => {
    expect(envMap(foundryLocal.main(inputOf('cpu', foundry({ model: { name: 'a$(HOME)' } })))).FL_MODEL).toBe(
      'a$$(HOME)',
    );
  });
});

test('the contract in docs/hardware.md is the contract of the code', () => {
  const rows = Object.entries(foundryVariables).map(([name, meaning]) => [`\`${name}\``, meaning]);
  const wanted = markdownTable(['variable', 'meaning'], rows);
  expect(tableIn(new URL('../../../docs/hardware.md', import.meta.url), 'foundry', wanted)).toBe(wanted);
});

describe('a variant id', () => {
  test.each([
    ['Phi-4-mini-instruct-generic-cpu:5', 'CPU'],
    ['Phi-4-mini-instruct-cuda-gpu:5', 'GPU'],
    ['phi-openvino-npu', 'NPU'],
    ['mine-special-cpu:0', 'CPU'],
    ['phi-4-mini', undefined],
    ['my-own-cpu', undefined],
    ['gpu', undefined],
  ])('%s is for %s', (name, deviceClass) => expect(variantOf(name)?.class).toBe(deviceClass));
});

describe('what Foundry Local refuses', () => {
  test.each<[string, Partial<Spec>, string, string]>([
    [
      'one variant for two classes',
      { model: { name: 'phi-cuda-gpu:5' }, hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU' }] } },
      'spec.hardware.fallback[0].model.name',
      'phi-cuda-gpu:5 is a variant for GPU and this rung is CPU; give the rung a variant for CPU as model.name, or use the alias',
    ],
    [
      'a variant that would run on the CPU unnoticed',
      { model: { name: 'phi-generic-cpu:5' }, hardware: { preferred: { class: 'GPU' } } },
      'spec.hardware.preferred.model.name',
      'is a variant for CPU and this rung is GPU',
    ],
    [
      'a variant that nothing on Linux runs',
      { model: { name: 'phi-4-mini' }, hardware: { preferred: { class: 'GPU', model: { name: 'phi-trtrtx-gpu:1' } } } },
      'spec.hardware.preferred.model.name',
      'runs no trtrtx-gpu variant, only generic-cpu and cuda-gpu',
    ],
    [
      'a variant for another class than the image of the rung is for',
      { hardware: { preferred: { class: 'NPU', image: 'npu:1', model: { name: 'phi-generic-cpu:5' } } } },
      'spec.hardware.preferred.model.name',
      'is a variant for CPU and this rung is NPU',
    ],
    ['a variable of the operator', { pod: { env: [{ name: 'FL_PORT', value: '1' }] } }, 'spec.pod.env[0]', 'FL_PORT'],
  ])('%s', (_what, spec, path, words) => {
    const problems = foundryLocal.check(settings(foundry(spec)));
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.message).toContain(words);
  });

  test.each<[string, Partial<Spec>]>([
    ['an alias on every class', { hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU' }] } }],
    [
      'a variant per rung',
      {
        hardware: {
          preferred: { class: 'GPU', model: { name: 'phi-cuda-gpu:5' } },
          fallback: [{ class: 'CPU', model: { name: 'phi-generic-cpu:5' } }],
        },
      },
    ],
    [
      'an NPU with an image of its own',
      { hardware: { preferred: { class: 'NPU', image: 'npu:1', model: { name: 'phi-qnn-npu:1' } } } },
    ],
    [
      'an NPU that the ladder passes over, whatever it names',
      {
        hardware: {
          preferred: { class: 'NPU', model: { name: 'phi-openvino-npu:2' } },
          fallback: [{ class: 'NPU', model: { name: 'phi-generic-cpu:5' } }, { class: 'CPU' }],
        },
      },
    ],
    ['the default', {}],
  ])('%s is no such thing', (_what, spec) => expect(foundryLocal.check(settings(foundry(spec)))).toEqual([]));

  test('every variable that it sets', () => {
    const names = Object.keys(envMap(foundryLocal.main(inputOf('cpu', foundry({ performance: { threads: 1 } })))));
    expect(names.filter((name) => !foundryLocal.reservedEnv.includes(name))).toEqual([]);
  });
});
