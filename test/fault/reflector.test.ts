// Each describe is a row of the failure table that the reflector answers for.
import { afterEach, describe, expect, test } from 'vitest';
import { createReflector, type ReflectorOptions } from '../../src/kube/reflector.ts';
import { createStore } from '../../src/kube/store.ts';
import type { Resource } from '../../src/kube/types.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';
import { createModelServer, type ModelServer, refused, type Thing } from './modelServer.ts';
import { recordLog } from './recordedLog.ts';

const things: Resource = { group: 'test.example', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
const minute = 60_000;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

type Overrides = Partial<ReflectorOptions<Thing>>;

function reflect(server: ModelServer, clock: VirtualClock, overrides: Overrides = {}) {
  const store = overrides.store ?? createStore<Thing>();
  const changes: string[] = [];
  const { lines, log } = recordLog();
  const reflector = createReflector<Thing>({
    client: server.client,
    resource: things,
    store,
    clock,
    random: () => 0.5,
    log,
    onChange: (key, type, { size }, previous) =>
      void changes.push(`${type} ${key} ${previous ? `${previous.size}→${size}` : size}`),
    ...overrides,
  });
  const controller = new AbortController();
  const running = reflector.start(controller.signal);
  const stop = async () => {
    controller.abort();
    await running;
  };
  stops.push(stop);
  return {
    reflector,
    store,
    changes,
    lines,
    stop,
    /** What the listener was told since this was last asked. */
    news: () => changes.splice(0),
    sizes: () =>
      Object.fromEntries(store.list().map(({ metadata, size }) => [`${metadata.namespace}/${metadata.name}`, size])),
  };
}

/** A server with two objects and a reflector that has them and watches. */
async function watching(overrides: Overrides = {}) {
  const clock = createVirtualClock();
  const server = createModelServer(clock);
  server.put('a/one', 1);
  server.put('a/two', 2);
  const reflected = reflect(server, clock, overrides);
  await clock.settle();
  expect(reflected.news()).toEqual(['added a/one 1', 'added a/two 2']);
  expect(reflected.reflector).toMatchObject({ state: 'watching', synced: true, lastError: undefined });
  return { clock, server, ...reflected };
}

describe('without a failure', () => {
  test('lists in pages, then watches with a random timeout from where the list was', async () => {
    const { server } = await watching({ labelSelector: 'app=x', metadataOnly: true, pageSize: 1 });
    expect(server.lists).toMatchObject([{ limit: 1, labelSelector: 'app=x', metadataOnly: true }]);
    expect(server.lists[0]).not.toHaveProperty('resourceVersion');
    expect(server.watches).toMatchObject([
      {
        resourceVersion: server.version,
        timeoutSeconds: 450,
        inactivityMs: 165_000,
        labelSelector: 'app=x',
        metadataOnly: true,
      },
    ]);
  });

  test('keeps random timeouts within 300 to 600 s and watchdogs within 150 to 180 s', async () => {
    for (const chance of [0, 0.999999]) {
      const { server } = await watching({ random: () => chance });
      const { timeoutSeconds, inactivityMs } = server.watches[0]!;
      expect(timeoutSeconds).toBeGreaterThanOrEqual(300);
      expect(timeoutSeconds).toBeLessThanOrEqual(600);
      expect(inactivityMs).toBeGreaterThanOrEqual(150_000);
      expect(inactivityMs).toBeLessThanOrEqual(180_000);
    }
  });

  test('tells added, changed with what was before, deleted, and the recreation under the same name', async () => {
    const { server, clock, news } = await watching();
    server.put('a/three', 3);
    server.put('a/one', 10);
    server.remove('a/two');
    await clock.settle();
    expect(news()).toEqual(['added a/three 3', 'changed a/one 1→10', 'deleted a/two 2']);
    server.unseen(() => server.remove('a/one'));
    server.put('a/one', 11);
    await clock.settle();
    expect(news()).toEqual(['deleted a/one 10', 'added a/one 11']);
  });

  test('trims what it lists and what it watches', async () => {
    const store = createStore<Thing>({ trim: (object) => ({ ...object, size: 0 }) });
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    server.put('a/listed', 7);
    const { news } = reflect(server, clock, { store });
    await clock.settle();
    server.put('a/watched', 8);
    await clock.settle();
    expect(store.list().map(({ size }) => size)).toEqual([0, 0]);
    expect(news()).toEqual(['added a/listed 0', 'added a/watched 0']);
  });

  test('whenSynced waits for the first list, and gives up with its signal', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    server.failNext('list', refused('unavailable'));
    const { reflector } = reflect(server, clock);
    const impatient = new AbortController();
    const givenUp = expect(reflector.whenSynced(impatient.signal)).rejects.toThrow('enough');
    impatient.abort(new Error('enough'));
    await givenUp;
    const synced = reflector.whenSynced();
    await clock.advanceUntil(() => reflector.synced);
    await synced;
    await reflector.whenSynced();
  });

  test('stops in the middle of a watch, of a wait, and before it began, leaving no timer behind', async () => {
    const { clock, server, stop } = await watching();
    await stop();
    expect([clock.pending, server.open]).toEqual([0, 0]);

    server.failAll('list', () => refused('unavailable'));
    const waiting = reflect(server, clock);
    await clock.settle();
    expect(waiting.reflector.state).toBe('backingOff');
    await waiting.stop();
    expect(clock.pending).toBe(0);

    const before = server.lists.length;
    const aborted = createReflector<Thing>({
      ...{ client: server.client, resource: things, store: createStore<Thing>(), clock, random: () => 0 },
      ...{ log: recordLog().log, onChange: () => {} },
    });
    await aborted.start(AbortSignal.abort());
    expect(server.lists).toHaveLength(before);
  });

  test('several namespaces share a store without disturbing each other', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    const store = createStore<Thing>();
    for (const key of ['a/x', 'b/x', 'c/x']) server.put(key);
    const inA = reflect(server, clock, { store, namespace: 'a' });
    const inB = reflect(server, clock, { store, namespace: 'b' });
    await clock.settle();
    expect([...store.keys()]).toEqual(['a/x', 'b/x']);
    server.compact();
    server.dropWatches();
    server.remove('a/x');
    server.put('b/y');
    await clock.advanceUntil(() => server.lists.length === 4 && server.open === 2);
    expect([...store.keys()]).toEqual(['b/x', 'b/y']);
    expect([inA.news(), inB.news()]).toEqual([
      ['added a/x 1', 'deleted a/x 1'],
      ['added b/x 1', 'added b/y 1'],
    ]);
  });
});

