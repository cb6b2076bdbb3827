// Events (events.k8s.io/v1): what people read under `kubectl describe`, told once per change and never waited for.
import type { Clock, Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Client } from './client.ts';
import { ApiError } from './errors.ts';
import { createTokenBucket, type TokenBucket } from './rateLimiter.ts';
import { createRecent } from './recent.ts';
import { resources } from './resources.ts';
import { apiVersionOf, type KubeObject } from './types.ts';

/** The object that an event is about. */
export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion?: string;
}

export interface EventFacts {
  type: 'Normal' | 'Warning';
  /** CamelCase and from a catalogue, as it ends up in selectors: why. */
  reason: string;
  /** CamelCase: what was done or tried. */
  action: string;
  /** For people; cut to the 1024 bytes that the API server takes. */
  note: string;
  /** A second object that matters, e.g. the child. */
  related?: ObjectReference;
}

/** events.k8s.io/v1 Event, as it is created. */
export interface EventObject extends KubeObject {
  eventTime: string;
  type: EventFacts['type'];
  reason: string;
  action: string;
  note: string;
  regarding: ObjectReference;
  related?: ObjectReference;
  reportingController: string;
  reportingInstance: string;
}

export interface EventRecorder {
  /**
   * Tells of a change. Returns at once and never throws. The same (object, reason, note) within ten minutes is dropped:
   * it is a flapping, and counting it in a `series` would cost a write each time to say nothing new.
   */
  record(regarding: ObjectReference, facts: EventFacts): void;
  /** Resolves when everything recorded so far has been written or given up. */
  flush(): Promise<void>;
}

export interface RecorderOptions {
  client: Pick<Client, 'create'>;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Qualified name of the controller, e.g. `localmodels.dev/operator`. */
  reportingController: string;
  /** Of this process, e.g. the pod name. */
  reportingInstance: string;
}

/** Milliseconds, counts and bytes. The burst per object is client-go's (tools/record/events_cache.go). */
const limits = {
  dedupeMs: 600_000,
  /** How long no event is written to a namespace that forbids it, or that is being deleted. */
  forbiddenMs: 600_000,
  remembered: 2000,
  perObject: { burst: 25, perSecond: 1 / 300 },
  inFlight: 4,
  waiting: 500,
  noteBytes: 1024,
  nameBytes: 253,
} as const;

/** An Event must live in the namespace of what it is about; what has none is told in `default`. */
const namespaceOf = ({ namespace }: ObjectReference) => namespace ?? 'default';

/** At most `bytes` of UTF-8, cut between characters. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const ellipsis = '…';
  const kept = Buffer.from(text).subarray(0, bytes - Buffer.byteLength(ellipsis));
  return kept.toString('utf8').replace(/\uFFFD+$/, '') + ellipsis;
}

/** Bounded in memory, in writes per object and in requests at a time. A failure is logged, never thrown. */
export function createRecorder({ client, clock, random, log, ...reporting }: RecorderOptions): EventRecorder {
  const told = createRecent<true>(clock, { size: limits.remembered, maxAgeMs: limits.dedupeMs });
  const forbidden = createRecent<true>(clock, { size: limits.remembered, maxAgeMs: limits.forbiddenMs });
  const buckets = createRecent<TokenBucket>(clock, { size: limits.remembered });
  const waiting: { key: string; event: EventObject }[] = [];
  const writers = new Set<Promise<void>>();
  let forbiddenBefore = false;

  const bucketOf = (uid: string): TokenBucket => {
    const bucket = buckets.get(uid) ?? createTokenBucket({ clock, ...limits.perObject });
    buckets.set(uid, bucket);
    return bucket;
  };

  const eventFor = (regarding: ObjectReference, { related, note, ...facts }: EventFacts): EventObject => {
    const suffix = `.${clock.now().toString(16)}${Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')}`;
    return {
      apiVersion: apiVersionOf(resources.event),
      kind: resources.event.kind,
      metadata: {
        name: regarding.name.slice(0, limits.nameBytes - suffix.length) + suffix,
        namespace: namespaceOf(regarding),
      },
      eventTime: new Date(clock.now()).toISOString().replace('Z', '000Z'),
      ...facts,
      note: cut(note, limits.noteBytes),
      regarding,
      ...(related && { related }),
      ...reporting,
    };
  };

  const giveUp = (key: string, { metadata, reason }: EventObject, err: unknown) => {
    told.delete(key); // so that the next time has its chance
    const isForbidden = err instanceof ApiError && err.reason === 'forbidden';
    if (isForbidden) forbidden.set(metadata.namespace ?? '', true);
    if (isForbidden && forbiddenBefore) return;
    forbiddenBefore ||= isForbidden;
    log.warn({ err, event: reason, namespace: metadata.namespace }, 'event could not be written');
  };

  const writeAll = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { key, event } = next;
      if (forbidden.get(event.metadata.namespace ?? '')) continue;
      await client.create(resources.event, event).catch((err: unknown) => giveUp(key, event, err));
    }
  };

  const startWriter = () => {
    const writer = writeAll().finally(() => writers.delete(writer));
    writers.add(writer);
  };

  return {
    record(regarding, facts) {
      const key = JSON.stringify([regarding.uid, facts.reason, facts.note]);
      if (told.get(key) || forbidden.get(namespaceOf(regarding))) return;
      const full = waiting.length >= limits.waiting;
      if (full || !bucketOf(regarding.uid).take()) {
        log.debug(
          { event: facts.reason, kind: regarding.kind, name: regarding.name },
          'event dropped, there are too many',
        );
        return;
      }
      told.set(key, true);
      waiting.push({ key, event: eventFor(regarding, facts) });
      if (writers.size < limits.inFlight) startWriter();
    },
    async flush() {
      while (writers.size > 0) await Promise.all(writers);
    },
  };
}
