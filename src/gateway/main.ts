// The gateway process: GATEWAY_CONFIG and a verb in, signals in, exit code out. The only file of the gateway that touches `process`.
import { systemClock } from '../process/clock.ts';
import { createLogger, type LogLevel } from '../process/logger.ts';
import { release } from '../process/release.ts';
import { listenForShutdown } from '../process/shutdown.ts';
import { GATEWAY_CONFIG, type GatewayConfig, readGatewayConfig } from './config.ts';
import { askToDrain } from './drain.ts';
import { helpText } from './help.ts';

/** A gateway that lives answers at once. */
const DRAIN_ANSWER_MS = 5000;
/** What is granted beyond lame duck and the longest request, as in the pod's own grace. */
const GRACE_BEYOND_MS = 15_000;

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];

const exitCodes = { done: 0, failed: 1, misused: 2 } as const;

async function serve(config: GatewayConfig): Promise<void> {
  const level = levels.find((name) => name === process.env.LOG_LEVEL) ?? 'info';
  const log = createLogger({ level, component: 'gateway', destination: process.stderr });
  const { lameDuckSeconds, limits } = config;
  const graceMs = (lameDuckSeconds + limits.requestTimeoutSeconds) * 1000 + GRACE_BEYOND_MS;
  const { signal, dispose } = listenForShutdown({ process, log, clock: systemClock, graceMs });
  // Late, so that `drain`, which runs beside a gateway in the memory of one container, does without all that.
  const { startServing } = await import('./serving.ts');
  const host = process.env.GATEWAY_HOST ?? '0.0.0.0';
  const { version } = release;
  await startServing({ config, version, host, clock: systemClock, log, audit: process.stdout, signal });
  dispose();
  log.info({}, 'gateway stopped');
}

async function main(): Promise<number> {
  const [verb = 'serve', ...rest] = process.argv.slice(2);
  if (verb === '--help' || verb === '-h') {
    process.stdout.write(helpText());
    return exitCodes.done;
  }
  if ((verb !== 'serve' && verb !== 'drain') || rest.length > 0) {
    process.stderr.write(`there is no ${JSON.stringify([verb, ...rest].join(' '))}\n\n${helpText()}`);
    return exitCodes.misused;
  }
  let config: GatewayConfig;
  try {
    config = readGatewayConfig(process.env[GATEWAY_CONFIG]);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return exitCodes.misused;
  }
  try {
    await (verb === 'drain' ? askToDrain(config.drainSocket, DRAIN_ANSWER_MS) : serve(config));
    return exitCodes.done;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    return exitCodes.failed;
  }
}

// At once: a socket that lingers must not hold up the pod.
process.exit(await main());
