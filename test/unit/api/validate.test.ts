import { describe, expect, it } from 'vitest';
import { unsupportedProblems } from '../../../src/api/unsupported.ts';
import { parseSpec, parseStatus } from '../../../src/api/validate.ts';

const minimal = { runtime: 'Ollama', model: { name: 'phi4-mini:3.8b' } };
const problemsOf = (spec: unknown, name = 'phi4-mini') => {
  const parsed = parseSpec({ metadata: { name }, spec });
  return 'problems' in parsed ? parsed.problems : [];
};

describe('parseSpec', () => {
  it('gives the spec as it stands, with nothing filled in', () => {
    expect(parseSpec({ metadata: { name: 'phi4-mini' }, spec: minimal })).toEqual({ spec: minimal });
  });

  it.each([
    ['a required field that is missing', { runtime: 'Ollama', model: {} }, 'spec.model.name', 'is required; set it'],
    ['a wrong type', { ...minimal, replicas: 'two' }, 'spec.replicas', 'must be of type number, not a string'],
    [
      'null in a list',
      { ...minimal, api: { protocols: [null] } },
      'spec.api.protocols[0]',
      'must be one of OpenAI, Native, Anthropic',
    ],
    ['a list for an object', { ...minimal, model: [] }, 'spec.model', 'must be of type object, not a list'],
    ['an unknown choice', { ...minimal, runtime: 'vLLM' }, 'spec.runtime', 'must be one of Ollama, FoundryLocal'],
    ['a number out of bounds', { ...minimal, replicas: 1001 }, 'spec.replicas', 'must be at most 1000'],
    ['an empty name', { ...minimal, model: { name: '' } }, 'spec.model.name', 'must not be empty'],
    [
      'a field of a newer release',
      { ...minimal, api: { grpc: true } },
      'spec.api.grpc',
      'is not known to this release; remove it, or upgrade the operator',
    ],
    [
      'a broken quantity',
      { ...minimal, resources: { limits: { memory: '8 GB' } } },
      'spec.resources.limits.memory',
      'must be a whole number, or a quantity such as 500m or 8Gi',
    ],
    [
      'a problem deep in a list',
      { ...minimal, hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU' }, { class: 'TPU' }] } },
      'spec.hardware.fallback[1].class',
      'must be one of CPU, GPU, NPU',
    ],
    [
      'a broken rule, at the field to blame',
      { ...minimal, api: { port: 9090 } },
      'spec.api.port',
      'port is taken inside the pod (9090, 11434, 5273); choose another, such as 8080',
    ],
    [
      'a duplicate',
      { ...minimal, model: { name: 'a', servedNames: ['b', 'b'] } },
      'spec.model.servedNames',
      'an item stands twice; keep one',
    ],
    [
      'two items with one key',
      { ...minimal, pod: { env: [{ name: 'A' }, { name: 'A' }] } },
      'spec.pod.env',
      'two items have the same name; keep one',
    ],
  ])('names %s', (_, spec, path, message) => {
    expect(problemsOf(spec)).toContainEqual({ path, message });
  });

  it('takes a member that is null for one that is not given, as the API server does', () => {
    const spec = { ...minimal, api: null, model: { ...minimal.model, digest: null } };
    expect(parseSpec({ metadata: { name: 'a' }, spec })).toEqual({ spec: minimal });
    expect(problemsOf(null)).toEqual([{ path: 'spec', message: 'is required; set it' }]);
  });

  it('tells all problems at once', () => {
    const paths = problemsOf({ runtime: 'Ollama', model: { name: 'a b' }, api: { port: 1 }, more: {} }).map(
      ({ path }) => path,
    );
    expect(new Set(paths)).toEqual(new Set(['spec.model.name', 'spec.api.port', 'spec.more']));
  });

  it('refuses a name that no Service could have', () => {
    expect(problemsOf(minimal, '4mini')).toMatchObject([{ path: 'metadata.name' }]);
    expect(problemsOf(minimal, 'a'.repeat(51))).toMatchObject([{ path: 'metadata.name' }]);
    expect(problemsOf(minimal, 'a'.repeat(50))).toEqual([]);
  });

  it('tells at most 16 problems, and how many more there are', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`field${index}`, index]));
    const problems = problemsOf({ ...minimal, ...many });
    expect(problems).toHaveLength(16);
    expect(problems.at(-1)).toEqual({ path: 'spec', message: 'has 25 more problems' });
  });

  it('bounds what it repeats', () => {
    const [problem] = problemsOf({ ...minimal, ['x'.repeat(10_000)]: 1 });
    expect(problem?.path.length).toBeLessThanOrEqual(256);
  });

  it('asks for a spec where there is none', () => {
    expect(problemsOf(undefined)).toEqual([{ path: 'spec', message: 'is required; set it' }]);
    for (const stored of [null, 7, 'x', [], {}]) expect(parseSpec(stored)).toHaveProperty('problems');
  });
});

describe('fields without behaviour', () => {
  it('are refused by path, with a reason of their own', () => {
    const table = [{ path: 'spec.api.audit', applies: () => true, message: 'comes later; remove it' }];
    const parsed = parseSpec({ metadata: { name: 'a' }, spec: minimal });
    if ('problems' in parsed) throw new Error('the minimal spec is refused');
    expect(unsupportedProblems(parsed.spec, table)).toEqual([
      { path: 'spec.api.audit', message: 'comes later; remove it', reason: 'UnsupportedField' },
    ]);
    expect(unsupportedProblems(parsed.spec, [{ ...table[0]!, applies: () => false }])).toEqual([]);
  });
});

describe('parseStatus', () => {
  it('gives back what the operator wrote', () => {
    const written = { observedGeneration: 2, revision: 'abc', hardware: { class: 'GPU' as const } };
    expect(parseStatus(written)).toEqual(written);
  });

  it('keeps what it can read of what another release wrote', () => {
    const written = { revision: 'abc', replicas: 'two', hardware: { class: 'QPU' }, later: {} };
    expect(parseStatus(written)).toEqual({ revision: 'abc' });
  });

  it('forgets what it never wrote', () => {
    for (const stored of [undefined, null, 'x', { conditions: 'Ready' }, { replicas: 'two' }])
      expect(parseStatus(stored)).toEqual({});
  });
});
