// Leader election over real sockets, against an API server that freezes, drops, refuses and lies.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../src/kube/client.ts';
import { createElector, type Elector, type ElectorOptions } from '../../src/kube/lease.ts';
import type { Lease } from '../../src/kube/leaseRecord.ts';
import type { Transport } from '../../src/kube/transport.ts';
import { type Clock, systemClock } from '../../src/process/clock.ts';
import { silentLogger } from '../../src/process/logger.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';
import { drop, type FaultServer, freeze, type Handler, refuse, startFaultServer } from './server.ts';
import { transportTo } from './transportTo.ts';

const leases = '/apis/coordination.k8s.io/v1/namespaces/lmo/leases';

let server: FaultServer;
let clock: VirtualClock;
let transports: Transport[];
let stop: AbortController;
let stored: Lease | undefined;
/** When the stored Lease was written last (virtual milliseconds). */
let writtenAt: number;
/** Takes the place of the well-behaved handler while it is set. */
let fault: Handler | undefined;
/** Calls of candidates that are not answered. */
let underWay: number;

/** Real milliseconds that an answer over the loopback has; if it takes longer, only virtual time is lost. */
const socketMs = 50;

const store = (lease: Lease): Lease => {
  const resourceVersion = String(Number(stored?.metadata.resourceVersion ?? 0) + 1);
  stored = { ...lease, metadata: { ...lease.metadata, resourceVersion } };
  writtenAt = clock.monotonic();
  return stored;
};

const well: Record<'GET' | 'POST' | 'PUT', Handler> = {
  GET: (call) => (stored ? call.json(stored) : refuse(404, 'NotFound')(call)),
  POST: (call) => call.json(store(call.request.body as Lease), { status: 201 }),
  PUT: (call) => {
    const sent = call.request.body as Lease;
    const current = sent.metadata.resourceVersion === stored?.metadata.resourceVersion;
    return current ? call.json(store(sent)) : refuse(409, 'Conflict')(call);
  },
};

beforeEach(async () => {
  server = await startFaultServer();
  clock = createVirtualClock();
  transports = [];
  stop = new AbortController();
  stored = undefined;
  fault = undefined;
  underWay = 0;
  for (const method of ['GET', 'POST', 'PUT'] as const) {
    server.on(method, new RegExp(`^${leases}`), (call) => (fault ?? well[method])(call));
  }
});

afterEach(async () => {
  stop.abort();
  for (const transport of transports) await transport.close();
  await server.close();
});

const counted = (transport: Transport): Transport => ({
  ...transport,
  json: (request) => {
    underWay++;
    return transport.json<never>(request).finally(() => underWay--);
  },
});

interface Candidate {
  elector: Elector;
  outcome?: string;
}

/** A candidate whose work goes on until it is stopped or its leadership is lost. */
function candidate(identity: string, runsBy: Clock = clock, times: Partial<ElectorOptions> = {}): Candidate {
  const transport = transportTo(server, { clock: runsBy });
  transports.push(transport);
  const elector = createElector({
    client: createClient(counted(transport)),
    clock: runsBy,
    random: () => 0,
    log: silentLogger,
    identity,
    name: 'operator',
    namespace: 'lmo',
    ...times,
  });
  const self: Candidate = { elector };
  const work = (lead: AbortSignal) =>
    new Promise<void>((resolve) => AbortSignal.any([stop.signal, lead]).addEventListener('abort', () => resolve()));
  elector.run(stop.signal, work).then(
    (outcome) => {
      self.outcome = outcome;
    },
    (error) => {
      self.outcome = `failed: ${error}`;
    },
  );
  return self;
}

/** Moves time by seconds, and lets the sockets have their real time at each: until all is answered, or for a while. */
async function seconds(count: number, until: () => boolean = () => false): Promise<void> {
  for (let second = 0; second < count && !until(); second++) {
    await clock.advance(1000);
    await clock.until(() => underWay === 0, socketMs).catch(() => undefined);
    await clock.settle();
  }
}

const leading = async (self: Candidate) => {
  await clock.until(() => self.elector.isLeader);
};

test('takes the Lease and renews it', async () => {
  const a = candidate('a');
  await leading(a);
  await seconds(20);
  expect(a.elector.isLeader).toBe(true);
  expect(stored?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
  expect(server.requests.filter(({ method }) => method === 'PUT').length).toBeGreaterThanOrEqual(5);
});

test('stops leading, while the API server is frozen, before another could take the Lease', async () => {
  const a = candidate('a');
  await leading(a);
  await seconds(4);
  fault = freeze;
  await seconds(30, () => a.outcome !== undefined);
  expect([a.outcome, a.elector.isLeader]).toEqual(['lost', false]);
  expect(clock.monotonic() - writtenAt).toBeLessThan(15_000);
});

test('hands over to another when its own connection is dead', async () => {
  const a = candidate('a');
  await leading(a);
  fault = (call) => {
    const { body, method } = call.request;
    const fromA = (body as Lease | undefined)?.spec?.holderIdentity === 'a';
    return fromA ? freeze(call) : well[method as 'GET' | 'PUT'](call);
  };
  const b = candidate('b');
  await seconds(60, () => b.elector.isLeader);
  expect([a.outcome, b.elector.isLeader]).toEqual(['lost', true]);
  expect(stored?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
});

test.each([
  ['drops connections', drop],
  ['answers 500', refuse(500, 'InternalError')],
  ['is overloaded', refuse(429, 'TooManyRequests', { headers: { 'retry-after': '1' } })],
  [
    'loses the answer to a write that it made',
    ((call) => {
      if (call.request.method === 'PUT') store(call.request.body as Lease);
      call.drop();
    }) satisfies Handler,
  ],
])('keeps leading when the API server %s for a few seconds', async (_, trouble) => {
  const a = candidate('a');
  await leading(a);
  for (let round = 0; round < 3; round++) {
    fault = trouble;
    await seconds(5);
    fault = undefined;
    await seconds(6);
  }
  expect([a.elector.isLeader, a.outcome]).toEqual([true, undefined]);
  expect(stored?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
});

test('gives the Lease back on stop, although somebody edited it a moment before', async () => {
  const a = candidate('a');
  await leading(a);
  if (stored) store({ ...stored, metadata: { ...stored.metadata, labels: { edited: 'yes' } } });
  stop.abort();
  await clock.until(() => a.outcome !== undefined);
  expect(a.outcome).toBe('stopped');
  expect(stored).toMatchObject({
    metadata: { labels: { edited: 'yes' } },
    spec: { holderIdentity: '', leaseDurationSeconds: 1 },
  });
});

test('waits, without leading and without failing, where it has no permission', async () => {
  fault = refuse(403, 'Forbidden');
  const a = candidate('a');
  await seconds(20);
  expect([a.elector.isLeader, a.outcome]).toEqual([false, undefined]);
  fault = undefined;
  await seconds(10, () => a.elector.isLeader);
  expect(a.elector.isLeader).toBe(true);
});

/** Blocks the event loop, as a large JSON.parse would. */
const blockLoop = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('demotes itself at once when the event loop was blocked past the deadline', async () => {
  const a = candidate('a', systemClock, { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 200 });
  await leading(a);
  blockLoop(2000);
  expect(a.elector.isLeader).toBe(false);
  await clock.until(() => a.outcome !== undefined);
  expect(a.outcome).toBe('lost');
});
