import { beforeEach, expect, test } from 'vitest';
import { createQueue, type Queue, type QueueObserver, type QueueState } from '../../../src/kube/queue.ts';
import { createRetryLimiter } from '../../../src/kube/rateLimiter.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';

let clock: VirtualClock;
let queue: Queue;

const retryLimiter = () => createRetryLimiter({ clock, random: () => 1 });

beforeEach(() => {
  clock = createVirtualClock();
  queue = createQueue({ clock, limiter: retryLimiter() });
});

/** Takes what can be taken now, without waiting and without giving anything back. */
async function takeAll(): Promise<(string | undefined)[]> {
  const keys: (string | undefined)[] = [];
  while (queue.depth > 0) keys.push(await queue.get());
  return keys;
}

/** Starts a `get` and tells what it has resolved to so far. */
function waiter(signal?: AbortSignal) {
  const state = { resolved: false, key: undefined as string | undefined };
  void queue.get(signal).then((key) => Object.assign(state, { resolved: true, key }));
  return state;
}

test('gives keys in the order in which they came, each once', async () => {
  for (const key of ['ns/a', 'ns/b', 'ns/a', 'ns/c', 'ns/b']) queue.add(key);
  expect(await takeAll()).toEqual(['ns/a', 'ns/b', 'ns/c']);
});

test('gives what the user changed before what the world changed before what is only resynced', async () => {
  queue.add('resync-1', { priority: 'resync' });
  queue.add('normal-1');
  queue.add('user-1', { priority: 'user' });
  queue.add('resync-2', { priority: 'resync' });
  queue.add('user-2', { priority: 'user' });
  expect(await takeAll()).toEqual(['user-1', 'user-2', 'normal-1', 'resync-1', 'resync-2']);
});

test('moves a waiting key up when it is added with a higher priority, and never down', async () => {
  queue.add('late', { priority: 'resync' });
  queue.add('high', { priority: 'user' });
  queue.add('middle');
  queue.add('late', { priority: 'user' });
  queue.add('high', { priority: 'resync' });
  expect(await takeAll()).toEqual(['high', 'late', 'middle']);
});

test('does not give a key to a second worker while the first has it', async () => {
  queue.add('a');
  expect(await queue.get()).toBe('a');
  queue.add('a');
  const second = waiter();
  await clock.settle();
  expect(second.resolved).toBe(false);
  queue.done('a');
  await clock.settle();
  expect(second.key).toBe('a');
});

test('looks again, once, at a key that was added several times while it was processed', async () => {
  queue.add('a');
  await queue.get();
  for (let i = 0; i < 3; i++) queue.add('a');
  queue.done('a');
  expect(await takeAll()).toEqual(['a']);
  queue.done('a');
  expect(queue.depth).toBe(0);
});

test('keeps the highest priority of the adds that came while the key was processed', async () => {
  queue.add('a');
  await queue.get();
  queue.add('a', { priority: 'resync' });
  queue.add('a', { priority: 'user' });
  queue.add('b');
  queue.done('a');
  expect(await takeAll()).toEqual(['a', 'b']);
});

test('wakes the worker that has waited longest', async () => {
  const [first, second] = [waiter(), waiter()];
  queue.add('a');
  await clock.settle();
  expect([first.key, second.resolved]).toEqual(['a', false]);
  queue.add('b');
  await clock.settle();
  expect(second.key).toBe('b');
});

test('loses no key to a worker that stopped waiting', async () => {
  const stop = new AbortController();
  const stopped = waiter(stop.signal);
  const patient = waiter();
  stop.abort();
  queue.add('a');
  await clock.settle();
  expect(stopped).toEqual({ resolved: true, key: undefined });
  expect(patient.key).toBe('a');
  expect(await queue.get(stop.signal)).toBeUndefined();
});

test('adds a delayed key when its time has come', async () => {
  queue.addAfter('a', 1000);
  await clock.advance(999);
  expect(queue.depth).toBe(0);
  await clock.advance(1);
  expect(await takeAll()).toEqual(['a']);
});

