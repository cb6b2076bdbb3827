import { beforeEach, expect, test } from 'vitest';
import { ApiError } from '../../../src/kube/errors.ts';
import { createElector, type ElectorOptions, LeaseLostError } from '../../../src/kube/lease.ts';
import type { Clock } from '../../../src/process/clock.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';
import { createLeaseServer, type LeaseServer, type Trip } from './leaseServer.ts';

let clock: VirtualClock;
let server: LeaseServer;

beforeEach(() => {
  clock = createVirtualClock();
  server = createLeaseServer(clock);
});

interface Candidate {
  /** What happens to its calls from now on. */
  trip: Trip;
  readonly leading: boolean;
  /** Aborts once the term is over. */
  lead?: AbortSignal;
  outcome?: string | Error;
  stop(): void;
  /** Lets the work end, which without it goes on until stopped. */
  finish(error?: Error): void;
}

function candidate(identity: string, options: Partial<ElectorOptions> = {}): Candidate {
  const stop = new AbortController();
  const work = Promise.withResolvers<void>();
  const self: Candidate = {
    trip: {},
    get leading() {
      return elector.isLeader;
    },
    stop: () => stop.abort(),
    finish: (error) => (error ? work.reject(error) : work.resolve()),
  };
  const elector = createElector({
    client: server.client(clock, () => self.trip),
    clock,
    random: () => 0,
    log: silentLogger,
    identity,
    name: 'operator',
    namespace: 'lmo',
    ...options,
  });
  const lead = (signal: AbortSignal) => {
    self.lead = signal;
    return work.promise;
  };
  elector.run(stop.signal, lead).then(
    (outcome) => {
      self.outcome = outcome;
    },
    (error: Error) => {
      self.outcome = error;
    },
  );
  return self;
}

test('takes a Lease that does not exist, with times as Kubernetes writes them', async () => {
  const a = candidate('a');
  await clock.settle();
  expect(a.leading).toBe(true);
  expect(server.lease?.spec).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:00:00.000000Z',
    leaseTransitions: 0,
  });
});

test('renews every two seconds, keeping the time at which it acquired', async () => {
  candidate('a');
  await clock.advance(6100);
  expect(server.calls).toEqual(['get', 'create a', 'replace a', 'replace a', 'replace a']);
  expect(server.lease?.spec).toMatchObject({
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:00:06.000000Z',
    leaseTransitions: 0,
  });
});

test('leaves the Lease to a living leader', async () => {
  const a = candidate('a');
  await clock.settle();
  const b = candidate('b');
  await clock.advance(120_000);
  expect([a.leading, b.leading]).toEqual([true, false]);
});

test('takes over so long after the last renewal that it saw, whatever the clock of the dead leader said', async () => {
  server.lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'operator', namespace: 'lmo', resourceVersion: '0' },
    spec: {
      holderIdentity: 'dead',
      leaseDurationSeconds: 15,
      renewTime: '2001-01-01T00:00:00.000000Z',
      leaseTransitions: 4,
    },
  };
  const b = candidate('b');
  await clock.advance(14_999);
  expect(b.leading).toBe(false);
  await clock.advance(2001);
  expect(b.leading).toBe(true);
  expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 5 });
});

test('honours the duration that the holder promised, not its own', async () => {
  const a = candidate('a', { leaseDurationMs: 60_000 });
  await clock.settle();
  a.trip = { lost: 'there' };
  const b = candidate('b');
  await clock.advance(59_000);
  expect([a.leading, b.leading]).toEqual([false, false]);
  await clock.advance(5000);
  expect(b.leading).toBe(true);
});

test('does not take the edit of a label for a renewal', async () => {
  const a = candidate('a');
  await clock.settle();
  a.trip = { lost: 'there' };
  const b = candidate('b');
  for (let i = 0; i < 10; i++) {
    await clock.advance(2000);
    const lease = server.lease;
    if (lease)
      server.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: `edit-${i}`, labels: { i: `${i}` } } };
  }
  expect(b.leading).toBe(true);
});

