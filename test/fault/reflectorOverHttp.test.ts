// The reflector with the real client on real sockets. Its waits are on virtual time; what the network does takes real time.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/kube/client.ts';
import { createReflector, type Reflector, type ReflectorOptions } from '../../src/kube/reflector.ts';
import { resources } from '../../src/kube/resources.ts';
import { createStore, type Store } from '../../src/kube/store.ts';
import type { Transport } from '../../src/kube/transport.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { Timer } from '../../src/process/clock.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';
import { recordLog } from './recordedLog.ts';
import {
  answer,
  errorEvent,
  type FaultServer,
  type Handler,
  refuse,
  type Stream,
  startFaultServer,
  streams,
} from './server.ts';
import { transportTo } from './transportTo.ts';

const isList = /^\/api\/v1\/pods(\?(?!.*watch=true)|$)/;
const isWatch = /^\/api\/v1\/pods\?.*watch=true/;

const pod = (name: string, version: number) => ({
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: String(version) },
});
const list = (version: number, items: object[], more?: string): Handler =>
  answer({
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(version), ...(more && { continue: more }) },
    items,
  });
const event = (type: string, object: object) => ({ type, object: { apiVersion: 'v1', kind: 'Pod', ...object } });
const bookmark = (version: number) => event('BOOKMARK', { metadata: { resourceVersion: String(version) } });

// What is longer is the timer of the periodic list.
const longestWaitMs = 10 * 60_000;

let server: FaultServer;
let transport: Transport;
let clock: VirtualClock;
/** The wait between two tries that the reflector is in, milliseconds; undefined while it works. */
let wait: number | undefined;
let store: Store<KubeObject>;
let changes: string[];
let script: ReturnType<typeof streams>;
let reflector: Reflector;
let stopping: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  server = await startFaultServer();
  clock = createVirtualClock();
  wait = undefined;
  store = createStore();
  changes = [];
  script = streams();
  stopping = new AbortController();
  server.on('GET', isWatch, script.handler);
});

afterEach(async () => {
  stopping.abort();
  await running;
  expect(clock.pending).toBe(0);
  await transport.close();
  await server.close();
});

function begin(overrides: Partial<ReflectorOptions<KubeObject>> = {}): void {
  transport = transportTo(server, { maxRetries: 0 });
  reflector = createReflector({
    client: createClient(transport),
    resource: resources.pod,
    store,
    clock: { now: clock.now, monotonic: clock.monotonic, after: noteWait },
    random: () => 0,
    log: recordLog().log,
    onChange: (_, type, { metadata }) => void changes.push(`${type} ${metadata.name}@${metadata.resourceVersion}`),
    ...overrides,
  });
  running = reflector.start(stopping.signal);
}

/** A reflector that has listed one pod and watches, with its stream. */
async function watching(overrides: Partial<ReflectorOptions<KubeObject>> = {}): Promise<Stream> {
  server.on('GET', isList, list(10, [pod('one', 5)]));
  begin(overrides);
  const stream = await script.next();
  expect(changes.splice(0)).toEqual(['added one@5']);
  return stream;
}

function noteWait(ms: number, run: () => void): Timer {
  if (ms < longestWaitMs) wait = ms;
  return clock.after(ms, run);
}

/** Waits in real time until the reflector waits, and then lets that wait pass in virtual time. Returns how long it was. */
async function passTheWait(): Promise<number> {
  await clock.until(() => wait !== undefined);
  const ms = wait ?? 0;
  wait = undefined;
  await clock.advance(ms);
  return ms;
}

const heard = (...expected: string[]) =>
  clock.until(() => changes.length >= expected.length).then(() => expect(changes.splice(0)).toEqual(expected));
const calls = (pattern: RegExp) =>
  server.requests.filter(({ path, query }) => pattern.test(query.size > 0 ? `${path}?${query}` : path));
const resumedFrom = (stream: Stream) => stream.request.query.get('resourceVersion');

describe('watch drop / clean close / server timeout', () => {
  test('asks for bookmarks and a timeout, and gives objects of list and watch the same shape', async () => {
    const stream = await watching();
    expect(Object.fromEntries(stream.request.query)).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '10',
      timeoutSeconds: '300',
    });
    stream.send(event('ADDED', pod('two', 11)));
    await heard('added two@11');
    expect(store.list().map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual(['v1 Pod', 'v1 Pod']);
  });

  test('resumes from the last bookmark after a clean close', async () => {
    const stream = await watching();
    stream.send(event('MODIFIED', pod('one', 11)));
    stream.send(bookmark(50));
    stream.end();
    await passTheWait();
    expect(resumedFrom(await script.next())).toBe('50');
    expect(calls(isList)).toHaveLength(1);
    await heard('changed one@11');
  });

  test('resumes from the last whole event when the socket is cut in the middle of one', async () => {
    const stream = await watching();
    stream.send(event('MODIFIED', pod('one', 11)));
    stream.sendRaw(JSON.stringify(event('DELETED', pod('one', 12))).slice(0, 40));
    await heard('changed one@11');
    stream.destroy();
    await passTheWait();
    const next = await script.next();
    expect(resumedFrom(next)).toBe('11');
    next.send(event('DELETED', pod('one', 12)));
    await heard('deleted one@12');
    expect(calls(isList)).toHaveLength(1);
  });
});

