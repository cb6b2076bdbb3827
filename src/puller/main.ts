// The pull process: PULL_CONFIG in, termination message and exit code out. The only file of the puller that touches `process`.
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { proxySettings } from '../models/proxies.ts';
import { ollamaUserAgent } from '../models/userAgent.ts';
import { systemClock } from '../process/clock.ts';
import { createLogger, type Logger, type LogLevel } from '../process/logger.ts';
import { listenForShutdown } from '../process/shutdown.ts';
import { PULL_CONFIG, type PullConfig, readPullConfig } from './config.ts';
import { endingOf } from './ending.ts';
import { helpText } from './help.ts';
import { outcomes, type TerminationMessage, writeOutcome } from './outcome.ts';
import { createProgress, type ProgressSink } from './progress.ts';
import { progressFile } from './progressFile.ts';
import { progressLog, terminalBar } from './progressWords.ts';

/** kubelet grants a container that ends early no more than the pod's grace; sockets and files are let go of in far less. */
const GRACE_MS = 10_000;
/** Where kubelet looks unless told otherwise: for a configuration that cannot be read. */
const TERMINATION_MESSAGE_PATH = '/dev/termination-log';

/** Timers of the clock keep no process alive, and while a pull waits to try again there is nothing else that would. */
const stayAlive = (): void => void setInterval(() => undefined, 3_600_000);

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];

/** On a terminal the bar says what happens, and lines would tear it. */
function logLevel(): LogLevel {
  const wanted = levels.find((level) => level === process.env.LOG_LEVEL);
  return wanted ?? (process.stderr.isTTY ? 'error' : 'info');
}

function sinksFor(config: PullConfig, log: Logger): ProgressSink[] {
  const forPeople = process.stderr.isTTY ? terminalBar(process.stderr) : progressLog(log, systemClock);
  return [progressFile(config.progressFile, log), forPeople];
}

async function writeMessage(path: string | undefined, message: TerminationMessage, log: Logger): Promise<void> {
  try {
    if (path !== undefined) await mkdir(dirname(path), { recursive: true });
    // Without a configuration only where kubelet has put a file: outside a pod that path is not ours.
    await writeFile(path ?? TERMINATION_MESSAGE_PATH, writeOutcome(message), { flag: path === undefined ? 'r+' : 'w' });
  } catch (error) {
    log.warn({ path, err: error }, 'termination message cannot be written');
  }
}

async function run(config: PullConfig, log: Logger): Promise<TerminationMessage> {
  const { signal, dispose } = listenForShutdown({ process, log, clock: systemClock, graceMs: GRACE_MS });
  const progress = createProgress({
    revision: config.revision,
    reference: config.reference,
    clock: systemClock,
    sinks: sinksFor(config, log),
  });
  try {
    return await endingOf(config, {
      clock: systemClock,
      random: Math.random,
      log,
      progress,
      owner: { host: hostname(), pid: process.pid },
      userAgent: ollamaUserAgent(config.runtimeVersion, process.arch, process.platform),
      proxies: proxySettings(process.env),
      signal,
    });
  } finally {
    dispose();
  }
}

async function main(): Promise<number> {
  const log = createLogger({ level: logLevel(), component: 'puller' });
  let config: PullConfig | undefined;
  let message: TerminationMessage;
  try {
    config = readPullConfig(process.env[PULL_CONFIG]);
    message = await run(config, log);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    log.error({ why: words }, 'pull not begun');
    message = { reason: 'Internal', message: words };
  }
  await writeMessage(config?.terminationMessagePath, message, log);
  if (!config) process.stderr.write(`${message.message}\n`);
  return outcomes[message.reason].exitCode;
}

if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
  process.stdout.write(helpText());
} else {
  stayAlive();
  // By its code at once: a connection that lingers, or a file system that hangs, must not hold up the pod.
  process.exit(await main());
}
