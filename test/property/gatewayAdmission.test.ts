// Admission against a model of what it promises, under random arrivals, departures, releases and canaries.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Admission, createAdmission, type LesserSlot, type Slot } from '../../src/gateway/admission.ts';
import { GatewayError } from '../../src/gateway/errors.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';

const QUEUE_TIMEOUT_MS = 10_000;

interface Request {
  client: AbortController;
  state: 'Waiting' | 'Running' | 'Refused' | 'Gone';
  reason?: string;
  slot?: Slot;
}

interface World {
  admission: Admission;
  clock: VirtualClock;
  maxInFlight: number;
  maxQueue: number;
  /** In the order of arrival. */
  requests: Request[];
  canaries: LesserSlot[];
}

type Step =
  | { kind: 'arrive' }
  | { kind: 'leave'; which: number }
  | { kind: 'release'; which: number }
  | { kind: 'canary' }
  | { kind: 'endCanary' }
  | { kind: 'wait'; ms: number };

const which = fc.nat(20);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'arrive' }) },
  { weight: 3, arbitrary: which.map((n): Step => ({ kind: 'release', which: n })) },
  { weight: 2, arbitrary: which.map((n): Step => ({ kind: 'leave', which: n })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'canary' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'endCanary' }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4000 }).map((ms): Step => ({ kind: 'wait', ms })) },
);

const inState = ({ requests }: World, state: Request['state']) => requests.filter((r) => r.state === state);
const picked = (requests: readonly Request[], n: number) => requests[n % Math.max(1, requests.length)];

function arrive(world: World): void {
  const request: Request = { client: new AbortController(), state: 'Waiting' };
  world.requests.push(request);
  world.admission.enter(request.client.signal).then(
    (slot) => Object.assign(request, { state: 'Running', slot }),
    (error: unknown) => {
      request.state = error === 'gone' ? 'Gone' : 'Refused';
      if (error instanceof GatewayError) request.reason = error.reason;
    },
  );
}

async function take(world: World, next: Step): Promise<void> {
  switch (next.kind) {
    case 'arrive':
      arrive(world);
      break;
    case 'leave':
      picked(inState(world, 'Waiting'), next.which)?.client.abort('gone');
      break;
    case 'release': {
      const running = picked(inState(world, 'Running'), next.which);
      running?.slot?.release();
      if (running) running.state = 'Gone';
      break;
    }
    case 'canary': {
      const slot = world.admission.tryEnter();
      if (slot) world.canaries.push(slot);
      break;
    }
    case 'endCanary':
      world.canaries.pop()?.release();
      break;
    case 'wait':
      await world.clock.advance(next.ms);
  }
  await world.clock.settle();
}

function assertInvariants(world: World): void {
  const { admission, maxInFlight, maxQueue, canaries } = world;
  const running = inState(world, 'Running').length;
  const waiting = inState(world, 'Waiting').length;
  expect(admission.inFlight).toBe(running + canaries.length);
  expect(admission.inFlight).toBeLessThanOrEqual(maxInFlight);
  expect(admission.queued).toBe(waiting);
  expect(waiting).toBeLessThanOrEqual(maxQueue + canaries.length);
  // No lost wake-up: nobody waits beside a free slot.
  if (waiting > 0) expect(admission.inFlight).toBe(maxInFlight);
  // Who waits has recalled every canary.
  if (waiting > 0) for (const { recalled } of canaries) expect(recalled.aborted).toBe(true);
  // One timer for each that waits, and none for those who have left.
  expect(world.clock.pending).toBe(waiting);
}

test('never more than maxInFlight, nobody forgotten, and abandoned places are free', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(4),
      fc.array(step, { maxLength: 60 }),
      async (maxInFlight, maxQueue, steps) => {
        const clock = createVirtualClock();
        const options = { maxInFlight, maxQueue, queueTimeoutMs: QUEUE_TIMEOUT_MS, clock, refusal: () => undefined };
        const world: World = { ...options, admission: createAdmission(options), requests: [], canaries: [] };
        for (const next of steps) {
          const free = world.admission.inFlight < maxInFlight;
          await take(world, next);
          assertInvariants(world);
          // A free slot is never refused.
          if (next.kind === 'arrive' && free) expect(world.requests.at(-1)?.state).toBe('Running');
        }
        for (const canary of world.canaries.splice(0)) canary.release();
        await clock.settle();
        const started = () => world.requests.filter(({ slot }) => slot).map((r) => world.requests.indexOf(r));
        // When all who run give way in turn, all who wait are served.
        while (inState(world, 'Running').length > 0) await take(world, { kind: 'release', which: 0 });
        expect(inState(world, 'Waiting')).toEqual([]);
        expect([world.admission.inFlight, world.admission.queued, clock.pending]).toEqual([0, 0, 0]);
        expect(started().length).toBe(new Set(started()).size);
        for (const { state, reason } of world.requests)
          if (state === 'Refused') expect(['QueueFull', 'QueueTimeout']).toContain(reason);
      },
    ),
    { numRuns: 150 },
  );
});

test('who waits is served in the order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), async (leaves) => {
      const clock = createVirtualClock();
      const admission = createAdmission({
        maxInFlight: 1,
        maxQueue: leaves.length,
        queueTimeoutMs: QUEUE_TIMEOUT_MS,
        clock,
        refusal: () => undefined,
      });
      const first = await admission.enter(new AbortController().signal);
      const served: number[] = [];
      const clients = leaves.map((_, index) => {
        const client = new AbortController();
        admission.enter(client.signal).then(
          (slot) => {
            served.push(index);
            slot.release();
          },
          () => undefined,
        );
        return client;
      });
      await clock.settle();
      leaves.forEach((gone, index) => {
        if (gone) clients[index]?.abort();
      });
      first.release();
      await clock.until(() => admission.inFlight === 0 && admission.queued === 0);
      expect(served).toEqual(leaves.flatMap((gone, index) => (gone ? [] : [index])));
    }),
    { numRuns: 100 },
  );
});
