// Rows of the failure table in which knowledge fails: what was missed is found by a list and told, nothing is taken back.
import { describe, expect, test } from 'vitest';
import { createStore } from '../../src/kube/store.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { createModelServer, type ModelServer, refused, type Thing } from './modelServer.ts';
import { minute, reflect, watching } from './reflected.ts';

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

  test('after an outage it is no failure of its own: the list comes at once', async () => {
    const { server, clock } = await watching();
    server.failAll('watch', () => refused('unavailable'));
    server.dropWatches();
    await clock.advance(2 * minute); // the waits are half a minute by now
    server.put('a/three', 3);
    server.compact();
    server.failAll('watch');
    const tries = server.watches.length;
    await clock.advanceUntil(() => server.watches.length > tries);
    const knownAt = clock.monotonic();
    await clock.advanceUntil(() => server.lists.length === 2 && server.open === 1);
    expect(clock.monotonic() - knownAt).toBeLessThanOrEqual(200);
  });

  test('of an API server that takes no watch from where its own lists are, lists are not asked without end', async () => {
    const { server, clock } = await watching();
    server.failAll('watch', () => refused('gone'));
    server.dropWatches();
    await clock.advance(10 * minute);
    expect(server.lists.length).toBeLessThan(25);
    server.failAll('watch');
    await clock.advanceUntil(() => server.open === 1);
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
