// Values that many objects have in common, kept once: every object arrives from the API server with strings and lists of its own.

export interface Pool<T> {
  /** The value that is known under `key`, or else the one that `make` gives. Nobody may change it. */
  share(key: string, make: () => T): T;
}

/**
 * Remembers between `size` and twice as many values, those that were asked for last. To forget one costs memory, nothing
 * else: it is made again.
 */
export function createPool<T>(size: number): Pool<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  return {
    share(key, make) {
      const known = young.get(key) ?? old.get(key);
      if (known !== undefined && young.has(key)) return known;
      if (young.size >= size) {
        old = young;
        young = new Map();
      }
      const value = known ?? make();
      young.set(key, value);
      return value;
    },
  };
}
