import { describe, expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { foundryMemoryRequest, parametersIn } from '../../../src/runtimes/foundryMemory.ts';
import { inputOf } from './inputs.ts';

describe('the parameters that a name tells', () => {
  test.each([
    ['qwen2.5-7b-instruct-generic-cpu:4', 7e9],
    ['qwen2.5-7b', 7e9],
    ['qwen2.5-coder-0.5b-instruct-cuda-gpu:3', 0.5e9],
    ['deepseek-r1-distill-qwen-1.5b', 1.5e9],
    ['gpt-oss-20b:1', 20e9],
    ['Mistral-7B-Instruct-v0.2', 7e9],
    ['mixtral-8x7b', 56e9],
    ['qwen3-30b-a3b', 30e9],
    ['smollm2-135m_instruct', 135e6],
    ['7b', 7e9],
  ])('%s', (name, parameters) => expect(parametersIn(name)).toBe(parameters));

  test.each([
    'phi-3.5-mini',
    'Phi-4-mini-instruct-generic-cpu:5',
    'phi-3-mini-128k',
    'gemma-3n-e4b',
    'qwen2.5b',
    'my-7bit-model',
    'team-0b',
    'build-20261123b',
    '',
  ])('%j tells none', (name) => expect(parametersIn(name)).toBeUndefined());
});

describe('the memory request', () => {
  const request = (device: 'cpu' | 'nvidia' | 'npu', name: string, spec: Partial<Spec> = {}) => {
    const { settings, rung } = inputOf(device, { runtime: 'FoundryLocal', model: { name }, ...spec });
    return foundryMemoryRequest(settings, rung);
  };

  test.each([
    ['cpu', 'qwen2.5-0.5b', '2048Mi'],
    ['cpu', 'qwen2.5-7b-instruct-generic-cpu:4', '14592Mi'],
    ['cpu', 'qwen2.5-14b', '27904Mi'],
    ['cpu', 'smollm2-135m', '1536Mi'],
    ['nvidia', 'qwen2.5-7b-instruct-cuda-gpu:4', '7936Mi'],
    ['npu', 'qwen2.5-7b-instruct-openvino-npu:4', '7936Mi'],
    ['cpu', 'phi-3.5-mini', undefined],
  ] as const)('on %s of %s: %s', (device, name, memory) => expect(request(device, name)).toBe(memory));

  test("is that of the rung's own model", () => {
    const hardware = { preferred: { class: 'GPU' as const, model: { name: 'qwen2.5-1.5b-instruct-cuda-gpu:4' } } };
    expect(request('nvidia', 'qwen2.5-7b', { hardware })).toBe('2560Mi');
  });

  test('is a step of 256 MiB, never less than the rule says', () => {
    for (let tenth = 1; tenth < 400; tenth += 7) {
      const mib = Number.parseInt(request('cpu', `x-${tenth / 10}b`) ?? '', 10);
      expect(mib % 256).toBe(0);
      const rule = (2 * tenth * 1e8) / 1024 ** 2 + 1024;
      expect(mib).toBeGreaterThanOrEqual(rule);
      expect(mib).toBeLessThan(rule + 256);
    }
  });
});
