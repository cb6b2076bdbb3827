// One term of leadership: a queue of its own, filled with everything that there is, and the controller that works on it.
import type { Registry } from 'prom-client';
import { createController, type Reconcile } from '../kube/controller.ts';
import { createControllerMetrics } from '../kube/metrics.ts';
import { createQueue, type Queue } from '../kube/queue.ts';
import { createRetryLimiter } from '../kube/rateLimiter.ts';
import type { Key } from '../kube/types.ts';
import type { Clock, Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';

/** Longest time for one pass over one deployment (milliseconds). */
const RECONCILE_DEADLINE_MS = 60_000;
const CONTROLLER = 'localmodeldeployment';

export interface TermsOptions {
  reconcile: Reconcile;
  workers: number;
  keys(): Iterable<Key>;
  /** Resolves when enough is known to act. */
  whenReady(signal: AbortSignal): Promise<void>;
  /** What else is done while this operator leads, until the signal aborts; it must not reject. */
  meanwhile(signal: AbortSignal): Promise<void>;
  clock: Clock;
  random: Random;
  log: Logger;
  registry: Registry;
}

export interface Terms {
  /** Works until `stop` (work under way is finished) or `lost` (it is aborted); resolves when no pass runs any more. */
  serve(stop: AbortSignal, lost: AbortSignal): Promise<void>;
  /** The queue of the term that is on; undefined between terms. */
  readonly queue: Queue | undefined;
  /** Everything that there was at the start of the term is queued: what comes now is news. */
  readonly settled: boolean;
  lookAtAll(): void;
}

export function createTerms({
  reconcile,
  workers,
  keys,
  whenReady,
  meanwhile,
  clock,
  random,
  log,
  registry,
}: TermsOptions): Terms {
  const metrics = createControllerMetrics(registry);
  const observers = { queue: metrics.queue(CONTROLLER), controller: metrics.controller(CONTROLLER) };
  let queue: Queue | undefined;
  let settled = false;

  const lookAtAll = (): void => {
    for (const key of keys()) queue?.add(key, { priority: 'resync' });
  };

  return {
    async serve(stop, lost) {
      const ended = AbortSignal.any([stop, lost]);
      await whenReady(ended);
      if (ended.aborted) return;
      queue = createQueue({ clock, limiter: createRetryLimiter({ clock, random }), observer: observers.queue });
      const controller = createController({
        queue,
        workers,
        reconcile,
        deadlineMs: RECONCILE_DEADLINE_MS,
        clock,
        random,
        log,
        metrics: observers.controller,
      });
      lookAtAll();
      settled = true;
      log.info({ deployments: queue.depth }, 'leading');
      controller.start(stop, lost);
      const company = meanwhile(ended);
      await whenAborted(ended);
      queue.shutDown();
      queue = undefined;
      settled = false;
      await Promise.all([controller.drain(), company]);
    },
    get queue() {
      return queue;
    },
    get settled() {
      return settled;
    },
    lookAtAll,
  };
}

const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
