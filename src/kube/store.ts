// What we know of one kind of object, by key and by index, and how far in the API server's history that knowledge reaches.

import { isNewer, newest, type ResourceVersion } from './resourceVersion.ts';
import { createIndex, type IndexFunctions } from './storeIndex.ts';
import { type Key, type KubeObject, keyOf } from './types.ts';

export interface Change<T> {
  type: 'added' | 'changed' | 'deleted';
  key: Key;
  /** As it is now; of a deleted object, the last state that was seen. */
  object: T;
  /** Only of `changed`. */
  previous?: T;
}

/** What a list covers, and the point in history that it shows. */
export interface Snapshot {
  resourceVersion: ResourceVersion;
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  /** The list wins even where the store holds something newer: the server's history was set back (etcd restored). */
  force?: boolean;
}

export interface StoreOptions<T> {
  /** Named ways to find objects: each function gives the values under which an object is found. */
  indexes?: IndexFunctions<T>;
  /** Takes away what nobody reads before an object is kept, e.g. managedFields. */
  trim?: (object: T) => T;
}

/** Objects are shared with every reader: nobody may change one. */
export interface Store<T extends KubeObject> {
  get(key: Key): T | undefined;
  list(): T[];
  /** Without a copy: not to be held across an await. */
  values(): MapIterator<T>;
  keys(): MapIterator<Key>;
  byIndex(index: string, value: string): T[];
  readonly size: number;

  trim(object: T): T;
  /** Takes a whole list over and says what differs. A newer own write, absent from an older list, stays. */
  replace(items: Iterable<T>, snapshot: Snapshot): Change<T>[];
  /** An object with a new uid under the same key is one deleted and one added. Older and equal versions change nothing. */
  upsert(object: T): Change<T>[];
  /** `object` is the last state of what is gone. Nothing changes when the store already holds a successor. */
  delete(object: T): Change<T>[];
  /** Forgets a namespace, or everything, and tells nobody: not knowing is not absence. */
  clear(namespace?: string): void;

  /** The store shows all history up to here (a bookmark, an event). */
  advance(resourceVersion: ResourceVersion, namespace?: string): void;
  /** How far the store is; undefined before the first list. */
  position(namespace?: string): ResourceVersion | undefined;

  /**
   * Remembers an own write: the resourceVersion that it produced, or the object that the server returned, which is kept at
   * once if it is newer, so that the next reconcile sees it. The echo of that object by the watch is then no change.
   */
  noteWrite(key: Key, written: ResourceVersion | T): void;
  /** Whether the store shows our last noted write of this key, or something later. */
  isCurrent(key: Key): boolean;
}

const versionOf = (object: KubeObject): ResourceVersion => object.metadata.resourceVersion ?? '';
const everywhere = '';

/** An empty store. Index functions must be pure: they are called again to take an object out of its indexes. */
export function createStore<T extends KubeObject>({ indexes = {}, trim = (o) => o }: StoreOptions<T> = {}): Store<T> {
  const objects = new Map<Key, T>();
  const index = createIndex(indexes);
  const floors = new Map<Key, ResourceVersion>();
  const positions = new Map<string, ResourceVersion>();

  const position = (namespace?: string): ResourceVersion | undefined =>
    positions.get(namespace ?? everywhere) ?? positions.get(everywhere);

  function put(key: Key, object: T): void {
    const previous = objects.get(key);
    if (previous) index.remove(key, previous);
    objects.set(key, object);
    index.add(key, object);
  }

  function drop(key: Key, object: T): void {
    index.remove(key, object);
    objects.delete(key);
  }

  function keep(key: Key, object: T): Change<T>[] {
    const previous = objects.get(key);
    put(key, object);
    if (!previous) return [{ type: 'added', key, object }];
    if (previous.metadata.uid === object.metadata.uid) return [{ type: 'changed', key, object, previous }];
    return [
      { type: 'deleted', key, object: previous },
      { type: 'added', key, object },
    ];
  }

  function upsert(object: T): Change<T>[] {
    const key = keyOf(object.metadata);
    const previous = objects.get(key);
    return previous && !isNewer(versionOf(object), versionOf(previous)) ? [] : keep(key, object);
  }

  function replace(items: Iterable<T>, { resourceVersion, namespace, force = false }: Snapshot): Change<T>[] {
    const changes: Change<T>[] = [];
    const listed = new Set<Key>();
    for (const object of items) {
      const key = keyOf(object.metadata);
      listed.add(key);
      const previous = objects.get(key);
      const same = previous && versionOf(previous) === versionOf(object);
      changes.push(...(force && !same ? keep(key, object) : upsert(object)));
    }
    for (const [key, object] of objects) {
      const outside = namespace !== undefined && object.metadata.namespace !== namespace;
      if (outside || listed.has(key) || (!force && isNewer(versionOf(object), resourceVersion))) continue;
      drop(key, object);
      changes.push({ type: 'deleted', key, object });
    }
    if (force) forgetFloors(namespace);
    positions.set(namespace ?? everywhere, resourceVersion);
    return changes;
  }

  function remove(object: T): Change<T>[] {
    const key = keyOf(object.metadata);
    const previous = objects.get(key);
    if (!previous || isNewer(versionOf(previous), versionOf(object))) return [];
    drop(key, previous);
    return [{ type: 'deleted', key, object }];
  }

  function forgetFloors(namespace?: string): void {
    for (const key of floors.keys()) {
      if (namespace === undefined || namespaceOf(key) === namespace) floors.delete(key);
    }
  }

  function clear(namespace?: string): void {
    for (const [key, object] of objects) {
      if (namespace === undefined || object.metadata.namespace === namespace) drop(key, object);
    }
    forgetFloors(namespace);
    if (namespace === undefined) positions.clear();
    else positions.delete(namespace);
  }

  function isCurrent(key: Key): boolean {
    const floor = floors.get(key);
    if (floor === undefined) return true;
    const cached = objects.get(key);
    const reached = newest(cached ? versionOf(cached) : '', position(namespaceOf(key)) ?? '');
    if (isNewer(floor, reached)) return false;
    floors.delete(key);
    return true;
  }

  function noteWrite(key: Key, written: ResourceVersion | T): void {
    if (typeof written === 'string') {
      floors.set(key, newest(floors.get(key) ?? '', written));
      return;
    }
    // What the watch has already passed it has already shown: keeping the answer now could bring a deleted object back.
    if (isNewer(versionOf(written), position(namespaceOf(key)) ?? '')) upsert(trim(written));
  }

  function advance(resourceVersion: ResourceVersion, namespace?: string): void {
    const scope = namespace ?? everywhere;
    positions.set(scope, newest(positions.get(scope) ?? '', resourceVersion));
  }

  const find = (keys: Iterable<Key>): T[] => {
    const found: T[] = [];
    for (const key of keys) {
      const object = objects.get(key);
      if (object) found.push(object);
    }
    return found;
  };

  return {
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    values: () => objects.values(),
    keys: () => objects.keys(),
    byIndex: (name, value) => find(index.keys(name, value)),
    get size() {
      return objects.size;
    },
    trim,
    replace,
    upsert,
    delete: remove,
    clear,
    advance,
    position,
    noteWrite,
    isCurrent,
  };
}

function namespaceOf(key: Key): string | undefined {
  const slash = key.indexOf('/');
  return slash < 0 ? undefined : key.slice(0, slash);
}
