// A gateway as a pod runs it: a process of its own, told by its environment and by files, asked over its ports.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GatewayConfig } from '../../src/gateway/config.ts';
import { type GatewayStatus, readStatus } from '../../src/gateway/status.ts';
import type { ProgressReport } from '../../src/puller/progressReport.ts';
import { freePorts } from '../controlplane/ports.ts';
import type { Ending } from '../controlplane/supervise.ts';
import { waitFor } from '../controlplane/wait.ts';
import { type Program, startProgram } from '../runtime/program.ts';
import { testConfig } from '../unit/gateway/config.ts';

export interface Readiness {
  status: number;
  /** Reason and message. */
  text: string;
}

export interface GatewayProcess {
  /** http://127.0.0.1:port, of clients. */
  readonly url: string;
  /** Of the kubelet and the operator. */
  readonly adminUrl: string;
  readonly config: GatewayConfig;
  pid(): number | undefined;
  readiness(): Promise<Readiness>;
  status(): Promise<GatewayStatus>;
  /**
   * Seconds until readiness speaks like that; rejects after 60 s with what it says instead. What it said between two looks
   * is known from the log.
   */
  secondsUntil(words: RegExp): Promise<number>;
  /** Writes the lock as the kubelet would. */
  lock(digest: string): Promise<void>;
  /** Runs `gateway drain` to its end. */
  drain(): Promise<void>;
  kill: Program['kill'];
  /** Again, with the same files on the same ports, after it has ended. */
  start: Program['start'];
  ended(): Promise<Ending>;
  log: Program['log'];
  stop(): Promise<void>;
}

export interface GatewayProcessOptions {
  /** Of the runtime. */
  runtimePort: number;
  /** What the pull has left; default: nothing yet. */
  pulled?: NonNullable<ProgressReport['model']>;
  changes?: Partial<GatewayConfig>;
  env?: Record<string, string>;
  /** File that is run; default: src/gateway/main.ts. */
  program?: string;
  /** Of Node; default: none. */
  nodeFlags?: readonly string[];
}

const node = join(import.meta.dirname, '../../node_modules/.bin/node');
const main = join(import.meta.dirname, '../../src/gateway/main.ts');
const DEADLINE_MS = 60_000;

/** As the pull writes it when it has ended well. */
const doneReport = (model: NonNullable<ProgressReport['model']>): ProgressReport => ({
  schema: 1,
  revision: 'r1',
  reference: 'tiny',
  phase: 'Done',
  reason: 'Done',
  startedAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:10.000Z',
  completedBytes: 0,
  totalBytes: 0,
  fetchedBytes: 0,
  layers: [],
  model,
});

async function replace(path: string, value: object): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(value));
  await rename(`${path}.new`, path);
}

async function layOut(options: GatewayProcessOptions): Promise<{ folder: string; config: GatewayConfig }> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-gateway-'));
  await mkdir(join(folder, 'lock'));
  const [port = 0, adminPort = 0] = await freePorts(2);
  const config = testConfig({
    port,
    adminPort,
    runtime: { kind: 'Ollama', port: options.runtimePort },
    lameDuckSeconds: 1,
    progressFile: join(folder, 'progress.json'),
    lockFile: join(folder, 'lock/r1.json'),
    drainSocket: join(folder, 'drain.sock'),
    ...options.changes,
  });
  if (options.pulled) await replace(config.progressFile, doneReport(options.pulled));
  return { folder, config };
}

/** Changes of the state, as the gateway has logged them. */
function changesIn(log: string): { at: number; text: string }[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"state changed"'))
    .map((line) => JSON.parse(line) as { time: string; reason: string; why: string })
    .map(({ time, reason, why }) => ({ at: Date.parse(time), text: `${reason}: ${why}` }));
}

/** Resolves when its admin port answers. It has to be stopped. */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const { folder, config } = await layOut(options);
  const adminUrl = `http://127.0.0.1:${config.adminPort}`;
  const env = {
    PATH: process.env.PATH ?? '',
    GATEWAY_CONFIG: JSON.stringify(config),
    GATEWAY_HOST: '127.0.0.1',
    ...options.env,
  };
  const gateway = await startProgram({
    name: 'gateway',
    program: node,
    argv: [...(options.nodeFlags ?? []), options.program ?? main],
    env,
    folder,
    answers: async () => (await fetch(`${adminUrl}/startupz`, { signal: AbortSignal.timeout(5000) })).ok,
    deadlineMs: DEADLINE_MS,
  });

  async function readiness(): Promise<Readiness> {
    const response = await fetch(`${adminUrl}/readyz`);
    return { status: response.status, text: (await response.text()).trim() };
  }

  return {
    url: `http://127.0.0.1:${config.port}`,
    adminUrl,
    config,
    readiness,
    async status() {
      const status = readStatus(await (await fetch(`${adminUrl}/status`)).json());
      if (!status) throw new Error('the status is none');
      return status;
    },
    async secondsUntil(words) {
      const [began, since] = [performance.now(), Date.now()];
      let said = '';
      const look = async () => {
        said = (await readiness()).text;
        if (words.test(said)) return (performance.now() - began) / 1000;
        if (said.includes('port of clients is not open')) return undefined; // whatever the log tells of the model
        const change = changesIn(await gateway.log()).find(({ at, text }) => at >= since && words.test(text));
        return change && (change.at - since) / 1000;
      };
      return waitFor(`readiness says ${words}`, look, { deadlineMs: DEADLINE_MS, everyMs: 20 }).catch(
        (error: Error) => {
          throw new Error(`${error.message}; it says: ${said}`);
        },
      );
    },
    lock: (digest) => replace(config.lockFile, { reference: 'tiny', digest }),
    drain: async () => void (await promisify(execFile)(node, [main, 'drain'], { env })),
    pid: gateway.pid,
    kill: gateway.kill,
    start: gateway.start,
    ended: gateway.ended,
    log: gateway.log,
    stop: gateway.stop,
  };
}
