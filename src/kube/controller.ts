// Workers that take keys from a queue and reconcile each under a deadline; no reconcile can take them down.
import type { Clock, Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type ControllerObserver, createSettlement, type Outcome, type Result, type Run } from './outcome.ts';
import type { Queue } from './queue.ts';
import type { Key } from './types.ts';
import { classifyError, type Verdict } from './verdict.ts';

/** Brings the world of `key` closer to what is wanted. Must stop when `signal` aborts. */
export type Reconcile = (key: Key, signal: AbortSignal) => Promise<Result>;

export interface ControllerOptions {
  queue: Queue;
  /** Keys that are reconciled at the same time. */
  workers: number;
  reconcile: Reconcile;
  /** Milliseconds after which the signal of a reconcile aborts. */
  deadlineMs: number;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics?: ControllerObserver;
  classify?: (error: unknown) => Verdict;
}

export interface Controller {
  /**
   * Starts the workers. `stop` ends the taking of keys, while running reconciles go on; `cancel`, for a lost lease,
   * aborts those too, and what they answer then is no longer acted on.
   */
  start(stop: AbortSignal, cancel?: AbortSignal): void;
  /** Resolves when no reconcile runs any more. It waits for hung ones too, so the caller sets the limit. */
  drain(): Promise<void>;
}

/** A reconcile that has not ended so long after its signal aborted is taken to ignore it. */
const graceMs = 1000;

interface ActiveRun extends Run {
  readonly abort: AbortController;
}

/**
 * Never runs one key twice at a time. A reconcile that ignores its deadline keeps its key, because starting it again
 * could make two writers of one object; but its worker goes on with other keys, so that hung ones never stop the rest.
 * A key can hang only once, so their number is bounded by that of keys.
 * No error of a reconcile gets out of here.
 */
export function createController(options: ControllerOptions): Controller {
  const { queue, workers, reconcile, deadlineMs, clock, log, metrics, classify = classifyError } = options;
  const running = new Map<ActiveRun, Promise<void>>();
  const settle = createSettlement(options);
  let active = 0;
  metrics?.bind({
    workers,
    get active() {
      return active;
    },
  });

  async function outcomeOf({ key, abort }: ActiveRun, cancel?: AbortSignal): Promise<Outcome> {
    try {
      const result = await reconcile(key, abort.signal);
      return cancel?.aborted ? { kind: 'cancelled' } : { kind: 'done', ...result };
    } catch (error) {
      if (cancel?.aborted) return { kind: 'cancelled' };
      const verdict = classify(error);
      return abort.signal.aborted && verdict.kind === 'transient' ? { kind: 'timeout', error } : { ...verdict, error };
    }
  }

  async function finish(run: ActiveRun, deadline: { cancel(): void }, cancel?: AbortSignal): Promise<void> {
    try {
      const outcome = await outcomeOf(run, cancel);
      if (run.hung) log.info({ key: run.key, kind: outcome.kind }, 'hung reconcile ended');
      settle(run, outcome);
    } catch (err) {
      log.error({ err, key: run.key }, 'outcome of a reconcile could not be handled');
      queue.addRateLimited(run.key);
    } finally {
      deadline.cancel();
      running.delete(run);
      queue.done(run.key);
    }
  }

  /** Resolves when the worker may go on: the reconcile has ended, or it is hung. */
  function run(key: Key, cancel?: AbortSignal): Promise<void> {
    const self: ActiveRun = { key, startedAt: clock.monotonic(), abort: new AbortController(), hung: false };
    return new Promise((goOn) => {
      const leaveBehind = () => {
        self.hung = true;
        metrics?.reconciled({ result: 'error', durationMs: clock.monotonic() - self.startedAt, cause: 'timeout' });
        log.error({ key, deadlineMs }, 'reconcile ignores its deadline; its key stays taken until it ends');
        goOn();
      };
      let timer = clock.after(deadlineMs, () => {
        self.abort.abort(new DOMException(`reconcile took longer than ${deadlineMs} ms`, 'TimeoutError'));
        timer = clock.after(graceMs, leaveBehind);
      });
      const ended = finish(self, { cancel: () => timer.cancel() }, cancel);
      running.set(self, ended);
      if (cancel?.aborted) self.abort.abort(cancel.reason); // in the part of the reconcile that has just run
      void ended.then(goOn);
    });
  }

  async function work(stop: AbortSignal, cancel?: AbortSignal): Promise<void> {
    for (let key = await queue.get(stop); key !== undefined; key = await queue.get(stop)) {
      if (stop.aborted) return queue.done(key);
      active++;
      await run(key, cancel);
      active--;
    }
  }

  return {
    start(stop, cancel) {
      const cancelAll = () => {
        for (const { abort } of running.keys()) abort.abort(cancel?.reason);
      };
      cancel?.addEventListener('abort', cancelAll, { once: true });
      const either = cancel ? AbortSignal.any([stop, cancel]) : stop;
      for (let worker = 0; worker < workers; worker++) void work(either, cancel);
    },
    async drain() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
