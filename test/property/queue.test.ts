// The queue against a model of what it promises, under random adds, delays, retries and workers that come and go.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createQueue, type Priority, type Queue } from '../../src/kube/queue.ts';
import { createRetryLimiter } from '../../src/kube/rateLimiter.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';

const priorities: Priority[] = ['user', 'normal', 'resync'];
const rank = (priority: Priority) => priorities.indexOf(priority);

/** What must be true of the queue: which keys wait with which priority, who is worked on, what was added meanwhile. */
interface Model {
  waiting: Map<string, Priority>;
  processing: Set<string>;
  dirty: Map<string, Priority>;
  /** When each delayed key must be there at the latest: the earliest wish. */
  dueAt: Map<string, number>;
}

interface Real {
  queue: Queue;
  clock: VirtualClock;
}

type Command = fc.AsyncCommand<Model, Real>;

function wish(into: Map<string, Priority>, key: string, priority: Priority) {
  const current = into.get(key);
  if (current === undefined) into.set(key, priority);
  else if (rank(priority) < rank(current)) {
    into.delete(key); // it joins the end of its new lane
    into.set(key, priority);
  }
}

const addToModel = (model: Model, key: string, priority: Priority) =>
  model.processing.has(key) ? wishDirty(model, key, priority) : wish(model.waiting, key, priority);

function wishDirty({ dirty }: Model, key: string, priority: Priority) {
  const current = dirty.get(key);
  if (current === undefined || rank(priority) < rank(current)) dirty.set(key, priority);
}

/** The oldest of the highest priority. */
function nextOf({ waiting }: Model): string | undefined {
  for (const priority of priorities) for (const [key, has] of waiting) if (has === priority) return key;
  return undefined;
}

const add = (key: string, priority: Priority): Command => ({
  check: () => true,
  async run(model, { queue }) {
    addToModel(model, key, priority);
    queue.add(key, { priority });
    expect(queue.depth).toBe(model.waiting.size);
  },
  toString: () => `add(${key}, ${priority})`,
});

const addAfter = (key: string, ms: number): Command => ({
  check: () => true,
  async run(model, { queue, clock }) {
    const at = clock.monotonic() + ms;
    if (at < (model.dueAt.get(key) ?? Number.POSITIVE_INFINITY)) {
      model.dueAt.delete(key); // of two that fall due together, the one that was asked for first comes first
      model.dueAt.set(key, at);
    }
    queue.addAfter(key, ms);
  },
  toString: () => `addAfter(${key}, ${ms})`,
});

const advance = (ms: number): Command => ({
  check: () => true,
  async run(model, { queue, clock }) {
    const end = clock.monotonic() + ms;
    const due = [...model.dueAt].filter(([, at]) => at <= end).sort(([, a], [, b]) => a - b);
    await clock.advance(ms);
    for (const [key] of due) {
      model.dueAt.delete(key);
      addToModel(model, key, 'normal');
    }
    expect(queue.depth).toBe(model.waiting.size);
  },
  toString: () => `advance(${ms})`,
});

const get = (): Command => ({
  check: (model) => model.waiting.size > 0,
  async run(model, { queue }) {
    const key = await queue.get();
    expect(key).toBe(nextOf(model));
    expect(model.processing.has(key ?? '')).toBe(false);
    model.waiting.delete(key ?? '');
    model.processing.add(key ?? '');
  },
  toString: () => 'get()',
});

const done = (key: string): Command => ({
  check: (model) => model.processing.has(key),
  async run(model, { queue }) {
    model.processing.delete(key);
    const again = model.dirty.get(key);
    model.dirty.delete(key);
    if (again) model.waiting.set(key, again);
    queue.done(key);
    expect(queue.depth).toBe(model.waiting.size);
  },
  toString: () => `done(${key})`,
});

const anyKey = fc.constantFrom('a', 'b', 'c', 'd');
const anyPriority = fc.constantFrom(...priorities);

test('gives exactly what was added, highest priority first, and never one key to two', async () => {
  const commands = fc.commands(
    [
      fc.tuple(anyKey, anyPriority).map(([key, priority]) => add(key, priority)),
      fc.tuple(anyKey, fc.integer({ min: 1, max: 50 })).map(([key, ms]) => addAfter(key, ms)),
      fc.integer({ min: 1, max: 40 }).map(advance),
      fc.constant(get()),
      anyKey.map(done),
    ],
    { maxCommands: 60, size: 'max' },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (run) => {
      const clock = createVirtualClock();
      const queue = createQueue({ clock, limiter: createRetryLimiter({ clock, random: () => 0.5 }) });
      const model: Model = { waiting: new Map(), processing: new Set(), dirty: new Map(), dueAt: new Map() };
      await fc.asyncModelRun(() => ({ model, real: { queue, clock } }), run);
    }),
    { numRuns: 200 },
  );
});

interface Step {
  key: string;
  how: 'add' | 'addAfter' | 'addRateLimited';
  ms: number;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  key: anyKey,
  how: fc.constantFrom('add', 'addAfter', 'addRateLimited'),
  ms: fc.integer({ min: 1, max: 100 }),
});

/** Workers that each hold a key for `workMs`; returns what they saw. `moment` orders starts and adds. */
function startWorkers(queue: Queue, clock: VirtualClock, count: number, workMs: number, moment: () => number) {
  const busy = new Set<string>();
  const lastStart = new Map<string, number>();
  const overlaps: string[] = [];
  const work = async () => {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      if (busy.has(key)) overlaps.push(key);
      busy.add(key);
      lastStart.set(key, moment());
      await new Promise<void>((resolve) => void clock.after(workMs, resolve));
      busy.delete(key);
      queue.done(key);
    }
  };
  const ended = Promise.all(Array.from({ length: count }, work));
  return { lastStart, overlaps, ended };
}

test('has every key looked at after the last time that it was added, whatever the workers do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { maxLength: 30, size: 'max' }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 60 }),
      async (steps, workers, workMs) => {
        const clock = createVirtualClock();
        const queue = createQueue({ clock, limiter: createRetryLimiter({ clock, random: () => 0.5 }) });
        let moments = 0;
        const moment = () => ++moments;
        const { lastStart, overlaps, ended } = startWorkers(queue, clock, workers, workMs, moment);
        const lastAdd = new Map<string, number>();
        for (const { key, how, ms } of steps) {
          lastAdd.set(key, moment());
          if (how === 'addAfter') queue.addAfter(key, ms);
          else queue[how](key);
          await clock.advance(ms % 7);
        }
        await clock.advanceUntil(() => clock.pending === 0);
        expect(overlaps).toEqual([]);
        for (const [key, at] of lastAdd) expect(lastStart.get(key) ?? -1).toBeGreaterThan(at);
        queue.shutDown();
        await ended;
      },
    ),
    { numRuns: 100 },
  );
});