test('stops leading ten seconds after its last renewal, five before another can take over', async () => {
  const a = candidate('a');
  const b = candidate('b');
  await clock.advance(4000);
  expect(a.leading).toBe(true);
  a.trip = { lost: 'there' };
  await clock.advance(9999);
  expect([a.leading, a.lead?.aborted]).toEqual([true, false]);
  await clock.advance(1);
  expect([a.leading, a.lead?.aborted, a.outcome]).toEqual([false, true, 'lost']);
  expect(a.lead?.reason).toBeInstanceOf(LeaseLostError);
  await clock.advance(4999);
  expect(b.leading).toBe(false);
  await clock.advance(4000);
  expect(b.leading).toBe(true);
});

test('counts from when a renewal was sent, because that is when others may have seen it', async () => {
  const a = candidate('a');
  await clock.advance(1000);
  a.trip = { backMs: 4000 };
  await clock.advance(5000); // sent at 2 s, applied at once, heard of at 6 s
  a.trip = { lost: 'there' };
  await clock.advance(5999);
  expect(a.leading).toBe(true);
  await clock.advance(1);
  expect(a.leading).toBe(false);
});

test('survives the loss of single calls', async () => {
  const a = candidate('a');
  await clock.settle();
  for (const lost of ['there', 'back', 'there', 'back'] as const) {
    a.trip = { lost };
    await clock.advance(4000);
    a.trip = {};
    await clock.advance(8000);
    expect(a.leading).toBe(true);
  }
  expect(server.lease?.spec?.leaseTransitions).toBe(0);
});

test('gives up at once when another holds the Lease', async () => {
  const a = candidate('a');
  await clock.settle();
  if (server.lease)
    server.lease = {
      ...server.lease,
      metadata: { ...server.lease.metadata, resourceVersion: '99' },
      spec: { holderIdentity: 'thief', leaseDurationSeconds: 15 },
    };
  await clock.advance(2000);
  expect([a.leading, a.outcome]).toEqual([false, 'lost']);
  expect(server.lease?.spec?.holderIdentity).toBe('thief');
});

test('writes a Lease again that somebody deleted under the leader, and no other candidate jumps in', async () => {
  const a = candidate('a');
  await clock.settle();
  const b = candidate('b');
  await clock.advance(3000);
  server.lease = undefined;
  await clock.advance(30_000);
  expect([a.leading, b.leading, a.outcome]).toEqual([true, false, undefined]);
});

test('takes a deleted Lease once its last holder would have lost it', async () => {
  const a = candidate('a');
  await clock.settle();
  const b = candidate('b');
  await clock.advance(3000);
  a.trip = { lost: 'there' };
  server.lease = undefined;
  await clock.advance(30_000);
  expect([a.leading, b.leading]).toEqual([false, true]);
});

