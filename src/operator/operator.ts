// The operator as one thing that can be started and stopped: caches that are always warm, and, while it leads, the controller.
import type { Registry } from 'prom-client';
import type { Client } from '../kube/client.ts';
import { createController } from '../kube/controller.ts';
import { createElector } from '../kube/lease.ts';
import { createControllerMetrics, registerLeaderMetric } from '../kube/metrics.ts';
import { createQueue, type Queue } from '../kube/queue.ts';
import { createRetryLimiter } from '../kube/rateLimiter.ts';
import { createRecorder } from '../kube/recorder.ts';
import type { Clock, Random } from '../process/clock.ts';
import type { Check } from '../process/health.ts';
import type { Logger } from '../process/logger.ts';
import { createApplier } from './apply.ts';
import { createCaches } from './caches.ts';
import type { OperatorConfig } from './config.ts';
import { createDeploymentMetrics } from './metrics.ts';
import { createObserve } from './observe.ts';
import { createOptionalApis } from './optionalApis.ts';
import { createPodWarnings } from './podWarnings.ts';
import { createReconcile } from './reconcile.ts';
import { createReporter } from './reporter.ts';
import { createTriggers } from './triggers.ts';
import { createUpgrades } from './upgrades.ts';
import { createWorldReader } from './worldReader.ts';

/** Longest time for one pass over one deployment (milliseconds). */
const RECONCILE_DEADLINE_MS = 60_000;
const CONTROLLER = 'localmodeldeployment';

export interface OperatorOptions {
  client: Client;
  config: Pick<OperatorConfig, 'namespaces' | 'workers' | 'leaderElect' | 'leaseName' | 'upgrades' | 'defaults'>;
  /** Where the Lease lives. */
  leaseNamespace: string;
  /** Of this process and of no other. */
  identity: string;
  clock: Clock;
  random: Random;
  log: Logger;
  registry: Registry;
}

export interface Operator {
  /** Runs until the signal aborts; then work under way is finished, and the Lease given back. */
  run(signal: AbortSignal): Promise<void>;
  /** For /readyz. */
  readonly checks: Readonly<Record<string, Check>>;
  readonly isLeader: boolean;
}

export function createOperator(options: OperatorOptions): Operator {
  const { client, config, clock, random, log, registry } = options;
  let queue: Queue | undefined;
  let settled = false;
  const caches = createCaches({
    client,
    clock,
    random,
    log,
    ...(config.namespaces && { namespaces: config.namespaces }),
    listeners: createTriggers(
      () => queue,
      () => settled,
    ),
  });
  const lookAtAll = (): void => {
    for (const key of caches.deployments.keys()) queue?.add(key, { priority: 'resync' });
  };
  const optional = createOptionalApis({ client, clock, random, log, caches, onChange: lookAtAll });
  const upgrades = createUpgrades(config.upgrades, lookAtAll);
  const noteWrite = caches.noteWrite;
  const recorder = createRecorder({
    random,
    client,
    clock,
    log,
    reportingController: 'localmodels.dev/operator',
    reportingInstance: options.identity,
  });
  const reconcile = createReconcile({
    observe: createObserve({
      caches,
      warnings: createPodWarnings({ client, clock, log }),
      upgrades,
      serviceMonitors: optional.serviceMonitors,
    }),
    world: createWorldReader({ client, clock }),
    applier: createApplier({ client, clock, log, noteWrite }),
    reporter: createReporter({ client, clock, noteWrite }),
    recorder,
    upgrades,
    config: { defaults: config.defaults },
    clock,
    log,
  });
  const metrics = createControllerMetrics(registry);
  const queueObserver = metrics.queue(CONTROLLER);
  const controllerObserver = metrics.controller(CONTROLLER);
  createDeploymentMetrics(registry, caches.deployments);
  const elector = createElector({
    client,
    clock,
    random,
    log,
    identity: options.identity,
    name: config.leaseName,
    namespace: options.leaseNamespace,
  });
  const isLeader = () => !config.leaderElect || elector.isLeader;
  registerLeaderMetric(registry, config.leaseName, {
    get isLeader() {
      return isLeader();
    },
  });

  /** One term of leadership: a queue of its own, filled with everything that there is. */
  async function lead(stop: AbortSignal, lost: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([stop, lost]);
    await caches.whenSynced(ended);
    await optional.whenKnown(ended);
    if (ended.aborted) return;
    queue = createQueue({ clock, limiter: createRetryLimiter({ clock, random }), observer: queueObserver });
    const controller = createController({
      queue,
      workers: config.workers,
      reconcile,
      deadlineMs: RECONCILE_DEADLINE_MS,
      clock,
      random,
      log,
      metrics: controllerObserver,
    });
    lookAtAll();
    settled = true;
    log.info({ deployments: caches.deployments.size }, 'leading');
    controller.start(stop, lost);
    await aborted(ended);
    queue.shutDown();
    queue = undefined;
    settled = false;
    await controller.drain();
  }

  async function leadForever(signal: AbortSignal): Promise<void> {
    if (!config.leaderElect) return lead(signal, new AbortController().signal);
    while (!signal.aborted) {
      let term: Promise<void> = Promise.resolve();
      const ended = await elector.run(signal, (lost) => {
        term = lead(signal, lost);
        return term;
      });
      if (ended !== 'lost') continue;
      log.warn({}, 'leadership lost, waiting to lead again');
      // A pass that is still running must not meet one of the next term on the same key.
      await term;
    }
  }

  return {
    async run(signal) {
      const watching = new AbortController();
      const background = Promise.all([caches.start(watching.signal), optional.start(watching.signal)]);
      try {
        await leadForever(signal);
        await recorder.flush();
      } finally {
        watching.abort();
        await background;
      }
    },
    checks: {
      synced: () => {
        if (caches.synced) return true;
        const state = caches.stateOf('LocalModelDeployment');
        if (state === 'missing')
          return 'the CustomResourceDefinition localmodeldeployments.localmodels.dev is not installed';
        if (state === 'forbidden') return 'the operator may not list localmodeldeployments.localmodels.dev';
        return 'the first lists are not complete';
      },
    },
    get isLeader() {
      return isLeader();
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