describe('watch drop / clean close / server timeout', () => {
  test.each([
    ['closed cleanly', (server: ModelServer) => server.closeWatches()],
    ['cut', (server: ModelServer) => server.dropWatches()],
    ['ended by an internal error', (server: ModelServer) => server.sendStatus(500, 'InternalError')],
    ['ended by a timeout', (server: ModelServer) => server.sendStatus(504, 'Timeout')],
  ])('a watch that is %s resumes from the last event, without a list', async (_, interrupt) => {
    const { server, clock, news } = await watching();
    await clock.advance(5_000);
    const { metadata } = server.put('a/three', 3);
    await clock.settle();
    interrupt(server);
    server.put('a/one', 10);
    server.remove('a/two');
    await clock.advanceUntil(() => server.watches.length === 2);
    expect(server.watches[1]?.resourceVersion).toBe(metadata.resourceVersion);
    expect(news()).toEqual(['added a/three 3', 'changed a/one 1→10', 'deleted a/two 2']);
    expect(server.lists).toHaveLength(1);
  });

  test('the server timeout of a busy watch is nothing to report', async () => {
    const { server, clock, lines, reflector } = await watching();
    await clock.advance(25 * minute);
    expect(server.watches.length).toBeGreaterThanOrEqual(3);
    expect(reflector).toMatchObject({ state: 'watching', lastError: undefined });
    expect(lines.filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([]);
    expect(server.lists).toHaveLength(1);
  });

  test('a bookmark moves the point to resume from', async () => {
    const { server, clock } = await watching();
    await clock.advance(5_000);
    server.compact(); // history moves on without any event for us
    server.bookmark();
    await clock.settle();
    const bookmarked = server.version;
    server.dropWatches();
    await clock.advanceUntil(() => server.watches.length === 2);
    expect(server.watches[1]?.resourceVersion).toBe(bookmarked);
    await clock.advance(5_000);
    expect(server.lists).toHaveLength(1);
  });

  test('a server that closes every watch at once is not hammered', async () => {
    const { server, clock } = await watching();
    const closing = () => server.closeWatches();
    for (let round = 0; round < 2_000 && clock.monotonic() < 10 * minute; round++) {
      closing();
      await clock.advance(500);
    }
    expect(clock.monotonic()).toBeGreaterThanOrEqual(10 * minute);
    expect(server.watches.length).toBeLessThan(40);
  });
});

describe('half-open TCP, frozen apiserver', () => {
  test('a watch without even a bookmark is given up within 180 s, and what happened meanwhile arrives', async () => {
    const { server, clock, news, reflector } = await watching();
    server.freeze();
    server.put('a/one', 10);
    await clock.advance(180_000);
    expect(server.watches.length).toBe(2);
    expect(reflector.lastError).toMatchObject({ reason: 'timeout' });
    expect(news()).toEqual([]);
    server.thaw();
    await clock.settle();
    expect(news()).toEqual(['changed a/one 1→10']);
    expect(reflector).toMatchObject({ state: 'watching', lastError: undefined });
    expect(server.lists).toHaveLength(1);
  });

  test('lastSyncTime stays where the server spoke last', async () => {
    const { server, clock, reflector } = await watching();
    await clock.advance(minute);
    const spoken = clock.now();
    expect(reflector.lastSyncTime).toBe(spoken);
    server.freeze();
    await clock.advance(2 * minute);
    expect(reflector.lastSyncTime).toBe(spoken);
  });
});

describe('410 / compaction', () => {
  test.each(['status', 'event'] as const)(
    'told as %s: lists again and tells the difference, deletions included',
    async (form) => {
      const { server, clock, news, sizes } = await watching();
      server.goneAs = form;
      await clock.advance(5_000);
      server.dropWatches();
      server.remove('a/two');
      server.put('a/one', 10);
      server.put('a/three', 3);
      server.compact();
      await clock.advanceUntil(() => server.lists.length === 2);
      await clock.settle();
      expect(news()).toEqual(['changed a/one 1→10', 'added a/three 3', 'deleted a/two 2']);
      expect(sizes()).toEqual({ 'a/one': 10, 'a/three': 3 });
    },
  );

  test('an ERROR event in an open watch that ran well counts as well', async () => {
    const { server, clock, news } = await watching();
    await clock.advance(5_000);
    server.unseen(() => server.remove('a/two'));
    server.sendStatus(410, 'Gone');
    await clock.advanceUntil(() => server.lists.length === 2);
    await clock.settle();
    expect(news()).toEqual(['deleted a/two 2']);
  });

  test('compaction between two pages: all is asked for once more in one piece', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    for (const name of ['one', 'two', 'three']) server.put(`a/${name}`);
    server.beforePage = (page) => {
      if (page !== 1) return;
      server.remove('a/one');
      server.compact();
    };
    const { news, reflector } = reflect(server, clock, { pageSize: 1 });
    await clock.settle();
    expect(server.lists.map(({ limit }) => limit)).toEqual([1, undefined]);
    expect(news()).toEqual(['added a/two 1', 'added a/three 1']);
    expect(reflector).toMatchObject({ state: 'watching', lastError: undefined });
  });

  test('an object that is deleted between the pages of a list does not stay', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    for (const name of ['one', 'two', 'three']) server.put(`a/${name}`);
    server.beforePage = (page) => void (page === 1 && server.remove('a/one'));
    const { sizes } = reflect(server, clock, { pageSize: 1 });
    await clock.settle();
    expect(sizes()).toEqual({ 'a/two': 1, 'a/three': 1 });
  });
});

