import { Registry } from 'prom-client';
import { beforeEach, expect, test } from 'vitest';
import { type ControllerOptions, createController, type Reconcile } from '../../../src/kube/controller.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { createControllerMetrics } from '../../../src/kube/metrics.ts';
import { createQueue, type Queue } from '../../../src/kube/queue.ts';
import { createRetryLimiter } from '../../../src/kube/rateLimiter.ts';
import { TerminalError } from '../../../src/kube/verdict.ts';
import { type Logger, silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';

let clock: VirtualClock;
let queue: Queue;
let registry: Registry;
let stop: AbortController;
let cancel: AbortController;
let logged: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[];

const record = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
  void logged.push({ level, fields, message });

const recordingLog: Logger = {
  ...silentLogger,
  info: record('info'),
  warn: record('warn'),
  error: record('error'),
};

beforeEach(() => {
  clock = createVirtualClock();
  registry = new Registry();
  stop = new AbortController();
  cancel = new AbortController();
  logged = [];
});

/** Starts a controller; the random numbers are all 1, so backoffs are whole and conflicts wait 200 ms. */
function start(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const metrics = createControllerMetrics(registry);
  const random = () => 1;
  queue = createQueue({ clock, limiter: createRetryLimiter({ clock, random }), observer: metrics.queue('model') });
  const controller = createController({
    queue,
    workers: 2,
    reconcile,
    deadlineMs: 10_000,
    clock,
    random,
    log: recordingLog,
    metrics: metrics.controller('model'),
    ...options,
  });
  controller.start(stop.signal, cancel.signal);
  return controller;
}

/** The value of a series, labels in the order in which they are printed; undefined when there is none. */
async function metric(series: string): Promise<number | undefined> {
  const line = (await registry.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

const total = (result: string) => metric(`controller_runtime_reconcile_total{controller="model",result="${result}"}`);
const counter = (name: string) => metric(`controller_runtime_${name}_total{controller="model"}`);

/** A reconcile that fails as told, in turn, and then succeeds; notes when each call came. */
function failing(...errors: unknown[]) {
  const calledAt: number[] = [];
  const reconcile: Reconcile = async () => {
    calledAt.push(clock.monotonic());
    if (errors.length > 0) throw errors.shift();
    return {};
  };
  return { calledAt, reconcile };
}

const apiError = (reason: ApiError['reason'], retryAfterMs?: number) =>
  new ApiError(reason, `scripted ${reason}`, { retryAfterMs });

test('reconciles a key once and leaves it alone when it is well', async () => {
  const { calledAt, reconcile } = failing();
  start(reconcile);
  queue.add('ai/phi4');
  await clock.advance(3_600_000);
  expect(calledAt).toEqual([0]);
  expect(await total('success')).toBe(1);
  expect(await counter('reconcile_errors')).toBe(0);
});

test('looks again after the time that the reconcile asked for', async () => {
  const calledAt: number[] = [];
  start(async () => {
    calledAt.push(clock.monotonic());
    return calledAt.length === 1 ? { requeueAfterMs: 60_000 } : { requeueAfterMs: 0 };
  });
  queue.add('a');
  await clock.advance(600_000);
  expect(calledAt).toEqual([0, 60_000]);
  expect(await total('requeue_after')).toBe(1);
});

test('backs off after errors, and starts anew after a success', async () => {
  const outage = () => apiError('unavailable');
  const { calledAt, reconcile } = failing(outage(), outage(), outage());
  start(reconcile);
  queue.add('a');
  await clock.advance(1000);
  expect(calledAt).toEqual([0, 5, 15, 35]);
  expect(await counter('reconcile_errors')).toBe(3);
  expect(await counter('reconcile_panics')).toBe(0);
  expect(await metric('workqueue_retries_total{name="model",controller="model"}')).toBe(3);
});

test('comes back soon after a conflict, which is no error', async () => {
  const { calledAt, reconcile } = failing(apiError('conflict'), apiError('alreadyExists'));
  start(reconcile);
  queue.add('a');
  await clock.advance(1000);
  expect(calledAt).toEqual([0, 200, 400]);
  expect([await total('requeue'), await counter('reconcile_errors')]).toEqual([2, 0]);
  expect(logged).toEqual([]);
});

test('slows down when a conflict does not end', async () => {
  const { calledAt, reconcile } = failing(...Array.from({ length: 60 }, () => apiError('conflict')));
  start(reconcile);
  queue.add('a');
  await clock.advance(600_000);
  expect(calledAt.length).toBeLessThan(25);
  expect(await counter('reconcile_errors')).toBe(0);
});

test('comes back when a throttling API server said so', async () => {
  const { calledAt, reconcile } = failing(apiError('throttled', 5000), apiError('throttled'));
  start(reconcile);
  queue.add('a');
  await clock.advance(20_000);
  expect(calledAt).toEqual([0, 6000, 7200]);
  expect(await counter('reconcile_errors')).toBe(0);
});

test('does not try again what only the user can mend, until the object changes', async () => {
  const { calledAt, reconcile } = failing(new TerminalError('spec.model.name: not a reference'));
  start(reconcile);
  queue.add('a');
  await clock.advance(3_600_000);
  expect(calledAt).toEqual([0]);
  expect([await counter('terminal_reconcile_errors'), await counter('reconcile_errors')]).toEqual([1, 1]);
  queue.add('a');
  await clock.settle();
  expect(calledAt).toHaveLength(2);
});

test.each([
  ['a TypeError', new TypeError('undefined is not a function')],
  ['a string', 'just text'],
  ['undefined', undefined],
])('survives a reconcile that throws %s: counted as a panic, logged, tried again', async (_, thrown) => {
  const { calledAt, reconcile } = failing(thrown);
  start(reconcile);
  queue.add('a');
  await clock.advance(1000);
  expect(calledAt).toEqual([0, 5]);
  expect(await counter('reconcile_panics')).toBe(1);
  expect(logged).toEqual([
    { level: 'error', message: 'reconcile threw what nobody expected', fields: { err: thrown, key: 'a' } },
  ]);
});

test('survives a reconcile that throws before its first await', async () => {
  let calls = 0;
  start(() => {
    calls++;
    if (calls === 1) throw new RangeError('sync');
    return Promise.resolve({});
  });
  queue.add('a');
  await clock.advance(10);
  expect(calls).toBe(2);
});

test('survives a classifier that throws', async () => {
  const { calledAt, reconcile } = failing(apiError('unavailable'));
  start(reconcile, {
    classify: () => {
      throw new Error('classifier is broken');
    },
  });
  queue.add('a');
  await clock.advance(10);
  expect(calledAt).toHaveLength(2);
});

/** Reconciles that end when told; `running` holds the keys of those that have not. */
function held() {
  const running = new Map<string, { end: () => void; signal: AbortSignal }>();
  let most = 0;
  const reconcile: Reconcile = (key, signal) =>
    new Promise((resolve) => {
      if (running.has(key)) throw new Error(`two workers on ${key}`);
      const end = () => {
        running.delete(key);
        resolve({});
      };
      running.set(key, { end, signal });
      most = Math.max(most, running.size);
    });
  return { running, reconcile, mostAtOnce: () => most };
}

test('runs as many keys at once as it has workers, and says how many', async () => {
  const { running, reconcile, mostAtOnce } = held();
  start(reconcile, { workers: 3 });
  for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
  await clock.settle();
  expect([...running.keys()]).toEqual(['a', 'b', 'c']);
  expect(await metric('controller_runtime_active_workers{controller="model"}')).toBe(3);
  expect(await metric('workqueue_depth{name="model",controller="model"}')).toBe(2);
  while (running.size > 0) {
    for (const { end } of [...running.values()]) end();
    await clock.settle();
  }
  expect(mostAtOnce()).toBe(3);
  expect(await total('success')).toBe(5);
  expect(await metric('controller_runtime_active_workers{controller="model"}')).toBe(0);
});

test('aborts a reconcile at its deadline and tries it again', async () => {
  const calledAt: number[] = [];
  start((_key, signal) => {
    calledAt.push(clock.monotonic());
    if (calledAt.length > 1) return Promise.resolve({});
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  queue.add('a');
  await clock.advance(20_000);
  expect(calledAt).toEqual([0, 10_005]);
  expect([await counter('reconcile_timeouts'), await counter('reconcile_errors')]).toEqual([1, 1]);
});

test('goes on with other keys when reconciles ignore their deadline, and never runs those keys twice', async () => {
  const { running, reconcile } = held();
  start(reconcile);
  for (const key of ['hung-1', 'hung-2', 'well']) queue.add(key);
  await clock.advance(10_500);
  expect([...running.keys()]).toEqual(['hung-1', 'hung-2']);
  queue.add('hung-1');
  await clock.advance(500);
  expect([...running.keys()]).toEqual(['hung-1', 'hung-2', 'well']);
  expect(await counter('reconcile_timeouts')).toBe(2);
  expect(logged.filter(({ level }) => level === 'error').map(({ fields }) => fields.key)).toEqual(['hung-1', 'hung-2']);
  expect(await metric('workqueue_longest_running_processor_seconds{name="model",controller="model"}')).toBe(11);

  await clock.advance(3000);
  running.get('hung-1')?.end();
  await clock.settle();
  expect([...running.keys()]).toEqual(['hung-2', 'well', 'hung-1']);
  expect(await counter('reconcile_timeouts')).toBe(2);
});

test('takes no more keys once stopped, lets running work end, and drains when it has', async () => {
  const { running, reconcile } = held();
  const controller = start(reconcile, { workers: 1 });
  queue.add('a');
  queue.add('b');
  await clock.settle();
  stop.abort();
  let drained = false;
  void controller.drain().then(() => {
    drained = true;
  });
  await clock.advance(5000);
  expect([drained, running.get('a')?.signal.aborted]).toEqual([false, false]);
  running.get('a')?.end();
  await clock.settle();
  expect([drained, running.size]).toEqual([true, 0]);
});

test('drains at once when nothing runs', async () => {
  const controller = start(async () => ({}));
  stop.abort();
  await expect(controller.drain()).resolves.toBeUndefined();
});

test('aborts running work when cancelled, and neither counts nor repeats it', async () => {
  let calls = 0;
  const controller = start((_key, signal) => {
    calls++;
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  queue.add('a');
  await clock.settle();
  cancel.abort(new Error('lease lost'));
  await controller.drain();
  await clock.advance(600_000);
  expect(calls).toBe(1);
  expect(await counter('reconcile_errors')).toBe(0);
  expect(clock.pending).toBe(0);
});

test('aborts work that is cancelled by what it does at its very beginning', async () => {
  let aborted: boolean | undefined;
  start(async (_key, signal) => {
    cancel.abort(new Error('lease lost'));
    await Promise.resolve();
    aborted = signal.aborted;
    return {};
  });
  queue.add('a');
  await clock.settle();
  expect(aborted).toBe(true);
});

test('takes what only the user can mend for that, also when the deadline has passed meanwhile', async () => {
  let calls = 0;
  start(async (_key, signal) => {
    calls++;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    throw new TerminalError('not to be mended by time');
  });
  queue.add('a');
  await clock.advance(60_000);
  expect(calls).toBe(1);
  expect(await counter('terminal_reconcile_errors')).toBe(1);
  expect(await counter('reconcile_timeouts')).toBe(0);
});

test('starts nothing with a key that it was handed at the very moment of stopping', async () => {
  const { calledAt, reconcile } = failing();
  const controller = start(reconcile);
  await clock.settle();
  queue.add('a');
  stop.abort();
  await clock.settle();
  await controller.drain();
  expect(calledAt).toEqual([]);
});

test('leaves no timer behind a reconcile that ended in time', async () => {
  start(async () => ({}));
  queue.add('a');
  await clock.settle();
  expect(clock.pending).toBe(0);
});
