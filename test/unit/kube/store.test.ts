import { describe, expect, test } from 'vitest';
import { type Change, createStore } from '../../../src/kube/store.ts';
import type { KubeObject } from '../../../src/kube/types.ts';

interface Thing extends KubeObject {
  size: number;
}

const thing = (key: string, version: number | string, { uid = `uid-${key}`, size = 1, owner = '' } = {}): Thing => {
  const [namespace, name] = key.split('/') as [string, string];
  return {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { namespace, name, uid, resourceVersion: String(version), ...(owner && { labels: { owner } }) },
    size,
  };
};

const ownerOf = (object: Thing): string[] => (object.metadata.labels?.owner ? [object.metadata.labels.owner] : []);
const brief = (changes: Change<Thing>[]): string[] =>
  changes.map(({ type, key, object }) => `${type} ${key} ${object.metadata.uid}@${object.metadata.resourceVersion}`);
const listed = (items: Thing[], version: number) => [items, { resourceVersion: String(version) }] as const;

describe('replace', () => {
  test('says what was added, changed and deleted, and is silent about what stayed', () => {
    const store = createStore<Thing>();
    store.replace(...listed([thing('a/stays', 1), thing('a/changes', 2), thing('a/goes', 3)], 3));
    const changes = store.replace(...listed([thing('a/stays', 1), thing('a/changes', 5), thing('a/comes', 6)], 6));
    expect(brief(changes)).toEqual([
      'changed a/changes uid-a/changes@5',
      'added a/comes uid-a/comes@6',
      'deleted a/goes uid-a/goes@3',
    ]);
    expect(changes[0]?.previous?.metadata.resourceVersion).toBe('2');
    expect([...store.keys()].sort()).toEqual(['a/changes', 'a/comes', 'a/stays']);
    expect(store.size).toBe(3);
  });

  test('takes a recreated object for one deleted and one added', () => {
    const store = createStore<Thing>();
    store.replace(...listed([thing('a/x', 1, { uid: 'first' })], 1));
    expect(brief(store.replace(...listed([thing('a/x', 4, { uid: 'second' })], 5)))).toEqual([
      'deleted a/x first@1',
      'added a/x second@4',
    ]);
  });

  test('of one namespace leaves the others alone', () => {
    const store = createStore<Thing>();
    store.replace([thing('a/x', 1)], { resourceVersion: '1', namespace: 'a' });
    store.replace([thing('b/x', 2)], { resourceVersion: '2', namespace: 'b' });
    expect(brief(store.replace([], { resourceVersion: '9', namespace: 'a' }))).toEqual(['deleted a/x uid-a/x@1']);
    expect([...store.keys()]).toEqual(['b/x']);
    expect([store.position('a'), store.position('b'), store.position()]).toEqual(['9', '2', undefined]);
  });

  test('with an older list takes back neither an own edit nor an own creation', () => {
    const store = createStore<Thing>();
    store.replace(...listed([thing('a/edited', 3)], 10));
    store.noteWrite('a/edited', thing('a/edited', 12));
    store.noteWrite('a/created', thing('a/created', 13));
    expect(store.replace(...listed([thing('a/edited', 3)], 11))).toEqual([]);
    expect(store.get('a/edited')?.metadata.resourceVersion).toBe('12');
    expect(store.get('a/created')).toBeDefined();
    expect(brief(store.replace(...listed([thing('a/edited', 12)], 14)))).toEqual([
      'deleted a/created uid-a/created@13',
    ]);
  });

  test('by force follows a server whose history was set back, floors included', () => {
    const store = createStore<Thing>();
    store.replace(...listed([thing('a/x', 90), thing('a/later', 91)], 95));
    store.noteWrite('a/x', '99');
    const changes = store.replace([thing('a/x', 40)], { resourceVersion: '50', force: true });
    expect(brief(changes)).toEqual(['changed a/x uid-a/x@40', 'deleted a/later uid-a/later@91']);
    expect(store.isCurrent('a/x')).toBe(true);
    expect(store.position()).toBe('50');
  });
});

describe('upsert and delete', () => {
  test('ignore what is older than, or the same as, what is known', () => {
    const store = createStore<Thing>();
    store.upsert(thing('a/x', 10));
    expect(store.upsert(thing('a/x', 9))).toEqual([]);
    expect(store.upsert(thing('a/x', 10))).toEqual([]);
    expect(store.delete(thing('a/x', 9))).toEqual([]);
    expect(brief(store.delete(thing('a/x', 11)))).toEqual(['deleted a/x uid-a/x@11']);
    expect(store.delete(thing('a/x', 12))).toEqual([]);
  });

  test('compare versions as integers', () => {
    const store = createStore<Thing>();
    store.upsert(thing('a/x', '999'));
    expect(brief(store.upsert(thing('a/x', '1000')))).toEqual(['changed a/x uid-a/x@1000']);
    expect(store.upsert(thing('a/x', '999'))).toEqual([]);
  });

  test('a late delete of the predecessor leaves its successor', () => {
    const store = createStore<Thing>();
    store.upsert(thing('a/x', 5, { uid: 'first' }));
    expect(brief(store.upsert(thing('a/x', 8, { uid: 'second' })))).toEqual([
      'deleted a/x first@5',
      'added a/x second@8',
    ]);
    expect(store.delete(thing('a/x', 7, { uid: 'first' }))).toEqual([]);
    expect(store.get('a/x')?.metadata.uid).toBe('second');
  });
});