describe('half-open TCP, frozen apiserver', () => {
  test('gives up a silent watch and resumes on a new connection', async () => {
    const stream = await watching({ inactivityMs: 100 });
    await passTheWait();
    expect(reflector.lastError).toMatchObject({ reason: 'timeout' });
    const next = await script.next();
    expect(resumedFrom(next)).toBe('10');
    expect(next.request.connection).not.toBe(stream.request.connection);
    await stream.closed;
  });
});

describe('410 / compaction', () => {
  test('as an HTTP status: lists again and tells what is gone', async () => {
    const stream = await watching();
    server.on('GET', isWatch, refuse(410, 'Expired'), script.handler);
    server.on('GET', isList, list(90, [pod('two', 80)]));
    stream.destroy();
    await passTheWait();
    await passTheWait();
    expect(resumedFrom(await script.next())).toBe('90');
    await heard('added two@80', 'deleted one@5');
  });

  test('as an event in the stream: lists again and tells what is gone', async () => {
    const stream = await watching();
    server.on('GET', isList, list(90, []));
    stream.send(errorEvent(410, 'Expired'));
    await stream.closed;
    await passTheWait();
    expect(resumedFrom(await script.next())).toBe('90');
    await heard('deleted one@5');
  });

  test('in the middle of paging: asks for all in one piece', async () => {
    server.on(
      'GET',
      isList,
      list(10, [pod('one', 5)], 'token'),
      refuse(410, 'Expired'),
      list(20, [pod('one', 5), pod('two', 15)]),
    );
    begin({ pageSize: 1 });
    expect(resumedFrom(await script.next())).toBe('20');
    expect(calls(isList).map(({ query }) => [query.get('limit'), query.get('continue')])).toEqual([
      ['1', null],
      ['1', 'token'],
      [null, null],
    ]);
    await heard('added one@5', 'added two@15');
  });
});

describe('API server restart / connection refused', () => {
  test('goes on where it was when the server is back on its port', async () => {
    const stream = await watching();
    stream.send(bookmark(30));
    await clock.until(() => store.position() === '30');
    const port = Number(new URL(server.url).port);
    await server.close();
    await passTheWait();
    await clock.until(() => wait !== undefined); // refused, before anybody listens again
    expect(reflector.lastError).toMatchObject({ reason: 'unavailable' });
    server = await startFaultServer({ port });
    server.on('GET', isWatch, script.handler);
    await passTheWait();
    expect(resumedFrom(await script.next())).toBe('30');
    expect(calls(isList)).toEqual([]);
  });
});

describe('429 / APF', () => {
  test('waits for Retry-After and keeps its resourceVersion', async () => {
    const stream = await watching();
    server.on('GET', isWatch, refuse(429, 'TooManyRequests', { headers: { 'retry-after': '45' } }), script.handler);
    stream.destroy();
    await passTheWait();
    expect(await passTheWait()).toBe(45_000);
    expect(resumedFrom(await script.next())).toBe('10');
    expect(calls(isList)).toHaveLength(1);
  });
});

describe('CRD deleted while watching', () => {
  test('drops the store without a word, and has all again when it is back', async () => {
    const stream = await watching();
    server.on('GET', isList, refuse(404, 'NotFound'));
    server.on('GET', isWatch, refuse(404, 'NotFound'));
    stream.destroy();
    await passTheWait(); // the cut
    await passTheWait(); // the watch that is not found, though only a list can tell
    await clock.until(() => reflector.state === 'missing');
    expect([store.size, reflector.synced, changes]).toEqual([0, false, []]);
    server.on('GET', isList, list(99, [pod('new', 98)]));
    server.on('GET', isWatch, script.handler);
    await passTheWait();
    await script.next();
    await heard('added new@98');
    expect(reflector.synced).toBe(true);
  });
});

describe('partial RBAC (403)', () => {
  test('says that it is forbidden, with the words of the API server', async () => {
    server.on(
      'GET',
      isList,
      refuse(403, 'Forbidden', { message: 'pods is forbidden: User "x" cannot list resource "pods"' }),
    );
    begin();
    await clock.until(() => reflector.state === 'forbidden');
    expect(reflector.lastError?.message).toContain('cannot list resource "pods"');
    expect(await passTheWait()).toBeGreaterThanOrEqual(30_000);
  });
});
