// A model of an API server that serves one kind on virtual time: history, watches, compaction, and faults on demand.
// It stands in for the client, so that hours of trouble pass in milliseconds; server.ts is its counterpart on real sockets.
import type { Client, ListOptions, WatchOptions } from '../../src/kube/client.ts';
import { ApiError, type ApiErrorReason } from '../../src/kube/errors.ts';
import { type KubeList, type KubeObject, keyOf, type WatchEvent } from '../../src/kube/types.ts';
import type { Clock, Timer } from '../../src/process/clock.ts';

export interface Thing extends KubeObject {
  size: number;
}

interface OpenWatch extends ReturnType<typeof createChannel> {
  namespace: string | undefined;
}

export interface ModelServer {
  client: Pick<Client, 'pages' | 'watch'>;
  /** Creates or changes; `key` is `namespace/name`. Returns the stored object. */
  put(key: string, size?: number): Thing;
  remove(key: string): void;
  objects(): Thing[];
  readonly version: string;
  /** Every list call and every watch call that was made, in order. */
  readonly lists: ListOptions[];
  readonly watches: WatchOptions[];
  readonly open: number;
  /** The next calls of a verb fail so, one after the other. */
  failNext(verb: 'list' | 'watch', ...errors: Error[]): void;
  /** All calls of a verb fail so, until it is called without an error. */
  failAll(verb: 'list' | 'watch', error?: () => Error): void;
  /** Forgets the failures that have been ordered and not yet served. */
  forgetFailures(): void;
  /** History up to now is lost to watches that would resume from it, and to page tokens. */
  compact(): void;
  /** How a watch that comes too late is told: as an HTTP status, or by an ERROR event in the stream. */
  goneAs: 'status' | 'event';
  /** Beside those that every watch gets once a minute. */
  bookmark(): void;
  closeWatches(): void;
  dropWatches(): void;
  /** Ends every watch with an ERROR event. */
  sendStatus(code: number, reason: string): void;
  /** Watches stay open and say nothing, as those of a frozen peer. */
  freeze(): void;
  thaw(): void;
  /** What `change` does is shown by no watch: a server with a bug. */
  unseen(change: () => void): void;
  /** Runs before each page of a list, with the number of the page from 0. */
  beforePage: (page: number) => void;
  /** Every list shows the world as it was when this was called. */
  lagging(lagging: boolean): void;
  /** An etcd restored from a backup: the objects of `saved`, at its version. */
  restore(saved: { objects: Thing[]; version: number }): void;
}

export const refused = (reason: ApiErrorReason, retryAfterMs?: number): ApiError =>
  new ApiError(reason, `scripted ${reason}`, { retryAfterMs });

const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } as const;