describe('API server restart / connection refused', () => {
  test('backs off from 0.8 s to 30 s, jittered, then goes on from where it was', async () => {
    const { server, clock, news, reflector, lines } = await watching({ random: () => 0 });
    const attempts: number[] = [];
    server.failAll('watch', () => {
      attempts.push(clock.monotonic());
      return refused('unavailable');
    });
    await clock.advance(5_000);
    server.dropWatches();
    server.remove('a/two');
    const cut = clock.monotonic();
    await clock.advance(2 * minute);
    const waits = attempts.map((at, i) => at - (attempts[i - 1] ?? cut));
    expect(waits).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(reflector).toMatchObject({ state: 'backingOff', synced: true, lastError: { reason: 'unavailable' } });
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);

    server.failAll('watch');
    await clock.advanceUntil(() => server.open === 1);
    await clock.settle();
    expect(news()).toEqual(['deleted a/two 2']);
    expect(reflector).toMatchObject({ state: 'watching', lastError: undefined });
    expect(server.lists).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'watching again' });
  });

  test('deletions during an outage that outlives the history are delivered after the list', async () => {
    const { server, clock, news } = await watching();
    server.failAll('watch', () => refused('unavailable'));
    server.failAll('list', () => refused('unavailable'));
    server.dropWatches();
    await clock.advance(minute);
    server.remove('a/one');
    server.remove('a/two');
    server.compact();
    await clock.advance(10 * minute);
    expect(news()).toEqual([]);
    server.failAll('watch');
    server.failAll('list');
    await clock.advanceUntil(() => server.lists.length > 1 && server.open === 1);
    expect(news()).toEqual(['deleted a/one 1', 'deleted a/two 2']);
  });

  test('is not synced before the first list has worked', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    server.put('a/one');
    server.failNext('list', refused('unavailable'), refused('timeout'), refused('unauthorized'));
    const { reflector, news } = reflect(server, clock);
    await clock.settle();
    expect(reflector).toMatchObject({ state: 'backingOff', synced: false });
    await clock.advanceUntil(() => reflector.synced);
    expect(server.lists).toHaveLength(4);
    expect(news()).toEqual(['added a/one 1']);
  });

  test('wake ends a wait', async () => {
    const { server, clock, reflector } = await watching();
    server.failNext('watch', ...Array.from({ length: 8 }, () => refused('unavailable')));
    server.dropWatches();
    await clock.advanceUntil(() => server.watches.length === 9);
    const before = clock.monotonic();
    await clock.settle();
    reflector.wake();
    await clock.settle();
    expect(server.open).toBe(1);
    expect(clock.monotonic()).toBe(before);
  });
});

