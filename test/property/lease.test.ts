// Elections under drifting clocks, stalls and a network that loses and delays: never two leaders, and always one in the end.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createElector, type Elector } from '../../src/kube/lease.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { Clock } from '../../src/process/clock.ts';
import { silentLogger } from '../../src/process/logger.ts';
import { createLeaseServer, type LeaseClient, type LeaseServer, type Trip } from '../unit/kube/leaseServer.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';

const troubleMs = 120_000;
const stepMs = 250;

interface Span {
  at: number;
  ms: number;
}

interface Machine {
  /** Seconds of its own per second of the world. Fastest / slowest stays under leaseDuration / renewDeadline = 1.5. */
  rate: number;
  wallOffsetMs: number;
  /** When its event loop stands still. */
  stalls: Span[];
  /** When it is cut off from the API server. */
  partitions: Span[];
  /** One per call, in turn, again from the start when used up. */
  trips: Trip[];
  /** When it is told to stop, if at all; it starts again at once. */
  stopsAt: number | undefined;
}

const trip: fc.Arbitrary<Trip> = fc.record(
  {
    thereMs: fc.integer({ min: 0, max: 6000 }),
    backMs: fc.integer({ min: 0, max: 6000 }),
    lost: fc.constantFrom('there', 'back'),
  },
  { requiredKeys: [] },
);
const goodTrip: fc.Arbitrary<Trip> = fc.record({ thereMs: fc.integer({ min: 0, max: 50 }), backMs: fc.constant(1) });

const spans = (longestMs: number): fc.Arbitrary<Span[]> =>
  fc.array(fc.record({ at: fc.integer({ min: 0, max: troubleMs }), ms: fc.integer({ min: 100, max: longestMs }) }), {
    maxLength: 3,
  });

const machine: fc.Arbitrary<Machine> = fc.record({
  rate: fc.constantFrom(0.82, 1, 1.2),
  wallOffsetMs: fc.integer({ min: -1e9, max: 1e9 }),
  stalls: spans(20_000),
  partitions: spans(40_000),
  trips: fc.array(fc.oneof({ weight: 3, arbitrary: goodTrip }, { weight: 1, arbitrary: trip }), {
    minLength: 1,
    maxLength: 60,
    size: 'max',
  }),
  stopsAt: fc.option(fc.integer({ min: 1000, max: troubleMs }), { nil: undefined }),
});

const during = (spans: Span[], at: number) => spans.find((span) => at >= span.at && at < span.at + span.ms);

/** When the stall that is on at `at`, if there is one, will be over. */
function awakeAt(machine: Machine, at: number): number {
  const stall = during(machine.stalls, at);
  return stall ? awakeAt(machine, stall.at + stall.ms) : at;
}

/** The clock of a machine: it runs at its own rate, and its timers wait for the end of a stall. */
function clockOf(machine: Machine, world: VirtualClock): Clock {
  return {
    now: () => world.now() + machine.wallOffsetMs,
    monotonic: () => world.monotonic() * machine.rate,
    after(ms, run) {
      let timer = world.after(ms / machine.rate, () => {
        const stalledMs = awakeAt(machine, world.monotonic()) - world.monotonic();
        if (stalledMs > 0) timer = world.after(stalledMs, run);
        else run();
      });
      return { cancel: () => timer.cancel() };
    },
  };
}

/** Answers, too, wait for the end of a stall. */
function clientOf(machine: Machine, server: LeaseServer, world: VirtualClock, clock: Clock): LeaseClient {
  let calls = 0;
  const client = server.client(clock, () => {
    const at = world.monotonic();
    if (at >= troubleMs) return {};
    return during(machine.partitions, at) ? { lost: 'there' } : (machine.trips[calls++ % machine.trips.length] ?? {});
  });
  const awake = () =>
    new Promise<void>((resolve) => {
      const stalledMs = awakeAt(machine, world.monotonic()) - world.monotonic();
      if (stalledMs > 0) world.after(stalledMs, resolve);
      else resolve();
    });
  const late = <T>(answer: Promise<T>) => answer.finally(awake);
  return {
    get: <T extends KubeObject>(...args: Parameters<LeaseClient['get']>) => late(client.get<T>(...args)),
    create: (resource, object, options) => late(client.create(resource, object, options)),
    replace: (resource, object, options) => late(client.replace(resource, object, options)),
  };
}

interface Candidate {
  machine: Machine;
  elector: Elector;
  lead: AbortSignal | undefined;
}

/** A candidate that runs for ever: whenever it has stopped or lost, it tries again. */
function start(machine: Machine, index: number, server: LeaseServer, world: VirtualClock): Candidate {
  const clock = clockOf(machine, world);
  const elector = createElector({
    client: clientOf(machine, server, world, clock),
    clock,
    random: () => ((index * 7919 + world.monotonic()) % 1000) / 1000,
    log: silentLogger,
    identity: `candidate-${index}`,
    name: 'operator',
    namespace: 'lmo',
  });
  const self: Candidate = { machine, elector, lead: undefined };
  const work = (stop: AbortSignal) => (lead: AbortSignal) => {
    self.lead = lead;
    return new Promise<void>((resolve) => AbortSignal.any([stop, lead]).addEventListener('abort', () => resolve()));
  };
  const forever = async () => {
    for (;;) {
      const stop = new AbortController();
      if (machine.stopsAt !== undefined) clock.after(machine.stopsAt, () => stop.abort());
      await elector.run(stop.signal, work(stop.signal));
    }
  };
  void forever();
  return self;
}

const isAwake = ({ machine }: Candidate, world: VirtualClock) =>
  awakeAt(machine, world.monotonic()) === world.monotonic();

test('never has two that may act, and has one again soon after the trouble is over', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(machine, { minLength: 2, maxLength: 3 }), async (machines) => {
      const world = createVirtualClock();
      const server = createLeaseServer(world);
      const candidates = machines.map((each, index) => start(each, index, server, world));
      const check = () => {
        const awake = candidates.filter((candidate) => isAwake(candidate, world));
        const leaders = awake.filter(({ elector }) => elector.isLeader);
        const acting = awake.filter(({ lead }) => lead && !lead.aborted);
        expect(leaders.length, `leaders at ${world.monotonic()} ms`).toBeLessThanOrEqual(1);
        expect(acting.length, `acting at ${world.monotonic()} ms`).toBeLessThanOrEqual(1);
        return leaders.length;
      };
      while (world.monotonic() < troubleMs) {
        await world.advance(stepMs);
        check();
      }
      await world.advance(120_000); // the last stall, one lease, and a retry
      let led = 0;
      for (let step = 0; step < 40; step++) {
        await world.advance(stepMs);
        led += check();
      }
      expect(led).toBeGreaterThan(0);
    }),
    { numRuns: 60 },
  );
});