export function createModelServer(clock: Clock): ModelServer {
  let world = new Map<string, Thing>();
  let history: { version: number; event: WatchEvent<Thing> }[] = [];
  let version = 1_000;
  let compactedAt = 0;
  let uids = 0;
  let frozen = false;
  let hidden = false;
  let past: { objects: Thing[]; version: number } | undefined;
  const open = new Set<OpenWatch>();
  const queued: Record<'list' | 'watch', Error[]> = { list: [], watch: [] };
  const standing: Record<'list' | 'watch', (() => Error) | undefined> = { list: undefined, watch: undefined };

  const refuse = (verb: 'list' | 'watch'): void => {
    const error = queued[verb].shift() ?? standing[verb]?.();
    if (error) throw error;
  };

  function emit(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Thing): void {
    const event = { type, object };
    if (hidden) return;
    history.push({ version, event });
    for (const watch of open) if (concerns(watch.namespace, object)) watch.push(event);
  }

  function put(key: string, size = 1): Thing {
    const [namespace, name] = key.split('/') as [string, string];
    const before = world.get(key);
    const uid = before?.metadata.uid ?? `uid-${++uids}`;
    const metadata = { namespace, name, uid, resourceVersion: String(++version) };
    const object: Thing = { apiVersion: 'v1', kind: 'Thing', metadata, size };
    world.set(key, object);
    emit(before ? 'MODIFIED' : 'ADDED', object);
    return object;
  }

  function remove(key: string): void {
    const object = world.get(key);
    if (!object) return;
    world.delete(key);
    const metadata = { ...object.metadata, resourceVersion: String(++version) };
    emit('DELETED', { ...object, metadata });
  }

  async function* pages(_: unknown, options: ListOptions = {}): AsyncGenerator<KubeList<Thing>> {
    api.lists.push(options);
    const { limit = Number.POSITIVE_INFINITY, namespace } = options;
    const at = past ?? { objects: [...world.values()], version };
    const objects = at.objects.filter((object) => concerns(namespace, object));
    for (let page = 0, from = 0; page === 0 || from < objects.length; page++, from += limit) {
      await Promise.resolve();
      api.beforePage(page);
      refuse('list');
      if (page > 0 && compactedAt > at.version) throw refused('gone');
      const items = objects.slice(from, from + limit);
      yield { apiVersion: 'v1', kind: 'ThingList', metadata: { resourceVersion: String(at.version) }, items };
    }
  }

  async function* watch(_: unknown, options: WatchOptions): AsyncGenerator<WatchEvent<Thing>> {
    api.watches.push(options);
    const { namespace, resourceVersion, timeoutSeconds, inactivityMs, signal } = options;
    if (signal?.aborted) throw new Error('aborted');
    refuse('watch');
    const from = Number(resourceVersion);
    if (from < compactedAt && api.goneAs === 'status') throw refused('gone');
    const channel = createChannel(clock, inactivityMs, () => frozen);
    if (from < compactedAt) channel.push({ type: 'ERROR', object: gone });
    for (const { version: at, event } of history) {
      if (at > from && event.type !== 'ERROR' && concerns(namespace, event.object)) channel.push(event);
    }
    const entry: OpenWatch = { namespace, ...channel };
    open.add(entry);
    const timeout = clock.after(timeoutSeconds * 1_000, channel.end);
    const bookmarks = every(clock, 60_000, () => channel.push(bookmarkNow()));
    const abort = () => channel.fail(new Error('aborted'));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      yield* channel.events();
    } finally {
      open.delete(entry);
      timeout.cancel();
      bookmarks.cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  const bookmarkNow = (): WatchEvent<Thing> => ({
    type: 'BOOKMARK',
    object: { apiVersion: 'v1', kind: 'Thing', metadata: { name: '', resourceVersion: String(version) }, size: 0 },
  });

  const api: ModelServer = {
    client: { pages, watch } as unknown as Pick<Client, 'pages' | 'watch'>,
    put,
    remove,
    objects: () => [...world.values()],
    get version() {
      return String(version);
    },
    lists: [],
    watches: [],
    get open() {
      return open.size;
    },
    failNext: (verb, ...errors) => void queued[verb].push(...errors),
    failAll: (verb, error) => {
      standing[verb] = error;
    },
    forgetFailures() {
      for (const verb of ['list', 'watch'] as const) {
        queued[verb] = [];
        standing[verb] = undefined;
      }
    },
    compact() {
      compactedAt = ++version;
      history = [];
    },
    goneAs: 'status',
    bookmark: () => open.forEach((one) => void one.push(bookmarkNow())),
    closeWatches: () => open.forEach((one) => void one.end()),
    dropWatches: () => open.forEach((one) => void one.fail(refused('unavailable'))),
    sendStatus(code, reason) {
      for (const one of open) one.push({ type: 'ERROR', object: { kind: 'Status', code, reason } });
    },
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      frozen = false;
      for (const one of open) one.wake();
    },
    unseen(change) {
      hidden = true;
      change();
      hidden = false;
    },
    beforePage: () => {},
    lagging: (lags) => {
      past = lags ? { objects: [...world.values()], version } : undefined;
    },
    restore(saved) {
      world = new Map(saved.objects.map((object) => [keyOf(object.metadata), object]));
      version = saved.version;
      history = history.filter((entry) => entry.version <= version);
    },
  };
  return api;
}

function every(clock: Clock, ms: number, run: () => void): Timer {
  const again = () => {
    run();
    timer = clock.after(ms, again);
  };
  let timer = clock.after(ms, again);
  return { cancel: () => timer.cancel() };
}

const concerns = (namespace: string | undefined, { metadata }: Thing): boolean =>
  namespace === undefined || metadata.namespace === namespace;

/** Events in order, until the end or a failure; silence for `inactivityMs` is a failure, as the real client has it. */
function createChannel(clock: Clock, inactivityMs: number, isFrozen: () => boolean) {
  const waiting: WatchEvent<Thing>[] = [];
  let ended = false;
  let failure: Error | undefined;
  let wake = () => {};

  async function* events(): AsyncGenerator<WatchEvent<Thing>> {
    while (!failure) {
      const silence = clock.after(inactivityMs, () => fail(refused('timeout')));
      while (!failure && (isFrozen() || (waiting.length === 0 && !ended))) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      silence.cancel();
      if (failure) break;
      const event = waiting.shift();
      if (!event) return;
      yield event;
    }
    throw failure;
  }
  const fail = (error: Error): void => {
    failure = error;
    wake();
  };
  return {
    events,
    fail,
    wake: () => wake(),
    push(event: WatchEvent<Thing>) {
      if (ended) return;
      waiting.push(event);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
  };
}
