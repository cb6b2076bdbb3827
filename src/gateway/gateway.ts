// The gateway, from its first second to its last: judge, admin port and door, and the drain between the signal and the end.
import type { Registry } from 'prom-client';
import { type AdminServer, startAdminServer } from '../process/adminServer.ts';
import { type Clock, delay } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { adminRoutes } from './admin.ts';
import type { CanaryOptions } from './canary.ts';
import type { GatewayConfig } from './config.ts';
import type { FrontDoor, OpenDoor } from './door.ts';
import { type DrainServer, startDrainServer } from './drain.ts';
import { createJudge, type Judge } from './judge.ts';
import type { Problem } from './observation.ts';

export interface GatewayOptions {
  config: GatewayConfig;
  version: string;
  /** Address of both ports; the kubelet and clients come from outside the pod. */
  host: string;
  clock: Clock;
  log: Logger;
  registry: Registry;
  onCanary?: CanaryOptions['onResult'];
  openDoor: OpenDoor;
  /** Asks to end: the drain begins, and takes as long as the running requests do. */
  signal: AbortSignal;
}

interface Ending {
  judge: Judge;
  door: FrontDoor;
  admin: AdminServer;
  drainServer: DrainServer;
  clock: Clock;
}

/** Before it is opened. */
const none: FrontDoor = { port: 0, problems: () => [], requests: () => ({ total: 0 }), close: async () => undefined };

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const same = (a: readonly Problem[], b: readonly Problem[]): boolean =>
  a.length === b.length &&
  a.every(({ reason, message }, index) => b[index]?.reason === reason && b[index]?.message === message);

/** Secrets come and go while the pod lives. */
function watchProblems({ truth }: Judge, door: FrontDoor): void {
  const look = () => {
    const problems = door.problems();
    if (!same(problems, truth.state.facts.problems)) truth.observe({ kind: 'Problems', problems });
  };
  truth.onStep(look);
  look();
}

/** A probe that keeps its connection must not hold up the pod. */
const LAST_PROBES_MS = 1000;

async function end({ judge, door, admin, drainServer, clock }: Ending): Promise<void> {
  await judge.drain.done();
  await door.close();
  await drainServer.close();
  await judge.stop();
  await Promise.race([admin.close(), delay(clock, LAST_PROBES_MS)]);
}

/** Resolves when it has ended in good order. Rejects when an address is not to be had. */
export async function runGateway(options: GatewayOptions): Promise<void> {
  const { config, version, host, clock, log, registry, onCanary, openDoor, signal } = options;
  const judge = createJudge({ config, version, clock, log, ...(onCanary && { onCanary }) });
  const { truth, drain } = judge;
  let door = none;
  // First of all: the kubelet asks at once, and the pull waits for the answer.
  const status = () => judge.status(door.requests());
  const routes = adminRoutes({ truth, clock, drain, opened: () => door !== none, status });
  const admin = await startAdminServer({ port: config.adminPort, host, log, registry, routes });
  const begin = () => truth.observe({ kind: 'Drain' });
  const drainServer = await startDrainServer(config.drainSocket, begin, log);
  door = await openDoor(judge);
  watchProblems(judge, door);
  log.info({ port: door.port, adminPort: admin.port, runtime: config.runtime.kind }, 'gateway started');
  await aborted(signal);
  begin();
  await end({ judge, door, admin, drainServer, clock });
}
