// A pull as a process, for whichever runtime: PULL_CONFIG in; progress file, termination message and exit code out.
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { type Environment, proxySettings } from '../models/proxies.ts';
import { ollamaUserAgent } from '../models/userAgent.ts';
import { type Clock, systemClock } from '../process/clock.ts';
import { createLogger, type Logger, type LogLevel } from '../process/logger.ts';
import { listenForShutdown, type SignalSource } from '../process/shutdown.ts';
import { PULL_CONFIG, type PullConfig, readPullConfig } from './config.ts';
import { endingOf, type Pull } from './ending.ts';
import { outcomes, type TerminationMessage, writeOutcome } from './outcome.ts';
import { createProgress, type ProgressSink } from './progress.ts';
import { progressFile } from './progressFile.ts';
import { progressLog, type Terminal, terminalBar } from './progressWords.ts';

/** kubelet grants a container that ends early no more than the pod's grace; sockets and files are let go of in far less. */
const GRACE_MS = 10_000;
/** Where kubelet looks unless told otherwise: for a configuration that cannot be read. */
const TERMINATION_MESSAGE_PATH = '/dev/termination-log';

/** What is needed of Node's `process`. */
export interface PullHost extends SignalSource {
  readonly env: Environment;
  readonly pid: number;
  readonly arch: string;
  readonly platform: string;
  readonly stderr: Terminal & { readonly isTTY?: boolean };
}

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];

/** On a terminal the bar says what happens, and lines would tear it. */
function logLevel({ env, stderr }: PullHost): LogLevel {
  const wanted = levels.find((level) => level === env.LOG_LEVEL);
  return wanted ?? (stderr.isTTY ? 'error' : 'info');
}

function sinksFor(config: PullConfig, { stderr }: PullHost, clock: Clock, log: Logger): ProgressSink[] {
  const forPeople = stderr.isTTY ? terminalBar(stderr) : progressLog(log, clock);
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

async function run(config: PullConfig, pull: Pull, host: PullHost, log: Logger): Promise<TerminationMessage> {
  const clock = systemClock;
  const { signal, dispose } = listenForShutdown({ process: host, log, clock, graceMs: GRACE_MS });
  const progress = createProgress({
    revision: config.revision,
    reference: config.reference,
    clock,
    sinks: sinksFor(config, host, clock, log),
  });
  const context = {
    clock,
    random: Math.random,
    log,
    progress,
    owner: { host: hostname(), pid: host.pid },
    userAgent: ollamaUserAgent(config.runtimeVersion, host.arch, host.platform),
    proxies: proxySettings(host.env),
    signal,
  };
  try {
    return await endingOf(config, context, pull);
  } finally {
    dispose();
  }
}

/**
 * Runs one pull and resolves with the exit code; never rejects. Leave by that code at once: a connection that lingers, or a file
 * system that hangs, must not hold up the pod. Timers keep no process alive here, so somebody else has to.
 */
export async function runPull(host: PullHost, pull: Pull): Promise<number> {
  const log = createLogger({ level: logLevel(host), component: 'puller' });
  let config: PullConfig | undefined;
  let message: TerminationMessage;
  try {
    config = readPullConfig(host.env[PULL_CONFIG]);
    message = await run(config, pull, host, log);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    log.error({ why: words }, 'pull not begun');
    message = { reason: 'Internal', message: words };
  }
  await writeMessage(config?.terminationMessagePath, message, log);
  if (!config) host.stderr.write(`${message.message}\n`);
  return outcomes[message.reason].exitCode;
}