describe('indexes', () => {
  const indexed = () => createStore<Thing>({ indexes: { owner: ownerOf } });
  const names = (store: ReturnType<typeof indexed>, owner: string) =>
    store.byIndex('owner', owner).map(({ metadata }) => metadata.name);

  test('follow every change', () => {
    const store = indexed();
    store.replace(
      ...listed([thing('a/x', 1, { owner: 'ann' }), thing('a/y', 2, { owner: 'ann' }), thing('a/z', 3)], 3),
    );
    expect(names(store, 'ann')).toEqual(['x', 'y']);
    store.upsert(thing('a/x', 4, { owner: 'bob' }));
    expect([names(store, 'ann'), names(store, 'bob')]).toEqual([['y'], ['x']]);
    store.delete(thing('a/y', 5, { owner: 'bob' })); // as last seen by the server, with other values than we indexed
    expect([names(store, 'ann'), names(store, 'bob')]).toEqual([[], ['x']]);
    store.clear();
    expect(names(store, 'bob')).toEqual([]);
  });

  test('refuse a name that does not exist', () => {
    expect(() => indexed().byIndex('ownr', 'ann')).toThrow('no index named ownr');
  });
});

describe('own writes', () => {
  const synced = () => {
    const store = createStore<Thing>();
    store.replace(...listed([thing('a/x', 5)], 10));
    return store;
  };

  test('nothing written is always current', () => {
    expect(synced().isCurrent('a/x')).toBe(true);
    expect(synced().isCurrent('a/unknown')).toBe(true);
  });

  test('hold a key back until the watch shows them', () => {
    const store = synced();
    store.noteWrite('a/x', '12');
    expect(store.isCurrent('a/x')).toBe(false);
    store.upsert(thing('a/x', 11));
    expect(store.isCurrent('a/x')).toBe(false);
    store.upsert(thing('a/x', 12));
    expect(store.isCurrent('a/x')).toBe(true);
  });

  test('are reached by whatever shows a later point of history: bookmark, relist, deletion', () => {
    const byBookmark = synced();
    byBookmark.noteWrite('a/x', '12');
    byBookmark.advance('12');
    expect(byBookmark.isCurrent('a/x')).toBe(true);

    const byRelist = synced();
    byRelist.noteWrite('a/x', '12');
    byRelist.replace(...listed([], 11));
    expect(byRelist.isCurrent('a/x')).toBe(false);
    byRelist.replace(...listed([], 13));
    expect(byRelist.isCurrent('a/x')).toBe(true);

    const byDeletion = synced();
    byDeletion.noteWrite('a/x', '12');
    byDeletion.delete(thing('a/x', 13));
    byDeletion.advance('13');
    expect(byDeletion.isCurrent('a/x')).toBe(true);
  });

  test('keep the newest floor', () => {
    const store = synced();
    store.noteWrite('a/x', '100');
    store.noteWrite('a/x', '99');
    store.upsert(thing('a/x', 99));
    expect(store.isCurrent('a/x')).toBe(false);
  });

  test('show at once when the written object is given, and their echo is no change', () => {
    const store = createStore<Thing>({ trim: (object) => ({ ...object, size: 0 }) });
    store.replace(...listed([], 10));
    store.noteWrite('a/new', thing('a/new', 12, { size: 7 }));
    expect(store.get('a/new')).toMatchObject({ size: 0, metadata: { resourceVersion: '12' } });
    expect(store.isCurrent('a/new')).toBe(true);
    expect(store.upsert(thing('a/new', 12))).toEqual([]);
    expect(brief(store.upsert(thing('a/new', 13)))).toEqual(['changed a/new uid-a/new@13']);
  });

  test('whose answer comes after the watch has shown the deletion do not bring the object back', () => {
    const store = synced();
    store.upsert(thing('a/x', 12));
    store.delete(thing('a/x', 13));
    store.advance('13');
    store.noteWrite('a/x', thing('a/x', 12));
    expect(store.get('a/x')).toBeUndefined();
    expect(store.isCurrent('a/x')).toBe(true);
  });

  test('are judged by the position of their own namespace', () => {
    const store = createStore<Thing>();
    store.replace([], { resourceVersion: '10', namespace: 'a' });
    store.replace([], { resourceVersion: '10', namespace: 'b' });
    store.noteWrite('a/x', '12');
    store.advance('20', 'b');
    expect(store.isCurrent('a/x')).toBe(false);
    store.advance('20', 'a');
    expect(store.isCurrent('a/x')).toBe(true);
  });
});

test('clearing a namespace forgets its objects, its floors and how far it was', () => {
  const store = createStore<Thing>();
  store.replace([thing('a/x', 1)], { resourceVersion: '1', namespace: 'a' });
  store.replace([thing('b/x', 1)], { resourceVersion: '1', namespace: 'b' });
  store.noteWrite('a/x', '5');
  store.clear('a');
  expect([...store.keys()]).toEqual(['b/x']);
  expect(store.isCurrent('a/x')).toBe(true);
  expect(store.position('a')).toBeUndefined();
  expect(store.list()).toHaveLength(1);
  expect([...store.values()]).toHaveLength(1);
});