describe('429 / APF', () => {
  test('a watch that is refused waits as long as asked, keeps its resourceVersion and does not list', async () => {
    const { server, clock, news } = await watching();
    const from = server.version;
    await clock.advance(5_000);
    server.failNext('watch', refused('throttled', 20_000));
    server.dropWatches();
    server.put('a/one', 10);
    await clock.advanceUntil(() => server.watches.length === 2);
    const refusedAt = clock.monotonic();
    await clock.advanceUntil(() => server.watches.length === 3);
    expect(clock.monotonic() - refusedAt).toBe(20_000);
    expect(server.watches.slice(1).map(({ resourceVersion }) => resourceVersion)).toEqual([from, from]);
    await clock.settle();
    expect(news()).toEqual(['changed a/one 1→10']);
    expect(server.lists).toHaveLength(1);
  });

  test('a list that is refused waits as long as asked', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    server.failNext('list', refused('throttled', 7_000));
    const { reflector } = reflect(server, clock);
    await clock.advanceUntil(() => reflector.synced);
    expect(clock.monotonic()).toBe(7_000);
  });
});

describe('5xx, etcd slow', () => {
  test('a list that fails in the middle changes nothing and is tried again', async () => {
    const { server, clock, news, sizes } = await watching({ pageSize: 1 });
    await clock.advance(5_000);
    let failures = 0;
    server.beforePage = (page) => {
      if (page === 1 && failures++ < 2) throw refused('unavailable');
    };
    server.remove('a/one');
    server.put('a/three', 3);
    server.put('a/four', 4);
    await clock.settle();
    news();
    server.unseen(() => server.remove('a/two'));
    server.sendStatus(410, 'Expired');
    await clock.advanceUntil(() => failures === 2);
    expect(sizes()).toHaveProperty('a/two');
    await clock.advanceUntil(() => server.open === 1);
    expect(news()).toEqual(['deleted a/two 2']);
    expect(failures).toBe(3);
  });
});

