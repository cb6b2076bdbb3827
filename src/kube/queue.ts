// The work queue of a controller: keys to look at, each at most once at a time, the user's own changes first.
import type { Clock } from '../process/clock.ts';
import type { RetryLimiter } from './rateLimiter.ts';
import type { Key } from './types.ts';

/**
 * `user`: somebody changed what he wants. `normal`: the world moved. `resync`: nothing is known to have changed.
 * Strict: a lower one waits while a higher one is there. As each key queues once, that wait is bounded by the number of keys.
 */
export type Priority = 'user' | 'normal' | 'resync';

const priorities = ['user', 'normal', 'resync'] as const satisfies readonly Priority[];

const isHigher = (one: Priority, other: Priority) => priorities.indexOf(one) < priorities.indexOf(other);

/** What a scrape reads off a queue. */
export interface QueueState {
  /** Keys that a worker could take now. */
  readonly depth: number;
  /** For each key that is being processed, for how many milliseconds it has been. */
  runningMs(): number[];
}

/** Where a queue reports to; durations are milliseconds. */
export interface QueueObserver {
  bind(state: QueueState): void;
  added(): void;
  taken(waitedMs: number): void;
  finished(workedMs: number): void;
  retried(): void;
}

export interface Queue extends QueueState {
  /** Wants `key` looked at; a higher priority than the one it waits with moves it up. Does nothing after shutDown. */
  add(key: Key, options?: { priority?: Priority }): void;
  /** Adds `key` after `ms`; of several such wishes for one key the earliest counts. Independent of adds: a timed look is never lost to one. */
  addAfter(key: Key, ms: number): void;
  /** Adds `key` after its backoff. */
  addRateLimited(key: Key): void;
  /** Ends the backoff of `key`. */
  forget(key: Key): void;
  /** Waits for a key; undefined once `signal` aborts or the queue is shut down. Every key that it gives must come back through `done`. */
  get(signal?: AbortSignal): Promise<Key | undefined>;
  /** The work on `key` has ended, however. If it was added meanwhile, it queues again. */
  done(key: Key): void;
  /** Wakes all that wait, drops what waits, and takes nothing more; work that runs may still end. */
  shutDown(): void;
}

export interface QueueOptions {
  clock: Clock;
  limiter: RetryLimiter;
  observer?: QueueObserver;
}

/** Node fires a longer timer at once; looking early is harmless. */
const longestTimerMs = 2 ** 31 - 1;

/** The waiting keys of one priority, oldest first, with the time at which they were added. */
type Lane = Map<Key, number>;

/** Keys that could be taken now. Taking is linear in the holes of a Map: draining 5,000 keys costs 20 ms in all. */
function createLanes() {
  const lanes: Record<Priority, Lane> = { user: new Map(), normal: new Map(), resync: new Map() };
  return {
    get size() {
      return priorities.reduce((sum, priority) => sum + lanes[priority].size, 0);
    },
    /** False when the key waits already, with this priority or a higher one. */
    put(key: Key, priority: Priority, addedAt: number): boolean {
      const current = priorities.find((p) => lanes[p].has(key));
      if (current && !isHigher(priority, current)) return false;
      const since = current && lanes[current].get(key);
      if (current) lanes[current].delete(key);
      lanes[priority].set(key, since ?? addedAt);
      return !current;
    },
    take(): { key: Key; addedAt: number } | undefined {
      for (const priority of priorities) {
        for (const [key, addedAt] of lanes[priority]) {
          lanes[priority].delete(key);
          return { key, addedAt };
        }
      }
      return undefined;
    },
    clear() {
      for (const priority of priorities) lanes[priority].clear();
    },
  };
}

/** Keys whose time has not come: one timer each. */
function createDelays(clock: Clock, release: (key: Key) => void) {
  const waiting = new Map<Key, { dueAt: number; cancel: () => void }>();
  return {
    put(key: Key, ms: number) {
      const dueAt = clock.monotonic() + ms;
      const earlier = waiting.get(key);
      if (earlier && earlier.dueAt <= dueAt) return;
      earlier?.cancel();
      const timer = clock.after(Math.min(ms, longestTimerMs), () => {
        waiting.delete(key);
        release(key);
      });
      waiting.set(key, { dueAt, cancel: () => timer.cancel() });
    },
    clear() {
      for (const { cancel } of waiting.values()) cancel();
      waiting.clear();
    },
  };
}

/** Callers that wait for a key, first come first served. */
function createWaiters() {
  const waiters = new Set<(key: Key | undefined) => void>();
  return {
    wait(signal?: AbortSignal): Promise<Key | undefined> {
      return new Promise((resolve) => {
        const finish = (key: Key | undefined) => {
          waiters.delete(finish);
          signal?.removeEventListener('abort', abandon);
          resolve(key);
        };
        const abandon = () => finish(undefined);
        waiters.add(finish);
        signal?.addEventListener('abort', abandon, { once: true });
      });
    },
    first: (): ((key: Key | undefined) => void) | undefined => waiters.values().next().value,
  };
}

/**
 * A queue after client-go's util/workqueue. A key is in at most one of three places: waiting in a lane, being processed,
 * or being processed and dirty (added again meanwhile). So two workers never hold one key, and no wake-up is lost.
 */
export function createQueue({ clock, limiter, observer }: QueueOptions): Queue {
  const lanes = createLanes();
  const waiters = createWaiters();
  const startedAt = new Map<Key, number>();
  const dirty = new Map<Key, { priority: Priority; addedAt: number }>();
  let open = true;

  const take = (): Key | undefined => {
    const next = lanes.take();
    if (!next) return undefined;
    const now = clock.monotonic();
    startedAt.set(next.key, now);
    observer?.taken(now - next.addedAt);
    return next.key;
  };

  const handOut = () => {
    for (let waiter = waiters.first(); waiter && lanes.size > 0; waiter = waiters.first()) waiter(take());
  };

  const add: Queue['add'] = (key, { priority = 'normal' } = {}) => {
    if (!open) return;
    const now = clock.monotonic();
    const again = dirty.get(key);
    if (!startedAt.has(key)) {
      if (lanes.put(key, priority, now)) observer?.added();
      handOut();
    } else if (!again) {
      dirty.set(key, { priority, addedAt: now });
      observer?.added();
    } else if (isHigher(priority, again.priority)) again.priority = priority;
  };

  const delays = createDelays(clock, (key) => add(key));

  const addAfter: Queue['addAfter'] = (key, ms) => {
    if (!open) return;
    if (ms > 0) delays.put(key, ms);
    else add(key);
  };

  const queue: Queue = {
    get depth() {
      return lanes.size;
    },
    runningMs: () => [...startedAt.values()].map((at) => clock.monotonic() - at),
    add,
    addAfter,
    addRateLimited(key) {
      observer?.retried();
      addAfter(key, limiter.delayFor(key));
    },
    forget: (key) => limiter.forget(key),
    async get(signal) {
      if (!open || signal?.aborted) return undefined;
      return take() ?? waiters.wait(signal);
    },
    done(key) {
      const started = startedAt.get(key);
      if (started === undefined) return;
      startedAt.delete(key);
      observer?.finished(clock.monotonic() - started);
      const again = dirty.get(key);
      dirty.delete(key);
      if (!again || !open) return;
      lanes.put(key, again.priority, again.addedAt);
      handOut();
    },
    shutDown() {
      open = false;
      delays.clear();
      lanes.clear();
      dirty.clear();
      for (let waiter = waiters.first(); waiter; waiter = waiters.first()) waiter(undefined);
    },
  };
  observer?.bind(queue);
  return queue;
}
