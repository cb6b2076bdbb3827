// An API server that knows one Lease: optimistic locking as the real one, and a network that loses and delays on demand.
import type { CallOptions, Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import type { Lease } from '../../../src/kube/leaseRecord.ts';
import type { Clock } from '../../../src/process/clock.ts';

/** What happens to one call on its way. */
export interface Trip {
  /** Milliseconds of the server's clock from the caller to the server. */
  thereMs?: number;
  /** And back. */
  backMs?: number;
  /** Lost on the way there: never applied. Lost on the way back: applied, but the caller does not hear of it. */
  lost?: 'there' | 'back';
}

export type Network = (verb: 'get' | 'create' | 'replace') => Trip;

export type LeaseClient = Pick<Client, 'get' | 'create' | 'replace'>;

export interface LeaseServer {
  /** A client whose own deadlines run by `clock`. */
  client(clock: Clock, network?: Network): LeaseClient;
  /** What is stored. */
  lease: Lease | undefined;
  /** `verb holder` of each call that reached the server, in order. */
  readonly calls: string[];
}

const perfect: Network = () => ({});

/** `clock` is that of the server and of the network. */
export function createLeaseServer(clock: Clock): LeaseServer {
  let version = 0;
  const server: LeaseServer = { client, lease: undefined, calls: [] };

  const store = (lease: Lease): Lease => {
    version++;
    server.lease = { ...lease, metadata: { ...lease.metadata, uid: 'uid', resourceVersion: String(version) } };
    return server.lease;
  };

  const handlers = {
    get: () => {
      if (!server.lease) throw new ApiError('notFound', 'no such lease');
      return server.lease;
    },
    create: (sent: Lease) => {
      if (server.lease) throw new ApiError('alreadyExists', 'there is one');
      return store(sent);
    },
    replace: (sent: Lease) => {
      if (!server.lease) throw new ApiError('notFound', 'no such lease');
      const stale = sent.metadata.resourceVersion !== server.lease.metadata.resourceVersion;
      if (stale) throw new ApiError('conflict', 'the object has been modified');
      return store(sent);
    },
  };

  function client(callerClock: Clock, network: Network = perfect): LeaseClient {
    const call = <T>(
      verb: keyof typeof handlers,
      sent: unknown,
      { signal, deadlineMs }: CallOptions = {},
    ): Promise<T> =>
      new Promise((resolve, reject) => {
        const { thereMs = 0, backMs = 0, lost } = network(verb);
        const after = (ms: number, run: () => void) => (ms > 0 ? void clock.after(ms, run) : run());
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        if (signal?.aborted) return reject(signal.reason);
        if (deadlineMs !== undefined) {
          callerClock.after(deadlineMs, () => reject(new ApiError('timeout', `no answer in ${deadlineMs} ms`)));
        }
        const handle = () => {
          server.calls.push(`${verb} ${(sent as Lease | undefined)?.spec?.holderIdentity ?? ''}`.trim());
          try {
            const answer = structuredClone(handlers[verb](structuredClone(sent) as Lease)) as unknown as T;
            if (lost !== 'back') after(backMs, () => resolve(answer));
          } catch (error) {
            if (lost !== 'back') after(backMs, () => reject(error));
          }
        };
        if (lost !== 'there') after(thereMs, handle);
      });
    return {
      get: (_resource, _ref, options) => call('get', undefined, options),
      create: (_resource, object, options) => call('create', object, options),
      replace: (_resource, object, options) => call('replace', object, options),
    };
  }

  return server;
}
