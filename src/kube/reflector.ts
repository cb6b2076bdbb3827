// Keeps a store equal to what the API server holds: list, then watch from there, through every way in which that can fail.
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { createBackoff } from './backoff.ts';
import type { Client } from './client.ts';
import { ApiError, statusError } from './errors.ts';
import { createGate } from './gate.ts';
import { compareVersions, type ResourceVersion } from './resourceVersion.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Change, Store } from './store.ts';
import { type Key, type KubeObject, keyOf, type Resource, type WatchEvent } from './types.ts';

/** Told after the store has changed. May throw or reject: that is logged and harms nobody else. */
export type ChangeListener<T> = (key: Key, type: Change<T>['type'], object: T, previous?: T) => void;

export interface ReflectorOptions<T extends KubeObject> {
  client: Pick<Client, 'pages' | 'watch'>;
  resource: Resource;
  /** Absent: all namespaces. Several reflectors, one per namespace, may share a store. */
  namespace?: string;
  labelSelector?: string;
  /** Keep metadata only (PartialObjectMetadata), where nobody reads spec and status. */
  metadataOnly?: boolean;
  store: Store<T>;
  clock: Clock;
  random: Random;
  log: Logger;
  onChange: ChangeListener<T>;
  /** Objects per page of a list; default 500, as client-go. */
  pageSize?: number;
  /** Milliseconds, jittered up to twice as long; default 30 minutes. Repairs what a watch has silently missed. */
  relistEveryMs?: number;
  /** Milliseconds of silence after which a watch counts as dead, jittered by a fifth; default 150 s. */
  inactivityMs?: number;
}

/**
 * - `missing`: the API server does not serve the kind (404). The store was emptied without telling anybody.
 * - `forbidden`: we may not list or watch it (403). The store keeps what it had; where only the watch is refused, it is listed
 *   once or twice a minute instead.
 */
export type ReflectorState = 'starting' | 'watching' | 'backingOff' | 'missing' | 'forbidden';

export interface Reflector {
  /** Runs until the signal aborts, and then resolves; never rejects. Started again, it resumes where it was. */
  start(signal: AbortSignal): Promise<void>;
  /** The store has had everything since the kind was last served. An empty store that is not synced proves nothing. */
  readonly synced: boolean;
  whenSynced(signal?: AbortSignal): Promise<void>;
  readonly state: ReflectorState;
  /** Why it is not watching, until it works again. */
  readonly lastError: Error | undefined;
  /** When the API server last spoke to us (list, event or bookmark): milliseconds since the epoch. */
  readonly lastSyncTime: number | undefined;
  /** Ends a wait between two tries: for who learns that a kind, a permission or the API server is back. */
  wake(): void;
}

/** What a failure costs: nothing, a new list, or the store. */
type Reaction = 'resume' | 'relist' | 'missing' | 'forbidden';

const reactions: Record<ApiError['reason'], Reaction> = {
  throttled: 'resume',
  timeout: 'resume',
  unauthorized: 'resume',
  unavailable: 'resume',
  alreadyExists: 'relist',
  conflict: 'relist',
  gone: 'relist',
  invalid: 'relist',
  notFound: 'missing',
  forbidden: 'forbidden',
};

// client-go: between 5 and 10 minutes, so that watches that began together do not end together.
const watchSeconds = 300;
// A watch that ends sooner, and without a word, is a failure, else we would spin.
const shortestWatchMs = 1_000;
// API servers that close their watches together, as they restart, must not be met by all clients in the same instant.
const resumeWithinMs = 200;
// An API server that has just started refuses everybody but administrators until it has read the roles. So a right that was there is
// missed for good only after so many refusals in a row.
const refusalsDoubted = 4;
// A list older than what we have seen comes from an API server that lags. Seen so often in a row, history was set back.
const olderListsRefused = 3;
// API servers send a bookmark about each minute. One watch without is a frozen server; two may be a server whose history was
// set back to before our resourceVersion, which has nothing to say to us until it has caught up.
const silentWatchesBorne = 2;