test('keeps the Lease while its work ends after the stop, then gives it back so that the next need not wait', async () => {
  const a = candidate('a');
  await clock.settle();
  const b = candidate('b');
  a.stop();
  await clock.advance(20_000);
  expect([a.leading, b.leading, a.outcome]).toEqual([true, false, undefined]);
  a.finish();
  await clock.settle();
  expect([a.leading, a.outcome]).toEqual([false, 'stopped']);
  expect(server.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  await clock.advance(2000);
  expect(b.leading).toBe(true);
});

test('aborts what is left of the work before it gives the Lease back', async () => {
  const a = candidate('a');
  await clock.settle();
  a.trip = { thereMs: 500 };
  a.finish();
  await clock.settle();
  expect([a.lead?.aborted, server.lease?.spec?.holderIdentity]).toEqual([true, 'a']);
  await clock.advance(1000);
  expect(server.lease?.spec?.holderIdentity).toBe('');
});

test('gives the Lease back although a renewal was under way', async () => {
  const a = candidate('a');
  await clock.advance(1900);
  a.trip = { lost: 'back' };
  await clock.advance(200); // the renewal is applied, its answer never comes
  a.trip = {};
  a.finish();
  await clock.settle();
  expect([a.outcome, server.lease?.spec?.holderIdentity]).toEqual(['stopped', '']);
});

test('ends without the API server when it cannot give the Lease back', async () => {
  const a = candidate('a');
  await clock.settle();
  a.trip = { lost: 'there' };
  a.finish();
  await clock.advance(5000);
  expect(a.outcome).toBe('stopped');
});

test('passes the error of the work on, after giving the Lease back', async () => {
  const a = candidate('a');
  await clock.settle();
  const error = new Error('work broke');
  a.finish(error);
  await clock.settle();
  expect([a.outcome, server.lease?.spec?.holderIdentity]).toEqual([error, '']);
});

test('takes the error of work that was told to end for a loss, not for a failure', async () => {
  const a = candidate('a');
  await clock.settle();
  a.lead?.addEventListener('abort', () => a.finish(new Error('aborted')));
  a.trip = { lost: 'there' };
  await clock.advance(10_000);
  expect(a.outcome).toBe('lost');
});

test('stops while it waits, without touching the Lease', async () => {
  candidate('a');
  await clock.settle();
  const b = candidate('b');
  await clock.advance(3000);
  b.stop();
  await clock.settle();
  expect([b.outcome, server.lease?.spec?.holderIdentity]).toEqual(['stopped', 'a']);
});

test('does not lead on an answer that came too late', async () => {
  const a = candidate('a');
  a.trip = { backMs: 10_000 };
  await clock.advance(4999);
  a.trip = {};
  await clock.advance(1);
  expect(a.leading).toBe(false);
});

test('keeps trying when the API server refuses, and says so once', async () => {
  const warnings: string[] = [];
  const refuse = async () => {
    throw new ApiError('forbidden', 'leases is forbidden');
  };
  const b = candidate('b', {
    client: { get: refuse, create: refuse, replace: refuse },
    log: { ...silentLogger, warn: (_, message) => void warnings.push(message) },
  });
  await clock.advance(60_000);
  expect([b.leading, b.outcome]).toEqual([false, undefined]);
  expect(warnings).toEqual(['lease out of reach']);
});

test('demotes itself at once when its event loop stood still past the deadline', async () => {
  let stalledMs = 0;
  const stallable: Clock = { ...clock, now: clock.now, monotonic: () => clock.monotonic() + stalledMs };
  const a = candidate('a', { clock: stallable });
  await clock.advance(4000);
  expect(a.leading).toBe(true);
  stalledMs = 10_000; // time has passed, and no timer has had its turn
  expect(a.leading).toBe(false);
  const callsBefore = server.calls.length;
  await clock.advance(2000);
  expect([a.outcome, a.lead?.aborted]).toEqual(['lost', true]);
  expect(server.calls).toHaveLength(callsBefore);
});

test('takes an answer that its event loop was too late for as no renewal, so that a term that is over does not come back', async () => {
  let stalledMs = 0;
  const stallable: Clock = { ...clock, now: clock.now, monotonic: () => clock.monotonic() + stalledMs };
  const a = candidate('a', { clock: stallable });
  await clock.settle();
  a.trip = { backMs: 1000 };
  await clock.advance(2500); // a renewal is on its way since 2 s, and would be good until 12 s
  stalledMs = 8000; // it is 10.5 s now
  expect(a.leading).toBe(false);
  await clock.advance(500);
  expect(a.leading).toBe(false);
  await clock.advance(2000);
  expect(a.outcome).toBe('lost');
});

test.each([
  [{ leaseDurationMs: 10_000, renewDeadlineMs: 10_000 }, /leaseDurationMs must be longer than renewDeadlineMs/],
  [{ renewDeadlineMs: 2400, retryPeriodMs: 2000 }, /renewDeadlineMs must be longer than 1.2 × retryPeriodMs/],
  [{ leaseDurationMs: 15_500 }, /whole seconds/],
  [{ retryPeriodMs: 0 }, /positive/],
])('refuses times that do not fit together: %j', (times, message) => {
  expect(() => candidate('a', times)).toThrow(message);
});
