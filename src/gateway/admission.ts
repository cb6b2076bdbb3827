// Who may go to the runtime now: a bounded number of slots, and a bounded queue before them, first come, first served.
import type { Clock, Timer } from '../process/clock.ts';
import { GatewayError } from './errors.ts';
import { createServiceTimes } from './serviceTimes.ts';

export interface AdmissionOptions {
  /** Requests at the runtime at once. */
  maxInFlight: number;
  /** Requests that wait; 0: none. */
  maxQueue: number;
  queueTimeoutMs: number;
  clock: Clock;
  /** Why nobody is let in now (NotReady, Draining); undefined when the door is open. */
  refusal(): GatewayError | undefined;
}

export interface Slot {
  /** Milliseconds in the queue. */
  readonly waitedMs: number;
  /** Gives the slot back; a second call does nothing. */
  release(): void;
}

/** A canary's. */
export interface LesserSlot extends Slot {
  /** Aborted as soon as a request waits: the slot should be given back at once. */
  readonly recalled: AbortSignal;
}

export interface Admission {
  readonly inFlight: number;
  readonly queued: number;
  /**
   * A slot, as soon as there is one. Rejects with a GatewayError: what the door says, QueueFull with the seconds that a slot
   * usually takes, QueueTimeout; or with the signal's reason when the client has gone, whose place is free at once.
   */
  enter(signal: AbortSignal): Promise<Slot>;
  /** A slot for a canary: only if one is free and nobody waits for it. Does not ask the door, and counts for no estimate. */
  tryEnter(): LesserSlot | undefined;
  /** Refuses all that wait, as when the model is lost. A drain lets them be served: they were taken in. */
  refuseQueued(error: GatewayError): void;
}

/** What a 429 says before any request was served, and at most: a client that waits longer will not come back. */
const FIRST_GUESS_SECONDS = 1;
const MAX_RETRY_AFTER_SECONDS = 300;

interface Waiter {
  admit(): void;
  refuse(error: unknown): void;
}

/** In the order in which they came; each may leave at any time. */
type Queue = Set<Waiter>;

/** Slots and queue. Synchronous inside, so that no slot is ever counted twice or lost between two steps. */
export function createAdmission({
  maxInFlight,
  maxQueue,
  queueTimeoutMs,
  clock,
  refusal,
}: AdmissionOptions): Admission {
  const queue: Queue = new Set();
  const lesser = new Set<AbortController>();
  const times = createServiceTimes();
  let taken = 0;

  function admitNext(): void {
    while (taken < maxInFlight) {
      const [first] = queue;
      if (!first) return;
      queue.delete(first);
      first.admit();
    }
  }

  function take(waitedMs: number, onRelease: (ms: number) => void): Slot {
    const since = clock.monotonic();
    let held = true;
    taken++;
    return {
      waitedMs,
      release() {
        if (!held) return;
        held = false;
        taken--;
        onRelease(clock.monotonic() - since);
        admitNext();
      },
    };
  }

  const takeForRequest = (waitedMs: number) => take(waitedMs, times.record);

  function full(): GatewayError {
    const usual = times.usualMs();
    const seconds = usual === undefined ? FIRST_GUESS_SECONDS : Math.ceil(usual / 1000);
    const retryAfterSeconds = Math.min(Math.max(1, seconds), MAX_RETRY_AFTER_SECONDS);
    const message = `all ${maxInFlight} places are taken and ${queue.size} requests wait; try again in ${retryAfterSeconds} s`;
    return new GatewayError('QueueFull', message, { retryAfterSeconds });
  }

  function wait(signal: AbortSignal): Promise<Slot> {
    const since = clock.monotonic();
    return new Promise<Slot>((resolve, reject) => {
      const waited = () => clock.monotonic() - since;
      const leave = () => {
        queue.delete(waiter);
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        admit() {
          leave();
          resolve(takeForRequest(waited()));
        },
        refuse(error) {
          leave();
          reject(error);
        },
      };
      const onAbort = () => waiter.refuse(signal.reason);
      const timer: Timer = clock.after(queueTimeoutMs, () => {
        waiter.refuse(new GatewayError('QueueTimeout', `no place came free within ${queueTimeoutMs / 1000} s`));
      });
      signal.addEventListener('abort', onAbort, { once: true });
      queue.add(waiter);
      for (const recall of lesser) recall.abort();
    });
  }

  return {
    get inFlight() {
      return taken;
    },
    get queued() {
      return queue.size;
    },
    async enter(signal) {
      signal.throwIfAborted();
      const error = refusal();
      if (error) throw error;
      if (taken < maxInFlight && queue.size === 0) return takeForRequest(0);
      // A canary's slot is as good as free, so who waits for it does not count as waiting.
      if (queue.size >= maxQueue + lesser.size) throw full();
      return wait(signal);
    },
    tryEnter() {
      if (taken >= maxInFlight || queue.size > 0) return undefined;
      const recall = new AbortController();
      lesser.add(recall);
      const slot = take(0, () => lesser.delete(recall));
      return { ...slot, recalled: recall.signal };
    },
    refuseQueued(error) {
      for (const waiter of [...queue]) waiter.refuse(error);
    },
  };
}