/** A reflector that does nothing until it is started. One store and one listener; the listener sees each change once. */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const { client, resource, namespace, labelSelector, metadataOnly, store, clock, random, log, onChange } = options;
  const { pageSize = 500, relistEveryMs = 30 * 60_000, inactivityMs = 150_000 } = options;
  const scope = {
    ...(namespace && { namespace }),
    ...(labelSelector && { labelSelector }),
    ...(metadataOnly && { metadataOnly }),
  };
  const about = { resource: resource.plural, ...(namespace && { namespace }) };
  const backoff = createBackoff({ clock, random });
  const gate = createGate();

  let state: ReflectorState = 'starting';
  let lastError: Error | undefined;
  let lastSyncTime: number | undefined;
  /** Where the next watch begins; undefined: only a list can tell. */
  let resumeFrom: ResourceVersion | undefined;
  let relistAt = 0;
  let olderLists = 0;
  /** In a row, since a watch last worked: that a list does is no sign that watches may be had. */
  let refusals = 0;
  /** In a row, since a watch last worked: watches that began where the API server no longer remembers. */
  let tooOld = 0;
  /** Watches in a row that said nothing, not even a bookmark, for as long as counts as dead. */
  let silentWatches = 0;
  /** We may list but not watch: lists are all the news we get, and no sign that anything was mended. */
  let polling = false;
  let pause = new AbortController();

  async function start(signal: AbortSignal): Promise<void> {
    const endPause = () => pause.abort();
    signal.addEventListener('abort', endPause);
    while (!signal.aborted) {
      const pauseMs = await round(signal);
      pause = new AbortController();
      if (!signal.aborted) await delay(clock, pauseMs, pause.signal);
    }
    signal.removeEventListener('abort', endPause);
  }

  /** One list, where it takes one, and one watch. Returns for how many milliseconds to wait before the next round. */
  async function round(signal: AbortSignal): Promise<number> {
    let listing = resumeFrom === undefined || silentWatches >= silentWatchesBorne || clock.monotonic() >= relistAt;
    try {
      if (listing) await list(signal);
      listing = false;
      return await watch(signal);
    } catch (error) {
      return signal.aborted ? 0 : recover(error, listing);
    }
  }

  async function list(signal: AbortSignal): Promise<void> {
    const query = { ...scope, limit: pageSize, signal };
    const { items, resourceVersion } = await takeSnapshot<T>({ client, resource, query, trim: store.trim });
    const setBack = compareVersions(resourceVersion, store.position(namespace) ?? '') < 0;
    if (setBack && olderLists++ < olderListsRefused) throw new Error('the list is older than what was seen before');
    if (setBack) log.warn({ ...about, resourceVersion }, 'the history of the API server was set back');
    olderLists = 0;
    silentWatches = 0;
    const changes = store.replace(items, { resourceVersion, namespace, force: setBack });
    resumeFrom = resourceVersion;
    relistAt = clock.monotonic() + relistEveryMs * (1 + random());
    if (polling) lastSyncTime = clock.now();
    else heard();
    if (!gate.isOpen) log.info({ ...about, objects: items.length }, 'synced');
    gate.open();
    tell(changes);
  }

  /** Watches until the server closes, or a relist is due. */
  async function watch(signal: AbortSignal): Promise<number> {
    const startedAt = clock.monotonic();
    const end = new AbortController();
    const endNow = () => end.abort();
    const relist = clock.after(relistAt - startedAt, endNow);
    signal.addEventListener('abort', endNow);
    if (signal.aborted) endNow(); // while the list was read: the last page may come after that
    const lasted = () => clock.monotonic() - startedAt;
    let silent = true;
    try {
      for await (const event of client.watch<T>(resource, watchQuery(end.signal))) {
        silent = false;
        silentWatches = 0;
        receive(event);
      }
    } catch (error) {
      if (!end.signal.aborted) throw error;
    } finally {
      relist.cancel();
      signal.removeEventListener('abort', endNow);
      if (silent && lasted() >= inactivityMs) silentWatches++;
    }
    if (end.signal.aborted) return 0;
    if (silent && lasted() < shortestWatchMs) return backoff.next();
    watched();
    return random() * resumeWithinMs;
  }

  const watchQuery = (signal: AbortSignal) => ({
    ...scope,
    resourceVersion: resumeFrom ?? '',
    timeoutSeconds: Math.round(watchSeconds * (1 + random())),
    inactivityMs: inactivityMs * (1 + random() / 5),
    signal,
  });

  function receive(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') throw statusError(event.object);
    const { resourceVersion } = event.object.metadata;
    const changes = apply(event);
    if (resourceVersion) {
      resumeFrom = resourceVersion;
      store.advance(resourceVersion, namespace);
    }
    watched();
    tell(changes);
  }

  function watched(): void {
    refusals = 0;
    tooOld = 0;
    heard();
  }

  function apply({ type, object }: Exclude<WatchEvent<T>, { type: 'ERROR' }>): Change<T>[] {
    if (type === 'BOOKMARK') return [];
    // The echo of our own write: to trim it once more would be most of what it costs.
    const known = type === 'DELETED' ? undefined : store.get(keyOf(object.metadata));
    if (known && known.metadata.resourceVersion === object.metadata.resourceVersion) return [];
    return type === 'DELETED' ? store.delete(store.trim(object)) : store.upsert(store.trim(object));
  }

  function heard(): void {
    if (lastError) log.info(about, 'watching again');
    lastError = undefined;
    polling = false;
    lastSyncTime = clock.now();
    state = 'watching';
  }

  function tell(changes: readonly Change<T>[]): void {
    const fault = (error: unknown) => log.error({ ...about, err: error }, 'a listener failed');
    for (const { key, type, object, previous } of changes) {
      try {
        const outcome: unknown = onChange(key, type, object, previous);
        // An async function passes for a listener: its rejection must not end the process.
        if (outcome instanceof Promise) outcome.catch(fault);
      } catch (error) {
        fault(error);
      }
    }
  }

  /** Right after it has worked, a refusal is one of those that pass. */
  const isDoubted = (): boolean => lastSyncTime !== undefined && ++refusals <= refusalsDoubted;

  /** Decides what a failure costs. Returns for how many milliseconds to wait. */
  function recover(error: unknown, listing: boolean): number {
    const refused = reactionTo(error, listing) === 'forbidden';
    const reaction = refused && isDoubted() ? 'relist' : reactionTo(error, listing);
    const first = lastError === undefined;
    lastError = error instanceof Error ? error : new Error(String(error));
    log[first ? 'warn' : 'debug']({ ...about, err: lastError, reaction, listing }, 'watch interrupted');

    // What was watched so far still can be: a relist that fails for now must not blind us.
    if (reaction === 'resume' && listing && resumeFrom) {
      relistAt = clock.monotonic() + (relistEveryMs / 10) * (1 + random());
      silentWatches = 0;
    }
    if (reaction !== 'resume') resumeFrom = undefined;
    if (reaction === 'missing') {
      store.clear(namespace);
      gate.close();
    }
    polling = refused && !listing;
    state = reaction === 'missing' || reaction === 'forbidden' ? reaction : 'backingOff';
    // No failure of the API server: one that has just started has forgotten where we were, and a list is all that it takes.
    if (error instanceof ApiError && error.reason === 'gone' && !listing && tooOld++ === 0)
      return random() * resumeWithinMs;
    const pauseMs = reaction === 'forbidden' ? backoff.longest() : backoff.next();
    return Math.max(pauseMs, error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0);
  }

  return {
    start,
    get synced() {
      return gate.isOpen;
    },
    whenSynced: gate.whenOpen,
    get state() {
      return state;
    },
    get lastError() {
      return lastError;
    },
    get lastSyncTime() {
      return lastSyncTime;
    },
    wake: () => pause.abort(),
  };
}

/** What is no ApiError is a bug, ours or the server's: a list gets us past the event that shows it. */
function reactionTo(error: unknown, listing: boolean): Reaction {
  const reaction = error instanceof ApiError ? reactions[error.reason] : 'relist';
  // A watch can be refused for reasons of its own (an API server that starts): the list decides whether the kind is gone.
  return reaction === 'missing' && !listing ? 'relist' : reaction;
}
