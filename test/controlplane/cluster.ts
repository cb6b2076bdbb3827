// A real control plane on this machine: etcd, kube-apiserver, controller-manager, scheduler and simulated nodes, in seconds.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Access, authorityName, type Connection, connect } from './access.ts';
import type { Binaries } from './binaries.ts';
import { createAuthority, issueCertificate, serviceAccountKeys } from './certificates.ts';
import { auditPolicy, type Flags, files, type Layout, processSpec, schedulerConfig } from './components.ts';
import { kubeconfig } from './kubeconfig.ts';
import { createNodes, type NodeSpec, startingNodes } from './nodes.ts';
import { freePorts } from './ports.ts';
import { simulatorConfig } from './stages.ts';
import { clearFolder, writeState } from './state.ts';
import { createSupervisor, type Supervisor } from './supervise.ts';
import { waitFor } from './wait.ts';

export interface ControlPlaneOptions {
  binaries: Binaries;
  /** State folder, removed at the end; default: a new one under the system's temporary folder. */
  folder?: string;
  /** Simulated nodes to begin with; default: a CPU, an NVIDIA and an Intel NPU node. */
  nodes?: readonly NodeSpec[];
  /** Write an audit log; default false. */
  audit?: boolean;
  /** Start the controller-manager and the scheduler; default true. Without them no pod ever comes to be. */
  controllers?: boolean;
  /** Start the simulator of nodes; default true. */
  simulator?: boolean;
  /** Make etcd's writes durable; default false. */
  durable?: boolean;
  /** Nodes renew leases and are watched over; default true. Switch off with thousands of nodes. */
  heartbeats?: boolean;
  flags?: Flags;
  /** Milliseconds until a control plane that does not come up is given up; default 120 s. */
  deadlineMs?: number;
}

