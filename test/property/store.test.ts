// Whatever the API server and the network do, once they are well again the store holds what the server holds.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createReflector } from '../../src/kube/reflector.ts';
import { createStore } from '../../src/kube/store.ts';
import { keyOf, type Resource } from '../../src/kube/types.ts';
import { createModelServer, type ModelServer, refused, type Thing } from '../fault/modelServer.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';

const things: Resource = { group: 'test.example', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
const runs = Number(process.env.FC_RUNS ?? 300);

type Noted = 'object' | 'version' | 'late';

interface Run {
  server: ModelServer;
  clock: VirtualClock;
  /** Writes as the operator does, and notes the write: with the object, its version only, or when `answer` is called. */
  write(key: string, size: number, noted: Noted): void;
  /** Late answers arrive. */
  answer(): void;
  /** The next list finds the kind gone: the store is dropped untold, so what listeners believe is checked no longer. */
  unserve(): void;
}

type Step = { readonly says: string; readonly act: (run: Run) => void | Promise<void> };
const step = (says: string, act: Step['act']): Step => ({ says, act });

const key = fc.constantFrom('a/x', 'a/y', 'b/x', 'b/y', 'b/z');
const size = fc.integer({ min: 0, max: 9 });
const failure = fc.constantFrom('unavailable', 'throttled', 'timeout', 'gone', 'forbidden', 'unauthorized', 'invalid');
const verb = fc.constantFrom('list', 'watch');

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(key, size).map(([k, n]) => step(`put ${k} ${n}`, ({ server }) => void server.put(k, n))),
  },
  { weight: 2, arbitrary: key.map((k) => step(`remove ${k}`, ({ server }) => server.remove(k))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(key, size, fc.constantFrom<Noted[]>('object', 'version', 'late'))
      .map(([k, n, noted]) => step(`write ${k} ${n}, noted: ${noted}`, ({ write }) => write(k, n, noted))),
  },
  {
    weight: 2,
    arbitrary: key.map((k) =>
      step(`recreate ${k}`, ({ server }) => {
        server.remove(k);
        server.put(k, 1);
      }),
    ),
  },
  {
    weight: 5,
    arbitrary: fc
      .integer({ min: 0, max: 400_000 })
      .map((ms) => step(`advance ${ms}`, ({ clock }) => clock.advance(ms))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(verb, failure)
      .map(([v, reason]) => step(`fail ${v} ${reason}`, ({ server }) => server.failNext(v, refused(reason)))),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      step('settle', ({ clock }) => clock.settle()),
      step('close', ({ server }) => server.closeWatches()),
      step('drop', ({ server }) => server.dropWatches()),
      step('compact', ({ server }) => server.compact()),
      step('gone as event', ({ server }) => {
        server.goneAs = 'event';
      }),
      step('gone as status', ({ server }) => {
        server.goneAs = 'status';
      }),
      step('in-stream 410', ({ server }) => server.sendStatus(410, 'Expired')),
      step('in-stream 500', ({ server }) => server.sendStatus(500, 'InternalError')),
      step('list 404', ({ unserve }) => unserve()),
      step('bookmark', ({ server }) => server.bookmark()),
      step('freeze', ({ server }) => server.freeze()),
      step('thaw', ({ server }) => server.thaw()),
      step('answers arrive', ({ answer }) => answer()),
      step('write between pages', ({ server, write }) => {
        server.beforePage = (page) => {
          if (page !== 1) return;
          server.beforePage = () => {};
          write('a/x', 5, 'object');
          server.remove('b/x');
        };
      }),
      step('compact between pages', ({ server }) => {
        server.beforePage = (page) => {
          if (page !== 1) return;
          server.beforePage = () => {};
          server.compact();
        };
      }),
    ),
  },
);

const image = (objects: Iterable<Thing>): string[] =>
  [...objects]
    .map(
      ({ metadata: { namespace, name, uid, resourceVersion }, size: n }) =>
        `${namespace}/${name} ${uid}@${resourceVersion} ${n}`,
    )
    .sort();

