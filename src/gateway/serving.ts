// The whole gateway, wired: what judges, what serves, and what counts.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { createAudit } from './audit.ts';
import { createKeyring } from './auth.ts';
import type { GatewayConfig } from './config.ts';
import type { FrontDoor } from './door.ts';
import { startFrontServer } from './frontServer.ts';
import { runGateway } from './gateway.ts';
import type { Judge } from './judge.ts';
import { createGatewayMetrics, type GatewayMetrics } from './metrics.ts';
import { createProxy, LIGHT_PLACES } from './proxy.ts';
import { createCertificate } from './tls.ts';
import { createUpstream } from './upstream.ts';

export interface ServingOptions {
  config: GatewayConfig;
  /** Of the gateway. */
  version: string;
  /** Address to listen on. */
  host: string;
  clock: Clock;
  log: Logger;
  /** Where audit lines go. */
  audit: { write(line: string): unknown };
  /** Asks to end. */
  signal: AbortSignal;
}

/** Resolves when the last answer is out after `signal` has aborted. Rejects when an address is not to be had. */
export function startServing(options: ServingOptions): Promise<void> {
  const { config, version, host, clock, log, signal } = options;
  const metrics = createGatewayMetrics();
  return runGateway({
    config,
    version,
    host,
    clock,
    log,
    registry: metrics.registry,
    onCanary: ({ outcome, seconds }) => metrics.canary(outcome, seconds),
    openDoor: (judge) => openDoor(judge, metrics, options),
    signal,
  });
}

async function openDoor(judge: Judge, metrics: GatewayMetrics, options: ServingOptions): Promise<FrontDoor> {
  const { config, version, host, clock, log, audit } = options;
  const { view, admission, truth } = judge;
  const { auth, tls, limits, runtime } = config;
  const keyring = auth && createKeyring({ ...auth, log, clock });
  const certificate = tls && createCertificate({ ...tls, log, clock });
  await Promise.all([keyring?.start(), certificate?.start()]);
  const upstream = createUpstream({
    port: runtime.port,
    connections: limits.maxInFlight + LIGHT_PLACES,
  });
  const proxy = createProxy({
    config,
    view,
    admission,
    upstream,
    ...(keyring && { keyring }),
    metrics,
    ...(config.audit === 'Metadata' && { audit: createAudit({ write: (line) => audit.write(line), clock }) }),
    clock,
    log,
  });
  metrics.readFrom({
    state: () => truth.state,
    admission,
    limits,
    lastRequestAt: () => (proxy.lastAt === undefined ? undefined : clock.now() - clock.monotonic() + proxy.lastAt),
    pull: judge.pull,
    certificateExpiry: () => certificate?.expiresAt(),
    apiKeys: () => keyring?.keys() ?? [],
    version,
    runtime: runtime.kind,
    class: config.residency.class,
  });
  const front = await startFrontServer({
    handler: proxy.handle,
    ...(certificate && { certificate }),
    onUnreadable: proxy.unreadable,
    log,
    host,
    port: config.port,
    leaving: () => truth.state.facts.drainingSince !== undefined,
  });
  return {
    port: front.port,
    problems: () => [keyring?.problem(), certificate?.problem()].filter((problem) => problem !== undefined),
    requests: () => ({ total: proxy.total, ...(proxy.lastAt !== undefined && { lastAt: proxy.lastAt }) }),
    async close() {
      await front.close();
      keyring?.stop();
      certificate?.stop();
      await upstream.close();
    },
  };
}