describe('stale cache after own write', () => {
  test('a key is not current until the watch has shown the write', async () => {
    const { server, clock, store } = await watching();
    server.freeze();
    const written = server.put('a/one', 10);
    store.noteWrite('a/one', written.metadata.resourceVersion!);
    await clock.settle();
    expect([store.isCurrent('a/one'), store.get('a/one')?.size]).toEqual([false, 1]);
    expect(store.isCurrent('a/two')).toBe(true);
    server.thaw();
    await clock.settle();
    expect([store.isCurrent('a/one'), store.get('a/one')?.size]).toEqual([true, 10]);
  });

  test('a write that somebody else has deleted since is current too, once the list shows it', async () => {
    const { server, clock, store } = await watching();
    server.freeze();
    store.noteWrite('a/one', server.put('a/one', 10).metadata.resourceVersion!);
    server.remove('a/one');
    server.compact();
    server.dropWatches();
    await clock.settle();
    expect(store.isCurrent('a/one')).toBe(false);
    server.thaw();
    await clock.advanceUntil(() => server.lists.length === 2 && server.open === 1);
    expect([store.isCurrent('a/one'), store.get('a/one')]).toEqual([true, undefined]);
  });

  test('the echo of an object that the write returned is no news, the next change is', async () => {
    const { server, clock, store, news } = await watching();
    server.freeze();
    store.noteWrite('a/new', server.put('a/new', 5));
    expect([store.isCurrent('a/new'), store.get('a/new')?.size]).toEqual([true, 5]);
    server.thaw();
    await clock.settle();
    expect(news()).toEqual([]);
    server.put('a/new', 6);
    await clock.settle();
    expect(news()).toEqual(['changed a/new 5→6']);
  });

  test('an own write in the middle of a list is not taken back by that list', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    const store = createStore<Thing>();
    server.put('a/one', 1);
    server.put('a/two', 2);
    server.beforePage = (page) => {
      if (page === 1) store.noteWrite('a/one', server.put('a/one', 10));
    };
    const { sizes } = reflect(server, clock, { store, pageSize: 1 });
    await clock.settle();
    expect(sizes()).toEqual({ 'a/one': 10, 'a/two': 2 });
  });
});

describe('CRD deleted while watching', () => {
  test('the store is dropped, no deletion is told, and all is back once the kind is served again', async () => {
    const { server, clock, news, reflector, store, lines } = await watching();
    await clock.advance(5_000);
    server.failAll('list', () => refused('notFound'));
    server.failAll('watch', () => refused('notFound'));
    server.closeWatches();
    await clock.advanceUntil(() => reflector.state === 'missing');
    expect([store.size, reflector.synced, news()]).toEqual([0, false, []]);
    const listsBefore = server.lists.length;
    await clock.advance(10 * minute);
    expect(server.lists.length - listsBefore).toBeLessThan(25);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);

    server.failAll('list');
    server.failAll('watch');
    const synced = reflector.whenSynced();
    reflector.wake();
    await clock.settle();
    await synced;
    expect(news()).toEqual(['added a/one 1', 'added a/two 2']);
    expect(reflector).toMatchObject({ state: 'watching', lastError: undefined });
  });

  test('a 404 that only the watch meets drops nothing', async () => {
    const { server, clock, news, store, reflector } = await watching();
    server.failNext('watch', refused('notFound'));
    await clock.advance(5_000);
    server.closeWatches();
    server.remove('a/two');
    await clock.advanceUntil(() => server.lists.length === 2 && server.open === 1);
    expect([store.size, reflector.synced, news()]).toEqual([1, true, ['deleted a/two 2']]);
  });

  test('a kind that is not installed yet is picked up when it arrives', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    server.put('a/one');
    server.failAll('list', () => refused('notFound'));
    const { reflector, news } = reflect(server, clock);
    await clock.advance(5 * minute);
    expect(reflector).toMatchObject({ state: 'missing', synced: false });
    server.failAll('list');
    await clock.advance(minute);
    expect([reflector.synced, news()]).toEqual([true, ['added a/one 1']]);
  });
});

describe('partial RBAC (403)', () => {
  test('says so, asks at most twice a minute, and goes on when it is allowed', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    server.put('a/one');
    server.failAll('list', () => refused('forbidden'));
    const { reflector, news } = reflect(server, clock, { random: () => 0 });
    await clock.advance(10 * minute);
    expect(reflector).toMatchObject({ state: 'forbidden', synced: false, lastError: { reason: 'forbidden' } });
    expect(server.lists.length).toBeLessThanOrEqual(21);
    server.failAll('list');
    await clock.advance(minute);
    expect(reflector).toMatchObject({ state: 'watching', synced: true });
    expect(news()).toEqual(['added a/one 1']);
  });

  test('a permission that is taken away keeps the store; with list alone it polls', async () => {
    const { server, clock, reflector, store, news } = await watching();
    await clock.advance(5_000);
    server.failAll('watch', () => refused('forbidden'));
    server.dropWatches();
    await clock.advance(5_000);
    expect([reflector.state, store.size]).toEqual(['forbidden', 2]);
    server.remove('a/two');
    await clock.advance(2 * minute);
    expect(news()).toEqual(['deleted a/two 2']);
  });
});

