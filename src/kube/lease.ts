// Leader election by a Lease: of several operators one acts, and it stops before another can start.
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Client } from './client.ts';
import { createLeaseRecord } from './leaseRecord.ts';

export interface ElectorOptions {
  client: Pick<Client, 'get' | 'create' | 'replace'>;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Of this process and of no other, also not of its predecessor in the same pod: pod name and a random part. */
  identity: string;
  /** Of the Lease. */
  name: string;
  namespace: string;
  /** Whole seconds, in milliseconds: so long after the last renewal that they saw, others take over. */
  leaseDurationMs?: number;
  /** A leader that has not renewed for so long stops acting. */
  renewDeadlineMs?: number;
  /** Between renewals, and (jittered) between attempts to become leader. */
  retryPeriodMs?: number;
}

/**
 * What the leader does. It is to end when the stop signal of its caller aborts, or at once when `lead` does: then another
 * may start in `leaseDurationMs - renewDeadlineMs`.
 */
export type LeaderWork = (lead: AbortSignal) => Promise<void>;

export interface Elector {
  /**
   * Waits to become leader, works, and keeps the Lease until the work has ended; then gives it back.
   * Resolves to `stopped` after `signal` has aborted or the work has ended by itself, to `lost` as soon as leadership is
   * lost, without waiting for the work. Rejects with the error of the work.
   */
  run(signal: AbortSignal, work: LeaderWork): Promise<'stopped' | 'lost'>;
  /** Whether this process may act now. Right even in the turn of the event loop in which a long stall ends. */
  readonly isLeader: boolean;
}

/** The reason of an aborted `lead`. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** Defaults of controller-runtime (pkg/manager/internal.go). */
const defaults = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 } as const;

/** client-go's: retries spread over [1, 1 + 1.2) periods, so a renewal must fit into that with time to spare. */
const jitterFactor = 1.2;

/** Two requests fit into the renew deadline even if one gets no answer at all. */
const requestShare = 0.5;

type Timing = Required<Pick<ElectorOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>>;

function validate({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }: Timing): void {
  const wrong = [
    leaseDurationMs % 1000 !== 0 && 'leaseDurationMs must be whole seconds, as a Lease holds seconds',
    !(leaseDurationMs > renewDeadlineMs) && 'leaseDurationMs must be longer than renewDeadlineMs',
    !(renewDeadlineMs > jitterFactor * retryPeriodMs) &&
      `renewDeadlineMs must be longer than ${jitterFactor} × retryPeriodMs`,
    !(retryPeriodMs > 0) && 'retryPeriodMs must be positive',
  ].filter((problem) => problem !== false);
  if (wrong.length > 0) throw new RangeError(`leader election: ${wrong.join('; ')}`);
}

/** One period of leadership: from the first successful write of the Lease to its end. */
interface Term {
  /** Monotonic time up to which this process may act, unless it renews. */
  until: number;
  lost: boolean;
  /** Aborts when the term is lost, or when its work has ended. */
  readonly over: AbortController;
}

/**
 * Election after client-go's tools/leaderelection, with two differences, both on the safe side: the time to act counts from
 * before the renewal was sent, not from its answer; and a leader that sees another holder gives up at once.
 * No clocks are compared: safe as long as no clock runs `leaseDurationMs / renewDeadlineMs` times as fast as another.
 * Throws a RangeError when the times do not fit together.
 */
export function createElector(options: ElectorOptions): Elector {
  const timing: Timing = {
    leaseDurationMs: options.leaseDurationMs ?? defaults.leaseDurationMs,
    renewDeadlineMs: options.renewDeadlineMs ?? defaults.renewDeadlineMs,
    retryPeriodMs: options.retryPeriodMs ?? defaults.retryPeriodMs,
  };
  validate(timing);
  const { clock, random, log, identity } = options;
  const record = createLeaseRecord({ ...options, leaseDurationMs: timing.leaseDurationMs });
  let current: Term | undefined;

  async function acquire(signal: AbortSignal): Promise<number | undefined> {
    for (;;) {
      if (signal.aborted) return undefined;
      const until = clock.monotonic() + timing.renewDeadlineMs;
      const outcome = await record.take({ signal, deadlineMs: timing.renewDeadlineMs * requestShare });
      if (outcome === 'held' && clock.monotonic() < until) return until;
      await delay(clock, timing.retryPeriodMs * (1 + jitterFactor * random()), signal);
    }
  }

  /** Renews until the term is over, by losing it or because the work has ended. */
  async function renew(term: Term): Promise<void> {
    const over = term.over.signal;
    while (!over.aborted) {
      await delay(clock, timing.retryPeriodMs, over);
      const left = term.until - clock.monotonic();
      if (over.aborted || left <= 0) return lose(term, 'lease not renewed in time');
      const until = clock.monotonic() + timing.renewDeadlineMs;
      const deadlineMs = Math.min(left, timing.renewDeadlineMs * requestShare);
      const outcome = await record.take({ signal: over, deadlineMs });
      if (outcome === 'other') return lose(term, 'another holds the lease');
      if (outcome === 'held' && clock.monotonic() < term.until) term.until = until;
    }
  }

  /** Ends the term on time, also while a renewal waits for its answer. */
  async function watch(term: Term): Promise<void> {
    const over = term.over.signal;
    while (!over.aborted) {
      const left = term.until - clock.monotonic();
      if (left <= 0) return lose(term, 'lease not renewed in time');
      await delay(clock, Math.ceil(left), over);
    }
  }

  function lose(term: Term, message: string): void {
    if (term.over.signal.aborted) return;
    term.lost = true;
    log.error({ identity, holder: record.holder }, 'leadership lost');
    term.over.abort(new LeaseLostError(message));
  }

  async function lead(until: number, work: LeaderWork): Promise<'stopped' | 'lost'> {
    const term: Term = { until, lost: false, over: new AbortController() };
    const over = new Promise<void>((resolve) => term.over.signal.addEventListener('abort', () => resolve()));
    current = term;
    log.info({ identity }, 'leading');
    const renewing = Promise.all([renew(term), watch(term)]);
    try {
      await Promise.race([over, (async () => work(term.over.signal))()]);
    } catch (error) {
      if (!term.lost) throw error; // else it failed because it was told to end
    } finally {
      current = undefined;
      term.over.abort(new Error('the work has ended'));
      if (!term.lost) {
        await renewing;
        await release();
      }
    }
    return term.lost ? 'lost' : 'stopped';
  }

  async function release(): Promise<void> {
    const released = await record.release({ deadlineMs: timing.renewDeadlineMs * requestShare });
    if (released) log.info({ identity }, 'lease released');
  }

  return {
    get isLeader() {
      return current !== undefined && !current.lost && clock.monotonic() < current.until;
    },
    async run(signal, work) {
      const until = await acquire(signal);
      return until === undefined ? 'stopped' : lead(until, work);
    },
  };
}
