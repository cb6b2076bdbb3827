import { describe, expect, it } from 'vitest';
import { type Admission, createAdmission, type Slot } from '../../../src/gateway/admission.ts';
import { GatewayError } from '../../../src/gateway/errors.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';

interface Door {
  admission: Admission;
  clock: VirtualClock;
  refusal: GatewayError | undefined;
}

function open(options: { maxInFlight?: number; maxQueue?: number; queueTimeoutMs?: number } = {}): Door {
  const clock = createVirtualClock();
  const door: Door = {
    clock,
    refusal: undefined,
    admission: createAdmission({
      maxInFlight: 1,
      maxQueue: 2,
      queueTimeoutMs: 60_000,
      clock,
      refusal: () => door.refusal,
      ...options,
    }),
  };
  return door;
}

const forever = () => new AbortController().signal;
const enter = ({ admission }: Door, signal = forever()) => admission.enter(signal);

/** What came of a request so far. */
function follow(entering: Promise<Slot>) {
  const seen: { slot?: Slot; error?: unknown } = {};
  entering.then(
    (slot) => {
      seen.slot = slot;
    },
    (error: unknown) => {
      seen.error = error;
    },
  );
  return seen;
}

const reasonOf = (error: unknown) => (error instanceof GatewayError ? error.reason : error);

describe('slots', () => {
  it('are given at once while there are some, and then in the order of arrival', async () => {
    const door = open({ maxInFlight: 2, maxQueue: 5 });
    const [first, second] = await Promise.all([enter(door), enter(door)]);
    const third = follow(enter(door));
    const fourth = follow(enter(door));
    await door.clock.advance(3000);
    expect([third.slot, fourth.slot, door.admission.inFlight, door.admission.queued]).toEqual([
      undefined,
      undefined,
      2,
      2,
    ]);
    second?.release();
    await door.clock.settle();
    expect(third.slot?.waitedMs).toBe(3000);
    expect(fourth.slot).toBeUndefined();
    first?.release();
    await door.clock.settle();
    expect(fourth.slot).toBeDefined();
  });

  it('are given back once, however often they are released', async () => {
    const door = open({ maxInFlight: 2 });
    const slot = await enter(door);
    await enter(door);
    slot.release();
    slot.release();
    expect(door.admission.inFlight).toBe(1);
  });
});

describe('a full queue', () => {
  it('answers 429 with the seconds a slot usually takes', async () => {
    const door = open({ maxQueue: 0 });
    for (const seconds of [1, 4, 30]) {
      const slot = await enter(door);
      await door.clock.advance(seconds * 1000);
      slot.release();
    }
    await enter(door);
    const error = await enter(door).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'QueueFull', status: 429, retryAfterSeconds: 4 });
  });

  it('guesses a second before anything was served, and never says more than five minutes', async () => {
    const door = open({ maxQueue: 0 });
    const slot = await enter(door);
    await expect(enter(door)).rejects.toMatchObject({ retryAfterSeconds: 1 });
    await door.clock.advance(3_600_000);
    slot.release();
    await enter(door);
    await expect(enter(door)).rejects.toMatchObject({ retryAfterSeconds: 300 });
  });
});

describe('who waits', () => {
  it('is refused with 504 when the wait is over, and leaves no timer behind', async () => {
    const door = open({ queueTimeoutMs: 5000 });
    await enter(door);
    const waiting = follow(enter(door));
    await door.clock.advance(4999);
    expect(waiting.error).toBeUndefined();
    await door.clock.advance(1);
    expect(reasonOf(waiting.error)).toBe('QueueTimeout');
    expect([door.admission.queued, door.clock.pending]).toEqual([0, 0]);
  });

  it('and goes away frees the place at once', async () => {
    const door = open({ maxQueue: 1 });
    const slot = await enter(door);
    const client = new AbortController();
    const gone = follow(enter(door, client.signal));
    await expect(enter(door)).rejects.toMatchObject({ reason: 'QueueFull' });
    client.abort('client has gone');
    await door.clock.settle();
    expect(gone.error).toBe('client has gone');
    expect([door.admission.queued, door.clock.pending]).toEqual([0, 0]);
    const next = follow(enter(door));
    slot.release();
    await door.clock.settle();
    expect(next.slot).toBeDefined();
  });

  it('and has gone before asking gets nothing', async () => {
    const door = open();
    await expect(enter(door, AbortSignal.abort('gone'))).rejects.toBe('gone');
    expect(door.admission.inFlight).toBe(0);
  });

  it('is refused when the model is lost', async () => {
    const door = open();
    await enter(door);
    const waiting = [follow(enter(door)), follow(enter(door))];
    door.admission.refuseQueued(new GatewayError('NotReady', 'the model is lost'));
    await door.clock.settle();
    expect(waiting.map(({ error }) => reasonOf(error))).toEqual(['NotReady', 'NotReady']);
    expect(door.clock.pending).toBe(0);
  });

  it('is still served when a drain has begun, while new ones are refused', async () => {
    const door = open();
    const slot = await enter(door);
    const waiting = follow(enter(door));
    door.refusal = new GatewayError('Draining', 'the pod is being stopped');
    await expect(enter(door)).rejects.toMatchObject({ reason: 'Draining', status: 503 });
    slot.release();
    await door.clock.settle();
    expect(waiting.slot).toBeDefined();
  });
});

describe('a canary', () => {
  it('gets a slot only if one is free and nobody waits', async () => {
    const door = open({ maxInFlight: 1 });
    const slot = await enter(door);
    expect(door.admission.tryEnter()).toBeUndefined();
    slot.release();
    expect(door.admission.tryEnter()).toBeDefined();
    expect(door.admission.inFlight).toBe(1);
  });

  it('is called back as soon as a request waits, even where there is no queue', async () => {
    const door = open({ maxQueue: 0 });
    const canary = door.admission.tryEnter();
    expect(canary?.recalled.aborted).toBe(false);
    const waiting = follow(enter(door));
    await door.clock.settle();
    expect(canary?.recalled.aborted).toBe(true);
    await expect(enter(door)).rejects.toMatchObject({ reason: 'QueueFull' });
    canary?.release();
    await door.clock.settle();
    expect(waiting.slot).toBeDefined();
  });

  it('counts for no estimate', async () => {
    const door = open({ maxQueue: 0 });
    const canary = door.admission.tryEnter();
    await door.clock.advance(20_000);
    canary?.release();
    await enter(door);
    await expect(enter(door)).rejects.toMatchObject({ retryAfterSeconds: 1 });
  });
});
