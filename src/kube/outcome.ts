// What the outcome of a reconcile means: for the place of its key in the queue, for the metrics, for the log.
import type { Clock, Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Queue } from './queue.ts';
import type { Key } from './types.ts';
import type { Verdict } from './verdict.ts';

export interface Result {
  /** Look at the key again after so many milliseconds; absent or 0: only when something happens. */
  requeueAfterMs?: number;
}

/** `timeout`: it ended because its deadline had passed. `cancelled`: the lease was lost meanwhile, so it counts for nothing. */
export type Outcome =
  | ({ kind: 'done' } & Result)
  | { kind: 'cancelled' }
  | { kind: 'timeout'; error: unknown }
  | (Verdict & { error: unknown });

/** As controller-runtime labels them. */
export type ReconcileResult = 'success' | 'error' | 'requeue' | 'requeue_after';

export interface Reconciled {
  result: ReconcileResult;
  durationMs: number;
  cause?: 'terminal' | 'panic' | 'timeout';
}

export interface ControllerObserver {
  bind(state: { readonly workers: number; readonly active: number }): void;
  reconciled(what: Reconciled): void;
}

/** One reconcile of one key. */
export interface Run {
  readonly key: Key;
  readonly startedAt: number;
  /** Its worker has gone on without it; it has been counted then. */
  hung: boolean;
}

export interface SettlementOptions {
  queue: Queue;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics?: ControllerObserver;
}

/** Conflicts in a row after which a key backs off as after an error: somebody is fighting over the object. */
const conflictsInARow = 5;

const conflictDelayMs = { least: 50, most: 200 } as const;

/** Returns the function that acts on outcomes. It leaves `queue.done` to its caller. */
export function createSettlement({ queue, clock, random, log, metrics }: SettlementOptions) {
  const conflicts = new Map<Key, number>();

  const jittered = (least: number, most: number) => least + (most - least) * random();

  const count = (run: Run, result: ReconcileResult, cause?: Reconciled['cause']) => {
    if (!run.hung)
      metrics?.reconciled({ result, durationMs: clock.monotonic() - run.startedAt, ...(cause && { cause }) });
  };

  const succeed = (run: Run, { requeueAfterMs }: Result) => {
    count(run, requeueAfterMs ? 'requeue_after' : 'success');
    forget(run.key);
    if (requeueAfterMs) queue.addAfter(run.key, requeueAfterMs);
  };

  const forget = (key: Key) => {
    conflicts.delete(key);
    queue.forget(key);
  };

  const lookAgainSoon = (run: Run) => {
    const inARow = (conflicts.get(run.key) ?? 0) + 1;
    conflicts.set(run.key, inARow);
    count(run, 'requeue');
    if (inARow > conflictsInARow) queue.addRateLimited(run.key);
    else queue.addAfter(run.key, jittered(conflictDelayMs.least, conflictDelayMs.most));
  };

  const backOff = (run: Run, cause?: Reconciled['cause']) => {
    count(run, 'error', cause);
    queue.addRateLimited(run.key);
  };

  const giveUp = (run: Run) => {
    count(run, 'error', 'terminal');
    forget(run.key);
  };

  const comeBackAfter = (run: Run, ms: number) => {
    count(run, 'requeue_after');
    queue.addAfter(run.key, ms * jittered(1, 1.2)); // all that were refused at once heard the same delay
  };

  return (run: Run, outcome: Outcome): void => {
    const { key } = run;
    switch (outcome.kind) {
      case 'done':
        succeed(run, outcome);
        break;
      case 'conflict':
        log.debug({ key }, 'conflict, looking again soon');
        lookAgainSoon(run);
        break;
      case 'throttled':
        log.debug({ key, retryAfterMs: outcome.retryAfterMs }, 'throttled by the API server');
        comeBackAfter(run, outcome.retryAfterMs);
        break;
      case 'terminal':
        log.warn({ err: outcome.error, key }, 'reconcile failed for good');
        giveUp(run);
        break;
      case 'timeout':
        log.warn({ err: outcome.error, key }, 'reconcile ran past its deadline');
        backOff(run, 'timeout');
        break;
      case 'transient':
        log.warn({ err: outcome.error, key }, 'reconcile failed, trying again');
        backOff(run);
        break;
      case 'bug':
        log.error({ err: outcome.error, key }, 'reconcile threw what nobody expected');
        backOff(run, 'panic');
        break;
      case 'cancelled':
        break;
    }
  };
}
