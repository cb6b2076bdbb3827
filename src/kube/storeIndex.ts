// The secondary indexes of a store: from a value, e.g. an owner's uid, to the keys of the objects that have it.
import type { Key } from './types.ts';

export type IndexFunctions<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

export interface Index<T> {
  add(key: Key, object: T): void;
  remove(key: Key, object: T): void;
  /** Throws when there is no index of that name: a misspelt name must not look like an empty answer. */
  keys(name: string, value: string): Iterable<Key>;
}

/** Most values have one key, and a Set for each would be most of the index's memory. */
type Keys = Key | Set<Key>;

function withKey(keys: Keys | undefined, key: Key): Keys {
  if (keys === undefined || keys === key) return key;
  return typeof keys === 'string' ? new Set([keys, key]) : keys.add(key);
}

function withoutKey(keys: Keys | undefined, key: Key): Keys | undefined {
  if (keys === undefined || typeof keys === 'string') return keys === key ? undefined : keys;
  keys.delete(key);
  return keys.size > 0 ? keys : undefined;
}

export function createIndex<T>(functions: IndexFunctions<T>): Index<T> {
  const entries = Object.entries(functions).map(([name, valuesOf]) => ({
    name,
    valuesOf,
    keysByValue: new Map<string, Keys>(),
  }));
  const byName = new Map(entries.map((entry) => [entry.name, entry.keysByValue]));

  return {
    add(key, object) {
      for (const { valuesOf, keysByValue } of entries) {
        for (const value of valuesOf(object)) keysByValue.set(value, withKey(keysByValue.get(value), key));
      }
    },
    remove(key, object) {
      for (const { valuesOf, keysByValue } of entries) {
        for (const value of valuesOf(object)) {
          const left = withoutKey(keysByValue.get(value), key);
          if (left === undefined) keysByValue.delete(value);
          else keysByValue.set(value, left);
        }
      }
    },
    keys(name, value) {
      const keysByValue = byName.get(name);
      if (!keysByValue) throw new Error(`the store has no index named ${name}`);
      const keys = keysByValue.get(value) ?? [];
      return typeof keys === 'string' ? [keys] : keys;
    },
  };
}
