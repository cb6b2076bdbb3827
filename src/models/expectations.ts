// Whether a model is what the user, the runtime and its adapters ask for.
import type { GgufHeader } from './gguf.ts';
import type { ModelFacts } from './modelConfig.ts';

/** spec.model.expect. */
export interface Expectations {
  readonly quantization?: string | undefined;
  readonly family?: string | undefined;
  readonly minContext?: number | undefined;
}

type Check = (facts: ModelFacts, expect: Expectations) => string | undefined;

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const quantization: Check = ({ quantization: actual }, { quantization: wanted }) => {
  if (wanted === undefined || (actual && same(actual, wanted))) return undefined;
  return `the quantization is ${actual ?? 'not told by the file'}, not ${wanted}`;
};

const family: Check = ({ family: actual, families }, { family: wanted }) => {
  if (wanted === undefined || families.some((name) => same(name, wanted))) return undefined;
  return `the family is ${actual ?? 'not told by the file'}, not ${wanted}`;
};

const context: Check = ({ contextLength: actual }, { minContext: wanted }) => {
  if (wanted === undefined || (actual !== undefined && actual >= wanted)) return undefined;
  return actual === undefined
    ? `the file does not tell for how many tokens of context it was trained, and at least ${wanted} are expected`
    : `it was trained for ${actual} tokens of context, fewer than ${wanted}`;
};

const checks: readonly Check[] = [quantization, family, context];

/** Everything that differs, in words; what the file does not tell counts as different. */
export const expectationProblems = (facts: ModelFacts, expect: Expectations): string[] =>
  checks.map((check) => check(facts, expect)).filter((problem) => problem !== undefined);

const VERSION = /^v?(\d+)\.(\d+)(?:\.(\d+))?/;

const versionOf = (text: string): number[] | undefined =>
  VERSION.exec(text)
    ?.slice(1)
    .map((part) => Number(part ?? 0));

/**
 * A model may name the version of Ollama that it needs. Its own registry refuses older clients (HTTP 412); a mirror, a store
 * or an image says nothing, and the server would fail while it loads. Unreadable versions are let through.
 */
export function runtimeProblem({ requires }: Pick<ModelFacts, 'requires'>, runtimeVersion: string): string | undefined {
  const needed = requires && versionOf(requires);
  const given = versionOf(runtimeVersion);
  if (!needed || !given) return undefined;
  const difference = needed.map((part, index) => part - (given[index] ?? 0)).find((part) => part !== 0) ?? 0;
  return difference > 0 ? `it needs Ollama ${requires} or newer, and ${runtimeVersion} will run` : undefined;
}

/** Whether a LoRA adapter can be laid over a model; the server would fail while it loads. */
export function adapterProblem(adapter: GgufHeader, base: GgufHeader): string | undefined {
  if (adapter.type !== undefined && adapter.type !== 'adapter') return `it is of type ${adapter.type}, not an adapter`;
  return adapter.architecture === base.architecture
    ? undefined
    : `it was made for ${adapter.architecture}, and the model is ${base.architecture}`;
}
