// The memory that a server of Foundry Local asks for where the spec says nothing of it, as far as the name of the model tells its size.
import type { Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import { modelOf } from './rung.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/**
 * Of a file as the catalog has them: int4 weights with their scales, and embeddings that are larger. Phi-4-mini, of 3.8 billion
 * parameters, takes 4.8 GB for the CPU and 3.6 GB for CUDA; of larger models the embeddings are a smaller part.
 */
const BYTES_PER_PARAMETER = 1;

/** The core with its libraries, the context, and what the server process itself needs. */
const BESIDES_BYTES = GIB;

/** An estimate of so many digits would pretend to be none. */
const STEP_BYTES = 256 * MIB;

/** Beyond the largest models there are, a number before a b is something else. */
const MOST_PARAMETERS = 2e12;

const units = { b: 1e9, m: 1e6 } as const;
const isUnit = (letter: string): letter is keyof typeof units => Object.hasOwn(units, letter);

/**
 * Parameters, by the count that stands in most names as a word of its own: qwen2.5-7b-instruct-generic-cpu:4, mixtral-8x7b, bge-335m. The
 * largest where there are several (30b-a3b). undefined where there is none, as in phi-4-mini.
 */
export function parametersIn(name: string): number | undefined {
  const counts = [...name.toLowerCase().matchAll(/(?<![^-_])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![^-_:])/g)].map(
    ([, experts = '1', count = '', unit = '']) => Number(experts) * Number(count) * (isUnit(unit) ? units[unit] : 0),
  );
  const most = Math.max(0, ...counts);
  return most > 0 && most <= MOST_PARAMETERS ? most : undefined;
}

/**
 * As a Kubernetes quantity: files + 1 GiB, and on the CPU the files once more, since ONNX Runtime rearranges the weights there beside
 * those that it has read. Only ever a request: a limit that rests on a guess would end pods that need a little more.
 */
export function foundryMemoryRequest(settings: Settings, rung: Rung): string | undefined {
  const parameters = parametersIn(modelOf(settings, rung).name);
  if (parameters === undefined) return undefined;
  const files = parameters * BYTES_PER_PARAMETER;
  const bytes = (rung.class === 'CPU' ? 2 : 1) * files + BESIDES_BYTES;
  return `${(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES) / MIB}Mi`;
}
