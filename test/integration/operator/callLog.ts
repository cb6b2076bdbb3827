// A client that writes down what is asked of the API server, and that can be cut off from it.
import type { Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { type KubeObject, keyOf, type ObjectRef, type Resource } from '../../../src/kube/types.ts';

export interface Call {
  verb: 'get' | 'list' | 'watch' | 'create' | 'replace' | 'apply' | 'applyStatus' | 'remove';
  kind: string;
  /** `namespace/name`; empty for lists. */
  key: string;
  object?: KubeObject;
}

export interface CallLog {
  client: Client;
  readonly calls: readonly Call[];
  /** Calls that change something, without those of leader election and without events. */
  writes(): Call[];
  forget(): void;
  /** From now on no call gets through, and what is open ends. */
  cut(): void;
}

const changing = new Set<Call['verb']>(['create', 'replace', 'apply', 'applyStatus', 'remove']);
const aside = new Set(['Lease', 'Event']);

export function createCallLog(inner: Client): CallLog {
  const calls: Call[] = [];
  const cutOff = new AbortController();
  const unreachable = () => new ApiError('unavailable', 'the test has cut the connection');

  function note(verb: Call['verb'], { kind }: Resource, ref?: ObjectRef, object?: KubeObject): void {
    if (cutOff.signal.aborted) throw unreachable();
    calls.push({ verb, kind, key: ref ? keyOf(ref) : '', ...(object && { object }) });
  }
  /** A call whose answer does not come once the connection is cut. */
  const through = async <T>(answer: Promise<T>): Promise<T> => {
    const value = await answer;
    if (cutOff.signal.aborted) throw unreachable();
    return value;
  };

  const client: Client = {
    get: async (resource, ref, options) => {
      note('get', resource, ref);
      return through(inner.get(resource, ref, options));
    },
    list: async (resource, options) => {
      note('list', resource);
      return through(inner.list(resource, options));
    },
    async *pages(resource, options) {
      note('list', resource);
      yield* inner.pages(resource, options);
    },
    async *watch(resource, options) {
      note('watch', resource);
      const signal = options.signal ? AbortSignal.any([options.signal, cutOff.signal]) : cutOff.signal;
      yield* inner.watch(resource, { ...options, signal });
    },
    create: async (resource, object, options) => {
      note('create', resource, object.metadata, object);
      return through(inner.create(resource, object, options));
    },
    replace: async (resource, object, options) => {
      note('replace', resource, object.metadata, object);
      return through(inner.replace(resource, object, options));
    },
    apply: async (resource, object, options) => {
      note('apply', resource, object.metadata, object);
      return through(inner.apply(resource, object, options));
    },
    applyStatus: async (resource, object, options) => {
      note('applyStatus', resource, object.metadata, object);
      return through(inner.applyStatus(resource, object, options));
    },
    remove: async (resource, ref, options) => {
      note('remove', resource, ref);
      return through(inner.remove(resource, ref, options));
    },
    raw: async (method, path, options) => {
      if (cutOff.signal.aborted) throw unreachable();
      return through(inner.raw(method, path, options));
    },
  };
  return {
    client,
    calls,
    writes: () => calls.filter(({ verb, kind }) => changing.has(verb) && !aside.has(kind)),
    forget: () => void calls.splice(0),
    cut: () => cutOff.abort(unreachable()),
  };
}