test('lets the earliest of several delays win', async () => {
  queue.addAfter('a', 5000);
  queue.addAfter('a', 1000);
  queue.addAfter('a', 3000);
  await clock.advance(1000);
  expect(await takeAll()).toEqual(['a']);
  queue.done('a');
  await clock.advance(60_000);
  expect(queue.depth).toBe(0);
});

test('keeps a timed look when the key is also added at once', async () => {
  queue.addAfter('a', 1000);
  queue.add('a');
  expect(await takeAll()).toEqual(['a']);
  queue.done('a');
  await clock.advance(1000);
  expect(await takeAll()).toEqual(['a']);
});

test('adds at once what is to be added after no time', async () => {
  queue.addAfter('a', 0);
  queue.addAfter('b', -5);
  expect(await takeAll()).toEqual(['a', 'b']);
});

test('waits with a delay that is longer than a timer can be, instead of firing at once', async () => {
  queue.addAfter('a', Number.POSITIVE_INFINITY);
  await clock.advance(24 * 3_600_000);
  expect(queue.depth).toBe(0);
});

test('doubles the delay of a key with each failure, up to five minutes, until it is forgotten', async () => {
  const delays: number[] = [];
  const failOnce = async () => {
    const before = clock.monotonic();
    queue.addRateLimited('a');
    await clock.advanceUntil(() => queue.depth > 0);
    delays.push(clock.monotonic() - before);
    await takeAll();
    queue.done('a');
  };
  for (let i = 0; i < 18; i++) await failOnce();
  expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(delays.slice(-2)).toEqual([300_000, 300_000]);
  queue.forget('a');
  await failOnce();
  expect(delays.at(-1)).toBe(5);
});

test('holds the retries of all keys together to ten in a second after a burst of a hundred', async () => {
  for (let i = 0; i < 150; i++) queue.addRateLimited(`key-${i}`);
  await clock.advance(5);
  expect(queue.depth).toBe(100);
  await clock.advance(1000);
  expect(queue.depth).toBe(110);
  await clock.advance(4000);
  expect(queue.depth).toBe(150);
});

test('spreads keys that failed together', () => {
  let next = 0;
  const limiter = createRetryLimiter({ clock, random: () => (next++ % 10) / 10, baseMs: 1000 });
  const delays = Array.from({ length: 10 }, (_, i) => limiter.delayFor(`key-${i}`));
  expect(new Set(delays).size).toBe(10);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(800);
  expect(Math.max(...delays)).toBeLessThanOrEqual(1000);
});

test('gives nothing more once shut down, wakes who waits, and leaves no timer', async () => {
  const waiting = waiter();
  queue.addAfter('later', 1000);
  queue.shutDown();
  queue.add('a');
  queue.addAfter('b', 1);
  await clock.settle();
  expect(waiting).toEqual({ resolved: true, key: undefined });
  expect(await queue.get()).toBeUndefined();
  expect(clock.pending).toBe(0);
});

test('does not queue again, after shutDown, what was added while it was processed', async () => {
  queue.add('a');
  await queue.get();
  queue.add('a');
  queue.shutDown();
  queue.done('a');
  expect(queue.depth).toBe(0);
});

test('ignores done for a key that nobody has', async () => {
  queue.add('a');
  queue.done('a');
  queue.done('never-seen');
  expect(await takeAll()).toEqual(['a']);
});

test('reports depth, waiting time, working time, adds and retries', async () => {
  const seen: unknown[] = [];
  let state: QueueState | undefined;
  const observer: QueueObserver = {
    bind: (bound) => {
      state = bound;
    },
    added: () => seen.push('added'),
    taken: (ms) => seen.push(['taken', ms]),
    finished: (ms) => seen.push(['finished', ms]),
    retried: () => seen.push('retried'),
  };
  queue = createQueue({ clock, limiter: retryLimiter(), observer });
  queue.add('a');
  await clock.advance(150);
  queue.add('a', { priority: 'user' }); // moves up, and has waited since it was added first
  expect(state?.depth).toBe(1);
  await clock.advance(50);
  await queue.get();
  await clock.advance(30);
  expect(state?.runningMs()).toEqual([30]);
  queue.done('a');
  queue.addRateLimited('a');
  expect(seen).toEqual(['added', ['taken', 200], ['finished', 30], 'retried']);
  expect(state?.runningMs()).toEqual([]);
});
