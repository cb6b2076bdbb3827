// The secondary indexes of a store: from a value, e.g. an owner's uid, to the keys of the objects that have it.
import type { Key } from './types.ts';

export type IndexFunctions<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

export interface Index<T> {
  add(key: Key, object: T): void;
  remove(key: Key, object: T): void;
  /** Throws when there is no index of that name: a misspelt name must not look like an empty answer. */
  keys(name: string, value: string): Iterable<Key>;
}

export function createIndex<T>(functions: IndexFunctions<T>): Index<T> {
  const entries = Object.entries(functions).map(([name, valuesOf]) => ({
    name,
    valuesOf,
    keysByValue: new Map<string, Set<Key>>(),
  }));
  const byName = new Map(entries.map((entry) => [entry.name, entry.keysByValue]));

  return {
    add(key, object) {
      for (const { valuesOf, keysByValue } of entries) {
        for (const value of valuesOf(object)) {
          const keys = keysByValue.get(value);
          if (keys) keys.add(key);
          else keysByValue.set(value, new Set([key]));
        }
      }
    },
    remove(key, object) {
      for (const { valuesOf, keysByValue } of entries) {
        for (const value of valuesOf(object)) {
          const keys = keysByValue.get(value);
          keys?.delete(key);
          if (keys?.size === 0) keysByValue.delete(value);
        }
      }
    },
    keys(name, value) {
      const keysByValue = byName.get(name);
      if (!keysByValue) throw new Error(`the store has no index named ${name}`);
      return keysByValue.get(value) ?? [];
    },
  };
}
