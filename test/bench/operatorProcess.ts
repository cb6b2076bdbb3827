// The operator as its own process, started as its image starts it: in a cluster, by its service account.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type Launch, operatorLaunch } from '../../src/cli/build/launch.ts';
import { waitFor } from '../controlplane/wait.ts';
import type { Lab } from './lab.ts';
import { type Usage, usageOf } from './usage.ts';

/** What every request of the operator begins its user agent with. */
export const operatorUserAgent = 'local-model-operator/';

export interface OperatorProcess {
  readonly pid: number;
  /** Milliseconds from its start until it leads, its caches filled. */
  readonly startMs: number;
  usage(): Promise<Usage | undefined>;
  /** The sum over the labels of one of its own metrics. */
  metric(name: string): Promise<number>;
  /** Resolves when it has looked at `atLeast` keys and nothing waits or runs. */
  quiet(atLeast: number, deadlineMs: number): Promise<void>;
  /** SIGTERM; resolves with the milliseconds until it is gone. */
  stop(): Promise<number>;
}

export interface OperatorProcessOptions {
  /** File that is run. */
  program: string;
  workers: number;
  profile?: string;
  /** How Node is started; default: as the images start it. */
  launch?: Launch;
}

interface LogLine {
  msg?: string;
  adminPort?: number;
}

const root = resolve(import.meta.dirname, '../..');
export const sourceProgram = resolve(root, 'src/operator/main.ts');

/** Resolves when it leads. Rejects with its last words when it ends before. */
export async function startOperator(lab: Lab, options: OperatorProcessOptions): Promise<OperatorProcess> {
  const startedAt = performance.now();
  const { launch = operatorLaunch } = options;
  const child = spawn(
    process.execPath,
    [...launch.nodeFlags, ...profiling(options), options.program, ...operatorFlags(options)],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'production',
        ...launch.env,
        KUBERNETES_SERVICE_HOST: lab.server.hostname,
        KUBERNETES_SERVICE_PORT: lab.server.port,
        LMO_SERVICE_ACCOUNT: lab.serviceAccount,
      },
    },
  );
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  const { adminPort } = await leading(child);
  const startMs = performance.now() - startedAt;
  const pid = child.pid ?? 0;
  return {
    pid,
    startMs,
    usage: () => usageOf(pid),
    metric: async (name) => total(await metricsOf(adminPort), name),
    async quiet(atLeast, deadlineMs) {
      await waitFor('the operator is quiet', () => isQuiet(adminPort, atLeast), { deadlineMs, everyMs: 250 });
    },
    async stop() {
      const stoppedAt = performance.now();
      child.kill('SIGTERM');
      await gone;
      return performance.now() - stoppedAt;
    },
  };
}

const profiling = ({ profile }: OperatorProcessOptions): string[] =>
  profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];

/** Simulated pods have addresses of nobody, or of somebody else's network. */
const operatorFlags = ({ workers }: OperatorProcessOptions): string[] => [
  '--gateway-access=None',
  `--workers=${workers}`,
  '--admin-host=127.0.0.1',
  '--admin-port=0',
];

/** Reads the log until it says that it leads; what follows is read and dropped, as a log collector would. */
function leading(child: ChildProcess): Promise<{ adminPort: number }> {
  if (!child.stdout || !child.stderr) throw new Error('the operator has no output to read');
  const lastWords: string[] = [];
  const remember = (line: string) => {
    lastWords.push(line);
    if (lastWords.length > 20) lastWords.shift();
  };
  createInterface({ input: child.stderr }).on('line', remember);
  const log = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    let adminPort = 0;
    let leads = false;
    child.once('exit', (code) => {
      if (!leads) reject(new Error(`the operator ended with ${code} before it led:\n${lastWords.join('\n')}`));
    });
    log.on('line', (line) => {
      if (leads) return;
      remember(line);
      const { msg, adminPort: port } = JSON.parse(line) as LogLine;
      adminPort = port ?? adminPort;
      if (msg !== 'leading') return;
      leads = true;
      resolve({ adminPort });
    });
  });
}

/** Its own metrics: asking them costs the API server nothing. */
const metricsOf = async (adminPort: number): Promise<string> =>
  (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();

const total = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );

async function isQuiet(adminPort: number, atLeast: number): Promise<true | undefined> {
  const text = await metricsOf(adminPort);
  const busy = total(text, 'workqueue_depth') + total(text, 'controller_runtime_active_workers');
  return (total(text, 'controller_runtime_reconcile_total') >= atLeast && busy === 0) || undefined;
}
