import { describe, expect, it, test } from 'vitest';
import { adapterProblem, expectationProblems, runtimeProblem } from '../../../src/models/expectations.ts';
import { headerOf } from './tinyGguf.ts';

const facts = { quantization: 'Q4_K_M', family: 'qwen2', families: ['qwen2', 'clip'], contextLength: 32_768 };

describe('expectationProblems', () => {
  it('is content with what it asked for, in any case of letters', () => {
    expect(expectationProblems(facts, { quantization: 'q4_k_m', family: 'CLIP', minContext: 32_768 })).toEqual([]);
    expect(expectationProblems({ families: [] }, {})).toEqual([]);
  });

  it('names everything that differs', () => {
    expect(expectationProblems(facts, { quantization: 'Q8_0', family: 'llama', minContext: 65_536 })).toEqual([
      'the quantization is Q4_K_M, not Q8_0',
      'the family is qwen2, not llama',
      'it was trained for 32768 tokens of context, fewer than 65536',
    ]);
  });

  it('does not take silence for consent', () => {
    const problems = expectationProblems({ families: [] }, { quantization: 'Q8_0', family: 'llama', minContext: 1 });
    expect(problems).toHaveLength(3);
    for (const problem of problems) expect(problem).toMatch(/tell|told/);
  });
});

describe('runtimeProblem', () => {
  test.each([
    ['0.14.0', '0.32.15', true],
    ['0.32.15', '0.32.15', true],
    ['v0.32', '0.32.15-rc1', true],
    ['0.32.16', '0.32.15', false],
    ['0.33.0', '0.32.15', false],
    ['1.0.0', '0.99.99', false],
    ['soon', '0.1.0', true],
    ['9.9.9', 'dev', true],
  ])('a model that needs %s runs on %s: %s', (requires, version, runs) => {
    expect(runtimeProblem({ requires }, version) === undefined).toBe(runs);
  });

  it('says both versions', () => {
    expect(runtimeProblem({ requires: '0.40.0' }, '0.32.15')).toBe(
      'it needs Ollama 0.40.0 or newer, and 0.32.15 will run',
    );
    expect(runtimeProblem({}, '0.32.15')).toBeUndefined();
  });
});

describe('adapterProblem', () => {
  it('wants an adapter, of the same architecture', () => {
    const base = headerOf();
    expect(adapterProblem(headerOf({ type: 'adapter' }), base)).toBeUndefined();
    expect(adapterProblem(headerOf({ type: undefined }), base)).toBeUndefined();
    expect(adapterProblem(headerOf({ type: 'model' }), base)).toMatch(/not an adapter/);
    expect(adapterProblem(headerOf({ type: 'adapter', architecture: 'qwen2' }), base)).toBe(
      'it was made for qwen2, and the model is llama',
    );
  });
});
