// Numbers that look random and are the same on every machine: only additions and multiplications of integers.

/** Uniform in [0, 1), from a seed (mulberry32 by Tommy Ettinger, in the public domain). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** About normal with mean 0: a sum of twelve uniform numbers, since logarithms may differ in their last bit. */
export function normal(seed: number, deviation: number): () => number {
  const next = uniform(seed);
  return () => {
    let sum = -6;
    for (let term = 0; term < 12; term++) sum += next();
    return sum * deviation;
  };
}

/** So many values, as weights. */
export const weights = (count: number, next: () => number): Float32Array => Float32Array.from({ length: count }, next);
