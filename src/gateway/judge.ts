// The judging half of the gateway, put together: what watches the pod, what acts on it, and what is told of it.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type Admission, createAdmission } from './admission.ts';
import { type CanaryOptions, createCanary } from './canary.ts';
import type { GatewayConfig } from './config.ts';
import { createDrainWatch, type DrainWatch } from './drain.ts';
import type { Rules } from './fitness.ts';
import { createFoundryRuntime } from './foundryRuntime.ts';
import { createOllamaRuntime } from './ollamaRuntime.ts';
import { createPodTruth } from './podTruth.ts';
import type { PodView } from './podView.ts';
import { createPreload } from './preload.ts';
import { notReady, refusalOf } from './refusal.ts';
import type { RuntimeClient } from './runtimeClient.ts';
import { reportReader } from './runtimeReport.ts';
import type { GatewayStatus, PullStatus } from './status.ts';
import { statusOf } from './statusReport.ts';
import { createTruth, type Truth } from './truth.ts';
import { pullStatusOf, watchPull } from './watchPull.ts';
import { watchRuntime } from './watchRuntime.ts';

export interface Judge {
  readonly truth: Truth;
  readonly view: PodView;
  readonly admission: Admission;
  readonly drain: DrainWatch;
  /** How far the pull is; undefined before its first report. */
  pull(): PullStatus | undefined;
  /** @param requests of clients, as the door has counted them; `lastAt` in monotonic milliseconds */
  status(requests: { total: number; lastAt?: number }): GatewayStatus;
  /** Ends all watching. Resolves when nothing of it is under way. */
  stop(): Promise<void>;
}

export interface JudgeOptions {
  config: GatewayConfig;
  /** Of the gateway. */
  version: string;
  clock: Clock;
  log: Logger;
  onCanary?: CanaryOptions['onResult'];
}

export function rulesOf({ residency, loadTimeoutSeconds, lameDuckSeconds, canary }: GatewayConfig): Rules {
  return {
    residency,
    loadTimeoutMs: loadTimeoutSeconds * 1000,
    lameDuckMs: lameDuckSeconds * 1000,
    ...(canary && { canaryIntervalMs: canary.intervalSeconds * 1000 }),
  };
}

type RuntimeConfig = GatewayConfig['runtime'];

const runtimes: Readonly<Record<RuntimeConfig['kind'], (config: RuntimeConfig) => RuntimeClient>> = {
  Ollama: ({ port }) => createOllamaRuntime(port),
  FoundryLocal: ({ port, reportFile }) => createFoundryRuntime(port, reportReader(reportFile)),
};

/** Who waits for a model that is lost waits in vain. A drain turns nobody away who was taken in. */
function refuseWithoutModel(truth: Truth, admission: Admission): void {
  truth.onStep((now, before) => {
    if (before.fitness.reason !== 'Serving' || now.fitness.reason === 'Serving') return;
    admission.refuseQueued(notReady(`${now.fitness.reason}: ${now.fitness.message}`));
  });
}

/** Watches from now on, until it is stopped. */
export function createJudge({ config, version, clock, log, onCanary }: JudgeOptions): Judge {
  const stopping = new AbortController();
  const { signal } = stopping;
  const client = runtimes[config.runtime.kind](config.runtime);
  const truth = createTruth({ rules: rulesOf(config), clock, log });
  const pull = watchPull({ config, truth, clock, log, signal });
  const preload = createPreload({ client, truth, clock, log, loadTimeoutMs: config.loadTimeoutSeconds * 1000 });
  const runtime = watchRuntime({ client, truth, clock, log, signal });
  const { report } = pull;
  const { kind } = preload;
  const view = createPodTruth({ config, truth, clock, report, kind });
  const { maxInFlight, maxQueue, queueTimeoutSeconds } = config.limits;
  const admission = createAdmission({
    maxInFlight,
    maxQueue,
    queueTimeoutMs: queueTimeoutSeconds * 1000,
    clock,
    refusal: () => refusalOf(view),
  });
  refuseWithoutModel(truth, admission);
  const canary =
    config.canary &&
    createCanary({
      config: config.canary,
      client,
      truth,
      admission,
      clock,
      log,
      kind,
      ...(onCanary && { onResult: onCanary }),
    });
  const drain = createDrainWatch({ truth, clock, inFlight: () => admission.inFlight + admission.queued });

  function pullStatus(): PullStatus | undefined {
    const last = report();
    return last && pullStatusOf(last);
  }

  function status(requests: { total: number; lastAt?: number }): GatewayStatus {
    const pulled = pullStatus();
    const runtimeVersion = runtime.version();
    const { sourceDigest: digest, ...source } = report()?.model ?? {};
    return statusOf({
      config,
      state: truth.state,
      version,
      monotonicNow: clock.monotonic(),
      wallNow: clock.now(),
      requests: { inFlight: admission.inFlight, queued: admission.queued, ...requests },
      ...(pulled && { pull: pulled }),
      ...(digest !== undefined && { source: { ...source, digest } }),
      ...(runtimeVersion !== undefined && { runtimeVersion }),
    });
  }

  return {
    truth,
    view,
    admission,
    drain,
    pull: pullStatus,
    status,
    async stop() {
      stopping.abort();
      truth.stop();
      preload.stop();
      canary?.stop();
      await client.close();
      await Promise.all([pull.ended, runtime.ended]);
    },
  };
}
