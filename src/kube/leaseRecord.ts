// One Lease as one candidate sees it: who holds it, since when that has been seen, and the writes that take it or give it back.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { CallOptions, Client } from './client.ts';
import { ApiError, type ApiErrorReason } from './errors.ts';
import { resources } from './resources.ts';
import { apiVersionOf, type KubeObject } from './types.ts';

/** coordination.k8s.io/v1 */
export interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

export interface LeaseSpec {
  /** Absent or empty: nobody. */
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  /** For people only: nobody's clock is trusted. */
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/** `unknown`: the answer did not come, or a competitor was quicker; the next attempt will tell. */
export type Taken = 'held' | 'other' | 'unknown';

export interface LeaseRecord {
  /** Renews the Lease if it is ours, takes it if it is free, missing or expired. Does not throw. */
  take(call: CallOptions): Promise<Taken>;
  /** Gives the Lease back if it is ours, so that the next candidate need not wait. False when it could not. Does not throw. */
  release(call: CallOptions): Promise<boolean>;
  /** The holder that was seen last. */
  readonly holder: string | undefined;
}

export interface LeaseRecordOptions {
  client: Pick<Client, 'get' | 'create' | 'replace'>;
  clock: Clock;
  log: Logger;
  identity: string;
  name: string;
  namespace: string;
  leaseDurationMs: number;
}

const releaseAttempts = 3;

/** MicroTime of the Kubernetes API: RFC 3339 with exactly six digits. */
const microTime = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');

const failedWith = (error: unknown, ...reasons: ApiErrorReason[]) =>
  error instanceof ApiError && reasons.includes(error.reason);

/** Knows nothing until the first `take`. */
export function createLeaseRecord(options: LeaseRecordOptions): LeaseRecord {
  const { client, clock, log, identity, name, namespace, leaseDurationMs } = options;
  /** The Lease as last seen, and the monotonic time at which its spec was first seen to be so. */
  let observed: { lease: Lease; at: number } | undefined;
  let failing = false;

  const see = (lease: Lease) => {
    // Compared by spec: whoever edits labels or annotations does not renew.
    const unchanged = observed && JSON.stringify(observed.lease.spec) === JSON.stringify(lease.spec);
    observed = { lease, at: unchanged && observed ? observed.at : clock.monotonic() };
  };

  const holderOf = (lease?: Lease) => lease?.spec?.holderIdentity || undefined;
  const isOurs = () => holderOf(observed?.lease) === identity;

  /** Another holds the Lease, and promised to renew it within a time that has not passed since we saw it change. */
  const isTaken = (): boolean => {
    if (!observed || !holderOf(observed.lease) || isOurs()) return false;
    const promisedMs = (observed.lease.spec?.leaseDurationSeconds ?? 0) * 1000 || leaseDurationMs;
    return clock.monotonic() - observed.at < promisedMs;
  };

  const ownSpec = (old: LeaseSpec = {}): LeaseSpec => {
    const now = microTime(clock.now());
    const renewal = old.holderIdentity === identity;
    return {
      ...old,
      holderIdentity: identity,
      leaseDurationSeconds: leaseDurationMs / 1000,
      acquireTime: (renewal && old.acquireTime) || now,
      renewTime: now,
      leaseTransitions: (old.leaseTransitions ?? 0) + (renewal ? 0 : 1),
    };
  };

  const write = async (lease: Lease, spec: LeaseSpec, call: CallOptions) =>
    see(await client.replace<Lease>(resources.lease, { ...lease, spec }, call));

  const create = async (call: CallOptions) => {
    const lease: Lease = {
      apiVersion: apiVersionOf(resources.lease),
      kind: resources.lease.kind,
      metadata: { name, namespace },
      spec: { ...ownSpec(), leaseTransitions: 0 },
    };
    see(await client.create<Lease>(resources.lease, lease, call));
  };

  /** False when there is no Lease. Its last holder is not forgotten then: a deleted Lease does not end a term. */
  async function read(call: CallOptions): Promise<boolean> {
    try {
      see(await client.get<Lease>(resources.lease, { name, namespace }, call));
      return true;
    } catch (error) {
      if (failedWith(error, 'notFound')) return false;
      throw error;
    }
  }

  /** False when our view of the Lease is too old for it. */
  async function renewUnread(call: CallOptions): Promise<boolean> {
    if (!observed || !isOurs()) return false;
    try {
      await write(observed.lease, ownSpec(observed.lease.spec), call);
      return true;
    } catch (error) {
      if (failedWith(error, 'conflict', 'notFound')) return false;
      throw error;
    }
  }

  async function tryTake(call: CallOptions): Promise<Taken> {
    if (await renewUnread(call)) return 'held';
    const exists = await read(call);
    if (isTaken()) return 'other';
    if (exists && observed) await write(observed.lease, ownSpec(observed.lease.spec), call);
    else await create(call);
    return 'held';
  }

  return {
    get holder() {
      return holderOf(observed?.lease);
    },
    async take(call) {
      try {
        const taken = await tryTake(call);
        failing = false;
        return taken;
      } catch (err) {
        const quicker = failedWith(err, 'conflict', 'alreadyExists');
        if (!quicker && !failing && !call.signal?.aborted)
          log.warn({ err, lease: name, namespace }, 'lease out of reach');
        failing ||= !quicker;
        return 'unknown';
      }
    },
    async release(call) {
      for (let attempt = 1; observed && isOurs(); attempt++) {
        const now = microTime(clock.now());
        const empty = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
        try {
          await write(observed.lease, { ...observed.lease.spec, ...empty }, call);
          return true;
        } catch (err) {
          const again = failedWith(err, 'conflict') && attempt < releaseAttempts;
          if (!again || !(await read(call).catch(() => false))) {
            log.warn({ err, lease: name, namespace }, 'lease could not be released');
            return false;
          }
        }
      }
      return false;
    },
  };
}