/** Both ways of covering two namespaces: one reflector for all, and one each into the same store. */
async function run(script: readonly Step[], scopes: readonly { namespace?: string }[]): Promise<void> {
  const clock = createVirtualClock();
  const server = createModelServer(clock);
  const store = createStore<Thing>({ indexes: { size: ({ size: n }) => [String(n)] } });
  /** What a listener believes to exist, from what it was told and what it wrote itself. */
  const believed = new Map<string, string>();
  const contradictions: string[] = [];
  let unserved = false;
  const stopping = new AbortController();
  const reflectors = scopes.map((scope) =>
    createReflector<Thing>({
      ...{
        client: server.client,
        resource: things,
        store,
        clock,
        random: () => 0.5,
        log: silent,
        pageSize: 2,
        ...scope,
      },
      onChange(changed, type, object, previous) {
        const uid = object.metadata.uid ?? '';
        const expected = type === 'added' ? undefined : type === 'changed' ? previous?.metadata.uid : uid;
        if (believed.get(changed) !== expected)
          contradictions.push(`${type} ${changed} ${uid}: ${believed.get(changed)}`);
        if (type === 'deleted') believed.delete(changed);
        else believed.set(changed, uid);
      },
    }),
  );
  const running = reflectors.map((reflector) => reflector.start(stopping.signal));
  const late: Thing[] = [];
  const note = (object: Thing): void => {
    const written = keyOf(object.metadata);
    store.noteWrite(written, object);
    const cached = store.get(written);
    if (cached) believed.set(written, cached.metadata.uid ?? '');
  };
  const write = (written: string, n: number, noted: Noted): void => {
    const object = server.put(written, n);
    if (noted === 'late') late.push(object);
    else if (noted === 'object') note(object);
    else store.noteWrite(written, object.metadata.resourceVersion ?? '');
    if (noted === 'object' && !store.isCurrent(written))
      contradictions.push(`${written} is not current after its write`);
  };
  const answer = (): void => late.splice(0).forEach(note);
  const unserve = (): void => {
    unserved = true;
    server.failNext('list', refused('notFound'));
  };
  server.put('a/x');
  server.put('b/x');
  for (const { act } of script) await act({ server, clock, write, answer, unserve });
  // All is well again: within the longest wait (60 s), watchdog (180 s) and one more round the store must be right.
  server.thaw();
  server.forgetFailures();
  answer();
  await clock.advance(20 * 60_000);

  expect(image(store.values())).toEqual(image(server.objects()));
  if (!unserved) expect(contradictions).toEqual([]);
  if (!unserved)
    expect([...believed].sort()).toEqual(
      server
        .objects()
        .map(({ metadata: m }) => [`${m.namespace}/${m.name}`, m.uid])
        .sort(),
    );
  for (const object of server.objects()) {
    expect(store.isCurrent(`${object.metadata.namespace}/${object.metadata.name}`)).toBe(true);
    const found = store.byIndex('size', String(object.size));
    expect(image(found)).toEqual(image(server.objects().filter((other) => other.size === object.size)));
  }
  expect(reflectors.map(({ state, synced }) => [state, synced])).toEqual(scopes.map(() => ['watching', true]));
  stopping.abort();
  await Promise.all(running);
  expect([clock.pending, server.open]).toEqual([0, 0]);
}

const script = fc.array(steps, { maxLength: 40, size: 'max' });
const report = (found: fc.RunDetails<[Step[]]>): void => {
  if (!found.failed) return;
  const shortest = found.counterexample?.[0].map(({ says }) => says).join('\n  ');
  throw new Error(`seed ${found.seed} (FC_SEED), after:\n  ${shortest}`, { cause: found.errorInstance });
};

test.each([
  ['one reflector for all namespaces', [{}]],
  ['one reflector per namespace', [{ namespace: 'a' }, { namespace: 'b' }]],
])('%s: any interleaving of writes and faults converges to what the server holds', async (_, scopes) => {
  await fc.assert(
    fc.asyncProperty(script, (steps) => run(steps, scopes)),
    { seed, numRuns: runs, reporter: undefined, asyncReporter: async (found) => report(found) },
  );
});
