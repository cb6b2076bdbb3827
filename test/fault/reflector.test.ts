// Rows of the failure table in which connections, servers and permissions fail: resume, wait, and go on.
import { describe, expect, test } from 'vitest';
import { createReflector } from '../../src/kube/reflector.ts';
import { createStore } from '../../src/kube/store.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { createModelServer, type ModelServer, refused, type Thing } from './modelServer.ts';
import { recordLog } from './recordedLog.ts';
import { minute, reflect, things, watching } from './reflected.ts';

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

  test('holds no watch open when it was stopped while the list was read', async () => {
    const clock = createVirtualClock();
    const server = createModelServer(clock);
    let stopped: Promise<void> | undefined;
    server.beforePage = () => {
      stopped = reflected.stop();
    };
    const reflected = reflect(server, clock);
    await clock.until(() => stopped !== undefined);
    await clock.settle();
    expect([server.open, clock.pending]).toEqual([0, 0]);
    await stopped;
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

  test('a refusal right after all went well passes: an API server that has just started has not read the roles yet', async () => {
    const { server, clock, reflector, news } = await watching();
    await clock.advance(5_000);
    for (const what of ['watch', 'list'] as const) server.failAll(what, () => refused('forbidden'));
    server.dropWatches();
    await clock.advance(1_000);
    expect([reflector.state, reflector.synced]).toEqual(['backingOff', true]);
    server.remove('a/two');
    for (const what of ['watch', 'list'] as const) server.failAll(what);
    await clock.advance(10_000);
    expect([reflector.state, news()]).toEqual(['watching', ['deleted a/two 2']]);
  });

  test('a permission that is taken away keeps the store; with list alone it polls', async () => {
    const { server, clock, reflector, store, news, lines } = await watching();
    await clock.advance(5_000);
    server.failAll('watch', () => refused('forbidden'));
    server.dropWatches();
    await clock.advance(minute);
    expect([reflector.state, store.size]).toEqual(['forbidden', 2]);
    server.remove('a/two');
    await clock.advance(10 * minute);
    expect(news()).toEqual(['deleted a/two 2']);
    expect([reflector.state, reflector.synced, reflector.lastError?.message]).toEqual([
      'forbidden',
      true,
      'scripted forbidden',
    ]);
    expect(lines.filter(({ level }) => level !== 'debug').map(({ message }) => message)).toEqual([
      'synced',
      'watch interrupted',
    ]);
    server.failAll('watch');
    await clock.advance(3 * minute);
    expect(reflector).toMatchObject({ state: 'watching', lastError: undefined });
  });
});