describe('listener throws', () => {
  test('or rejects: it is logged, everyone else is told, the watch goes on', async () => {
    const seen: string[] = [];
    const onChange = (key: string) => {
      seen.push(key);
      if (key === 'a/one') throw new Error('thrown');
      if (key === 'a/two') return Promise.reject(new Error('rejected')) as unknown as undefined;
    };
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    for (const name of ['one', 'two', 'three']) server.put(`a/${name}`);
    const { lines } = reflect(server, clock, { onChange });
    await clock.settle();
    server.put('a/one', 10);
    await clock.settle();
    expect(seen).toEqual(['a/one', 'a/two', 'a/three', 'a/one']);
    const errors = lines.filter(({ level }) => level === 'error').map(({ fields }) => (fields.err as Error).message);
    expect(errors).toEqual(['thrown', 'rejected', 'thrown']);
    expect(server.watches).toHaveLength(1);
  });

  test('an event that cannot be understood is passed by a list', async () => {
    let poisoned = true;
    const trim = (object: Thing) => {
      if (object.size === 13 && poisoned) throw new TypeError('poison');
      return object;
    };
    const { server, clock, reflector, sizes } = await watching({ store: createStore<Thing>({ trim }) });
    server.put('a/one', 13);
    await clock.settle();
    expect(reflector.lastError?.message).toBe('poison');
    poisoned = false;
    server.put('a/two', 20);
    await clock.advanceUntil(() => reflector.state === 'watching');
    expect(sizes()).toEqual({ 'a/one': 13, 'a/two': 20 });
  });
});

describe('silently missed events', () => {
  const missing = (server: ModelServer) =>
    server.unseen(() => {
      server.put('a/one', 10);
      server.remove('a/two');
      server.put('a/three', 3);
    });

  test('are repaired by the periodic list, 30 to 60 minutes later', async () => {
    const { server, clock, news } = await watching();
    missing(server);
    await clock.advance(30 * minute);
    expect(news()).toEqual([]);
    await clock.advanceUntil(() => server.lists.length === 2, 31 * minute);
    await clock.settle();
    expect(news()).toEqual(['changed a/one 1→10', 'added a/three 3', 'deleted a/two 2']);
  });

  test('a periodic list that fails does not blind the watch, and is made up for soon', async () => {
    const { server, clock, news } = await watching();
    missing(server);
    server.failNext('list', refused('unavailable'));
    await clock.advanceUntil(() => server.lists.length === 2);
    await clock.advance(5_000);
    expect(server.open).toBe(1);
    server.put('a/four', 4);
    await clock.settle();
    expect(news()).toEqual(['added a/four 4']);
    await clock.advance(10 * minute);
    expect(news()).toEqual(['changed a/one 1→10', 'added a/three 3', 'deleted a/two 2']);
  });
});

describe('a list older than what was seen', () => {
  test('by an API server that lags is not delivered', async () => {
    const { server, clock, news, sizes, reflector } = await watching();
    server.lagging(true);
    server.put('a/one', 10);
    server.remove('a/two');
    await clock.settle();
    expect(news()).toEqual(['changed a/one 1→10', 'deleted a/two 2']);
    server.sendStatus(410, 'Expired');
    await clock.advanceUntil(() => server.lists.length === 3);
    await clock.settle();
    expect(reflector.state).toBe('backingOff');
    expect(sizes()).toEqual({ 'a/one': 10 });
    server.lagging(false);
    await clock.advanceUntil(() => reflector.state === 'watching');
    expect([sizes(), news()]).toEqual([{ 'a/one': 10 }, []]);
  });

  test('of an etcd restored from a backup is accepted in the end, though no watch ever says so', async () => {
    const { server, clock, sizes, lines } = await watching();
    const saved = { objects: server.objects(), version: Number(server.version) };
    server.put('a/one', 10);
    server.put('a/three', 3);
    await clock.settle();
    server.restore(saved);
    // Until its history has caught up such a server sends nothing at all to a watch from the future.
    server.freeze();
    await clock.advanceUntil(() => server.lists.length > 1, 10 * minute);
    server.thaw();
    await clock.advanceUntil(() => lines.some(({ message }) => message.includes('set back')), 10 * minute);
    await clock.settle();
    expect(sizes()).toEqual({ 'a/one': 1, 'a/two': 2 });
    server.put('a/one', 30);
    await clock.settle();
    expect(sizes()).toEqual({ 'a/one': 30, 'a/two': 2 });
  });
});
