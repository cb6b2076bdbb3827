import { describe, expect, it, test } from 'vitest';
import { ollama } from '../../../src/api/runtimeOptions.ts';
import {
  type ParameterName,
  parameterKinds,
  parameterNameProblem,
  parameterProblem,
  parametersProblem,
  parameterValues,
  renamed,
  suggestParameter,
  valueForms,
} from '../../../src/models/parameters.ts';
import { markdownTable, tableIn } from '../docsTable.ts';

describe('parameter names', () => {
  test.each([
    ['context_length', 'num_ctx'],
    ['num_threads', 'num_thread'],
    ['n_gpu_layers', 'num_gpu'],
    ['max_tokens', 'num_predict'],
    ['repetition_penalty', 'repeat_penalty'],
    ['temperatur', 'temperature'],
    ['tempreature', 'temperature'],
    ['Top-K', 'top_k'],
    ['topp', 'top_p'],
    ['seeds', 'seed'],
  ])('%s was meant to be %s', (name, meant) => {
    expect(suggestParameter(name)).toBe(meant);
    expect(parameterNameProblem(name)).toBe(`${name} is not a parameter of Ollama; it is ${meant}`);
  });

  test.each(['', 'x', 'banana', 'constructor', '__proto__', 'y'.repeat(10_000)])('has no idea of %.20j', (name) => {
    expect(suggestParameter(name)).toBeUndefined();
    expect(parameterNameProblem(name)).toMatch(/there are draft_num_predict, /);
    expect(parameterNameProblem(name)?.length).toBeLessThan(500);
  });

  it('says of what was removed that it does nothing', () => {
    expect(parameterNameProblem('mirostat')).toMatch(/ignored by Ollama/);
  });

  it('lets through what there is', () => {
    expect(parameterNameProblem('num_ctx')).toBeUndefined();
  });
});

describe('parameter values', () => {
  test.each([
    ['seed', '-1', undefined],
    ['seed', '1.5', 'seed must be a whole number'],
    ['seed', '9'.repeat(16), 'seed must be a whole number'],
    ['top_p', '0.9', undefined],
    ['top_p', '1e3', 'top_p must be a number'],
    ['top_p', '', 'top_p must be a number'],
    ['use_mmap', 'yes', 'use_mmap must be true or false'],
    ['stop', '', undefined],
  ])('%s: %s', (name, value, problem) => {
    expect(parameterProblem({ name, value }, [])).toBe(problem);
  });

  it('lets only stop stand twice', () => {
    const twice = (name: string) =>
      parametersProblem([
        { name, value: '1' },
        { name, value: '2' },
      ]);
    expect(twice('seed')).toBe('seed stands twice; keep one');
    expect(twice('stop')).toBeUndefined();
  });

  it('are numbers, booleans and the gathered stops in a params layer', () => {
    const list = [
      ['temperature', '0.20'],
      ['stop', 'a'],
      ['use_mmap', 'false'],
      ['stop', 'b'],
      ['num_ctx', '4096'],
    ] as const;
    expect(parameterValues(list.map(([name, value]) => ({ name, value })))).toEqual({
      temperature: 0.2,
      stop: ['a', 'b'],
      use_mmap: false,
      num_ctx: 4096,
    });
  });
});

describe('the page for users', () => {
  const page = new URL('../../../docs/models.md', import.meta.url);
  const code = (text: string) => `\`${text}\``;
  const names = Object.keys(parameterKinds) as ParameterName[];
  const parameter = ollama.shape.modelfile.unwrap().shape.parameters.unwrap().element.shape.name;

  it('lists the parameters that may be declared', () => {
    const open = names.filter((name) => parameter.safeParse(name).success).sort();
    const rows = open.map((name) => [code(name), valueForms[parameterKinds[name]].what]);
    const table = markdownTable(['parameter', 'value'], rows);
    expect(tableIn(page, 'parameters', table)).toBe(table);
  });

  it('lists the names that people bring along', () => {
    const rows = names
      .map((name) => [
        [...renamed]
          .filter(([, meant]) => meant === name)
          .map(([other]) => code(other))
          .join(', '),
        code(name),
      ])
      .filter(([others]) => others);
    const table = markdownTable(['you may know it as', 'it is'], rows);
    expect(tableIn(page, 'renamed', table)).toBe(table);
  });
});
