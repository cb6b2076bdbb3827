// The cluster that the demo plays on: one of its own, or the user's.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findBinaries } from '../controlplane/binaries.ts';
import { type Programs, startControlPlane } from '../controlplane/cluster.ts';
import type { Progress } from '../controlplane/progress.ts';
import { downCommand, findKept, keptFolder } from '../controlplane/state.ts';
import { createSupervisor } from '../controlplane/supervise.ts';
import { DemoError } from './demoError.ts';
import { createKubectl, findKubectl, type Kubectl } from './kubectl.ts';

export interface Cluster {
  /** Ours, so that everything in it has to end as expected; else the user's, where anything may be missing. */
  own: boolean;
  kubeconfig: string;
  context?: string;
  /** Absent where the machine has none. */
  kubectl?: Kubectl;
  /** Environment for programs that use the kubeconfig. */
  env: Record<string, string>;
  /** Starts programs that end with the cluster, or with the demo. */
  programs: Programs;
  /** Where programs may write their logs. */
  logs: string;
  /** Leaves it up, with the programs, and says how to end them: a command line. */
  keep(): string;
  /** Ends the programs, and the cluster where it is ours; removes all files. */
  close(): Promise<void>;
}

export interface OwnClusterOptions {
  env: NodeJS.ProcessEnv;
  keep: boolean;
  progress: Progress;
  signal: AbortSignal;
}

/** Rejects with BinariesError, ControlPlaneError, DemoError or the reason of `signal`; nothing is left then. */
export async function startOwnCluster({ env, keep, progress, signal }: OwnClusterOptions): Promise<Cluster> {
  if (keep && (await findKept(keptFolder()))) {
    throw new DemoError(
      `A control plane was kept already. To use it: npm run demo -- --kubeconfig ${keptFolder()}/kubeconfig\n` +
        `To end it: ${downCommand(keptFolder())}`,
    );
  }
  const { paths, origin } = await until(findBinaries({ env, progress }), signal);
  progress.say(origin);
  const starting = startControlPlane({ binaries: paths, ...(keep && { folder: keptFolder() }) });
  await progress
    .during('Starting etcd, API server, scheduler, controllers and simulated nodes', () => '', until(starting, signal))
    .catch(() => undefined); // looked at below
  const controlPlane = await until(starting, signal).catch(async (error: unknown) => {
    await starting.then(
      ({ stop }) => stop(),
      () => undefined,
    );
    throw error;
  });
  const { folder, kubeconfig, kubectl, programs } = controlPlane;
  // HOME inside the folder: kubectl's discovery cache must not outlive the cluster, and port numbers come back.
  const bare = { HOME: folder, PATH: env.PATH ?? '', KUBECONFIG: kubeconfig };
  return {
    own: true,
    kubeconfig,
    kubectl: createKubectl({ program: kubectl, env: bare }),
    env: bare,
    programs,
    logs: join(folder, 'logs'),
    keep: () => {
      controlPlane.release();
      return downCommand(folder);
    },
    close: controlPlane.stop,
  };
}

/** Settles as `work` does, or rejects as soon as the signal aborts. */
function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

export interface GivenClusterOptions {
  env: NodeJS.ProcessEnv;
  kubeconfig: string;
  context?: string;
}

/** Starts nothing in the user's cluster; has a place for the operator that runs beside it. */
export async function useGivenCluster({ env, kubeconfig, context }: GivenClusterOptions): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-demo-'));
  const supervisor = createSupervisor(folder);
  supervisor.unref();
  const path = resolve(kubeconfig);
  const own = { KUBECONFIG: path };
  const program = await findKubectl(env);
  const flags = context ? ['--context', context] : [];
  return {
    own: false,
    kubeconfig: path,
    ...(context && { context }),
    ...(program && { kubectl: createKubectl({ program, env: { ...env, ...own }, flags }) }),
    // All of it: credential plugins of the kubeconfig may need any of it.
    env: {
      ...Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
      ...own,
    },
    programs: supervisor,
    logs: folder,
    keep: () => {
      supervisor.release();
      return `kill ${supervisor.pid}`;
    },
    close: supervisor.shutDown,
  };
}

/** Saves a log from a cluster that is about to go; resolves with where it lies now, or undefined when there is none. */
export async function saveLog(log: string): Promise<string | undefined> {
  const text = await readFile(log).catch(() => undefined);
  if (!text) return undefined;
  const path = join(await mkdtemp(join(tmpdir(), 'local-model-demo-')), 'operator.log');
  await writeFile(path, text);
  return path;
}
