// Foundry Local as a process: the verbs pull and serve. The only file of this folder that touches `process`.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../process/clock.ts';
import { createLogger, type LogLevel } from '../process/logger.ts';
import { listenForShutdown } from '../process/shutdown.ts';
import type { Pull } from '../puller/ending.ts';
import { runPull } from '../puller/program.ts';
import { noTelemetry } from '../runtimes/foundryVariables.ts';
import { isAboutNoCatalog, startAddonCore } from './addonCore.ts';
import { startChildCore } from './childCore.ts';
import type { StartCore } from './core.ts';
import { type CoreLog, followCoreLog } from './coreLog.ts';
import { runCore } from './coreProcess.ts';
import { type ExitReason, exits, ServeError } from './exits.ts';
import { helpText } from './help.ts';
import { createPull } from './pull.ts';
import { CATALOG, type ReachOptions, refuseUnreachable } from './reach.ts';
import { serve } from './serve.ts';
import { commonSettings, type ServeSettings, SettingsError, serveSettings } from './settings.ts';

/** Beside this file in an image. */
const LIBRARIES = join(import.meta.dirname, 'core');
const TERMINATION_MESSAGE_PATH = '/dev/termination-log';
/** What is left of the pod's grace when kubelet sends SIGTERM, less a little (DRAIN_SECONDS.unload). */
const GRACE_MS = 14_000;

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];
const level = levels.find((name) => name === process.env.LOG_LEVEL) ?? 'info';

/** The verb of the process that the core gets; see childCore.ts. */
const CORE = 'core';

/** Timers of the clock keep no process alive, and while the core works there is nothing else that would. */
const stayAlive = (): void => void setInterval(() => undefined, 3_600_000);

/** The core reads them when it starts, and sends nothing then. */
function silenceTelemetry(): void {
  for (const [name, value] of Object.entries(noTelemetry)) process.env[name] ??= String(value);
}

const startCore: StartCore = (options) => startChildCore({ program: import.meta.filename, argv: [CORE] }, options);

/** Alone it is of no use to anybody, and would not end by itself while it works. */
function runCoreProcess(): void {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  runCore(process, startAddonCore);
}

/** kubelet keeps 4 KiB. Outside a pod there is no such file, and none is made. */
const leaveWord = (message: string): Promise<void> =>
  writeFile(TERMINATION_MESSAGE_PATH, message.slice(0, 2_000), { flag: 'r+' }).catch(() => undefined);

function reasonOf(error: unknown): Exclude<ExitReason, 'Stopped'> {
  if (error instanceof ServeError) return error.reason;
  return error instanceof SettingsError ? 'Settings' : 'Internal';
}

async function runServe(): Promise<number> {
  const log = createLogger({ level, component: 'foundry-local' });
  const { signal, dispose } = listenForShutdown({ process, log, clock: systemClock, graceMs: GRACE_MS });
  let follower: CoreLog | undefined;
  try {
    const settings: ServeSettings = serveSettings(process.env, LIBRARIES);
    follower = await followCoreLog(join(settings.home, 'logs'), {
      clock: systemClock,
      log,
      expected: isAboutNoCatalog,
    });
    await serve(settings, { startCore, log, clock: systemClock, signal });
    return exits.Stopped.exitCode;
  } catch (error) {
    const reason = reasonOf(error);
    const message = error instanceof Error ? error.message : String(error);
    log.error({ reason, err: error }, 'cannot serve');
    await leaveWord(`${reason}: ${message}`);
    return exits[reason].exitCode;
  } finally {
    await follower?.end();
    dispose();
  }
}

const pull: Pull = (config, context) => {
  const outside = {
    startCore,
    reachCatalog: (options: ReachOptions) => refuseUnreachable(CATALOG, options),
  };
  return createPull(commonSettings(process.env, LIBRARIES), outside)(config, context);
};

async function run(verb: string | undefined): Promise<number> {
  silenceTelemetry();
  if (verb === 'serve') return runServe();
  if (verb === 'pull') return runPull(process, pull);
  process.stderr.write(
    `there are the verbs pull and serve${verb === undefined ? '' : `, not ${verb}`}; --help says more\n`,
  );
  return exits.Settings.exitCode;
}

const [verb, ...rest] = process.argv.slice(2);
if ([verb, ...rest].some((argument) => argument === '--help' || argument === '-h')) process.stdout.write(helpText());
else if (verb === CORE) runCoreProcess();
else {
  stayAlive();
  // By its code at once: threads of the core, or a file system that hangs, must not hold up the pod.
  process.exit(await run(verb));
}