export interface ControlPlane extends Access {
  /** Process ids by program, and of the supervisor. */
  pids(): Record<string, number>;
  /**
   * SIGTERM, with SIGKILL after 3 s since open watches make it linger for a minute, or SIGKILL at once: a crash. Resolves
   * when the process is gone.
   */
  stopApiServer(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** On the same port, with the same data; resolves when it is ready. */
  startApiServer(): Promise<void>;
  restartApiServer(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** For other programs that shall end when the control plane does. */
  programs: Programs;
  /** Leaves it all running when this process goes; `endKept` of state.ts, or `main.ts down`, ends it later. */
  release(): void;
  /** Ends every process and removes the state folder. May be called twice. */
  stop(): Promise<void>;
}

export type Programs = Pick<Supervisor, 'start' | 'stop' | 'ended'>;

/** The control plane did not come up. The message ends with the last lines of the log of what failed. */
export class ControlPlaneError extends Error {
  override name = 'ControlPlaneError';
}

const administrator = 'admin';
const attempts = 3;

/**
 * Starts a control plane and resolves when it serves, its nodes are ready and pods can be made. Nothing of it outlives this
 * process, however that ends, unless `release` was called. Rejects with ControlPlaneError.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const portWasTaken = error instanceof ControlPlaneError && /address already in use/.test(error.message);
      if (!portWasTaken || attempt === attempts) throw error;
    }
  }
}

async function startOnce(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { controllers = true, simulator = true, nodes = startingNodes, deadlineMs = 120_000, binaries } = options;
  const { layout, connection } = await prepare(options);
  const supervisor = createSupervisor(layout.folder);
  const processes = createProcesses(supervisor, binaries, layout, deadlineMs);
  const access = connect(connection);
  const serving = () => processes.untilHealthy('kube-apiserver', async () => await isReady(access));
  try {
    await Promise.all([processes.start('etcd'), processes.start('kube-apiserver')]);
    await serving();
    const optional: (keyof Flags)[] = [];
    if (controllers) optional.push('kube-controller-manager', 'kube-scheduler');
    if (simulator) optional.push('kwok');
    await Promise.all([...optional.map(processes.start), createNodes(access, nodes)]);
    if (controllers) await processes.untilHealthy('kube-controller-manager', () => podsCanBeMade(access));
    if (simulator && controllers) await processes.untilHealthy('kwok', () => nodesAreReady(access, nodes));
  } catch (error) {
    await supervisor.shutDown();
    throw error;
  }
  await writeState(layout.folder, supervisor.pid);
  supervisor.unref();
  const stopApiServer = (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => supervisor.stop('kube-apiserver', signal);
  const startApiServer = async () => {
    await processes.start('kube-apiserver');
    await serving();
  };
  return {
    ...access,
    pids: () => ({ ...supervisor.pids(), supervisor: supervisor.pid }),
    stopApiServer,
    startApiServer,
    restartApiServer: async (signal) => {
      await stopApiServer(signal);
      await startApiServer();
    },
    programs: supervisor,
    release: supervisor.release,
    stop: async () => {
      await supervisor.shutDown();
      await rm(layout.folder, { recursive: true, force: true }); // already done, unless somebody killed the supervisor
    },
  };
}

function createProcesses(supervisor: Supervisor, binaries: Binaries, layout: Layout, deadlineMs: number) {
  const started = new Set<keyof Flags>();

  async function start(name: keyof Flags): Promise<void> {
    await supervisor.start(processSpec(name, binaries, layout)).catch((error: Error) => {
      throw new ControlPlaneError(error.message);
    });
    started.add(name);
  }

  /** Waits until `look` holds, which `name` has to bring about; gives up at once when any of the processes ends. */
  async function untilHealthy(name: keyof Flags, look: () => Promise<boolean>): Promise<void> {
    const over = new AbortController();
    const patience = { deadlineMs, signal: over.signal };
    const healthy = waitFor(`${name} is ready`, async () => (await look()) || undefined, patience);
    try {
      await Promise.race([healthy, ...[...started].map(ended)]);
    } catch (error) {
      if (error instanceof ControlPlaneError) throw error;
      throw new ControlPlaneError(`${(error as Error).message}\n${await lastWords(layout, name)}`);
    } finally {
      over.abort();
    }
  }

  async function ended(name: keyof Flags): Promise<never> {
    const { code, signal } = await supervisor.ended(name);
    const how = signal ?? `code ${code}`;
    throw new ControlPlaneError(`${name} ended (${how}) before all was ready\n${await lastWords(layout, name)}`);
  }

  return { start, untilHealthy };
}

async function lastWords({ folder }: Layout, name: string): Promise<string> {
  const log = await readFile(join(folder, 'logs', `${name}.log`), 'utf8').catch(() => '');
  return `The end of the log of ${name}:\n${log.trimEnd().split('\n').slice(-15).join('\n')}`;
}

async function isReady({ call }: Access): Promise<boolean> {
  return (await call('GET', '/readyz', { deadlineMs: 2_000 })).status === 200;
}

/** Admission refuses pods until the controller-manager has made the namespace's service account. */
async function podsCanBeMade({ call }: Access): Promise<boolean> {
  return (await call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status === 200;
}

/** Every node is free of the taint that it was born with. */
async function nodesAreReady({ call }: Access, nodes: readonly NodeSpec[]): Promise<boolean> {
  const ours = new Set(nodes.map(({ name }) => name));
  const { body } = await call('GET', '/api/v1/nodes');
  const { items } = body as { items: { metadata: { name: string }; spec: { taints?: { key: string }[] } }[] };
  const tainted = items.filter(({ spec }) => spec.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready'));
  return items.length >= ours.size && !tainted.some(({ metadata }) => ours.has(metadata.name));
}

/** Writes keys, configuration and kubeconfigs into a new state folder. */
async function prepare(options: ControlPlaneOptions): Promise<{ layout: Layout; connection: Connection }> {
  const { audit = false, durable = false, heartbeats = true, flags = {}, binaries } = options;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'lmo-controlplane-')));
  if (options.folder) await clearFolder(folder);
  await mkdir(join(folder, 'pki'), { recursive: true, mode: 0o700 });
  await mkdir(join(folder, 'logs'), { recursive: true });
  const [etcd = 0, etcdPeer = 0, apiServer = 0] = await freePorts(3);
  const server = `https://127.0.0.1:${apiServer}`;
  const now = Date.now();
  const authority = createAuthority(authorityName, now);
  const serving = issueCertificate(
    authority,
    {
      commonName: 'kube-apiserver',
      dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
      ipAddresses: ['127.0.0.1', '10.96.0.1'],
    },
    now,
  );
  const serviceAccount = serviceAccountKeys();
  const token = randomBytes(24).toString('hex');
  const adminConfig = join(folder, 'kubeconfig');
  const contents: Record<string, string> = {
    [files.ca]: authority.cert,
    [files.caKey]: authority.key,
    [files.serving]: serving.cert,
    [files.servingKey]: serving.key,
    [files.serviceAccount]: serviceAccount.publicKey,
    [files.serviceAccountKey]: serviceAccount.privateKey,
    [files.tokens]: `${token},${administrator},${administrator},"system:masters"\n`,
    [files.auditPolicy]: auditPolicy,
    [files.scheduler]: schedulerConfig(adminConfig),
    [files.simulator]: simulatorConfig(),
    kubeconfig: kubeconfig(server, authority.cert, administrator, { token }),
  };
  await Promise.all(
    Object.entries(contents).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })),
  );
  const auditLog = audit ? { auditLog: join(folder, 'audit.log') } : {};
  return {
    layout: {
      folder,
      ports: { etcd, etcdPeer, apiServer },
      kubeconfig: adminConfig,
      durable,
      heartbeats,
      flags,
      ...auditLog,
    },
    connection: {
      server,
      ca: authority.cert,
      token,
      kubeconfig: adminConfig,
      folder,
      kubectl: binaries.kubectl,
      ...auditLog,
    },
  };
}
