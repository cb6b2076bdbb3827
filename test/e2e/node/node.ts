// A real Kubernetes node with its control plane, in namespaces of its own on this machine: kubelet, containerd, kube-proxy, DNS.
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { type Access, type Connection, connect } from '../../controlplane/access.ts';
import { freePort } from '../../controlplane/ports.ts';
import { waitFor } from '../../controlplane/wait.ts';
import type { NodeBinaries } from './binaries.ts';
import type { Report } from './keeper.ts';
import { type Layout, layoutOf, network, nodeName } from './layout.ts';
import { writeLoaderCache } from './loader.ts';
import type { Plan } from './plan.ts';
import { secrets } from './secrets.ts';
import { clusterServices } from './services.ts';
import { configurationFiles, environment, units } from './units.ts';

export interface NodeOptions {
  binaries: NodeBinaries;
  /** Simulated GPUs (nvidia.com/gpu); default 0. */
  devices?: number;
  /** OCI archives to import before it is Ready. */
  images?: readonly string[];
  /** Milliseconds; default 180 s. */
  deadlineMs?: number;
}

/** Plain data: can be handed to vitest's workers. */
export interface NodeConnection {
  readonly connection: Connection;
  readonly layout: Layout;
  /** Process number of the first process, on the host. */
  readonly init: number;
  readonly keeper: number;
  readonly cgroup: string;
  readonly programs: {
    readonly ctr: string;
    readonly containerd: string;
    readonly environment: Record<string, string>;
  };
}

export interface RealNode extends NodeConnection {
  readonly access: Access;
  /** Leaves it running when this process goes. */
  release(): void;
  /** Resolves when nothing of it is left. May be called twice. */
  stop(): Promise<void>;
}

/** The node did not come up. The message ends with the last lines of what failed. */
export class NodeError extends Error {
  override name = 'NodeError';
}

const execute = promisify(execFile);

/** Resolves when the node is Ready, has its images and can be given pods. Rejects with NodeError; nothing is left then. */
export async function startNode(options: NodeOptions): Promise<RealNode> {
  const { deadlineMs = 180_000, images = [], binaries } = options;
  const layout = layoutOf(await mkdtemp(join(tmpdir(), 'lmo-node-')));
  const cgroup = `lmo-${randomBytes(4).toString('hex')}`;
  const port = await freePort();
  const connection = await prepare(layout, cgroup, port, options);
  const keeper = await startKeeper(layout, cgroup, port);
  const access = connect(connection);
  const programs = {
    ctr: binaries.ctr,
    containerd: binaries.containerd,
    environment: environment(binaries, layout.folder),
  };
  const node = { connection, layout, init: keeper.init, keeper: keeper.pid, cgroup, programs };
  try {
    await Promise.race([untilUp(node, access, images, deadlineMs), keeper.failed]);
  } catch (error) {
    const words = await lastWords(layout);
    await keeper.stop();
    throw new NodeError(`${(error as Error).message}\n${words}`);
  }
  return { ...node, access, release: keeper.release, stop: keeper.stop };
}

async function untilUp(node: NodeConnection, access: Access, images: readonly string[], deadlineMs: number) {
  const importing = importImages(node, images, deadlineMs);
  importing.catch(() => {}); // until it is awaited below
  const ready = async () => (await access.call('GET', '/readyz', { deadlineMs: 2_000 })).status === 200 || undefined;
  await waitFor('the API server', ready, { deadlineMs });
  await clusterServices(access);
  await waitFor('the node is Ready', () => isReady(access), { deadlineMs });
  const account = async () =>
    (await access.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status === 200 || undefined;
  await waitFor('pods can be made', account, { deadlineMs });
  await importing;
}

interface NodeObject {
  status: { conditions?: { type: string; status: string }[] };
}

async function isReady({ call }: Access): Promise<true | undefined> {
  const { body, status } = await call('GET', `/api/v1/nodes/${nodeName}`);
  if (status !== 200) return undefined;
  const { conditions = [] } = (body as NodeObject).status;
  return conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True') || undefined;
}

/** Runs a program within the node's namespaces. */
export async function runInNode({ init, programs }: NodeConnection, argv: readonly string[]): Promise<string> {
  const enter = ['-t', String(init), '-m', '-n', '-p', '-u', '-i', '--', ...argv];
  const { stdout } = await execute('nsenter', enter, { env: programs.environment, maxBuffer: 2 ** 26, cwd: '/' });
  return stdout;
}

/** OCI archives, into what the kubelet sees. */
export async function importImages(
  node: NodeConnection,
  archives: readonly string[],
  deadlineMs = 60_000,
): Promise<void> {
  const ctr = (...argv: string[]) => runInNode(node, [node.programs.ctr, '-n', 'k8s.io', ...argv]);
  await waitFor('containerd', async () => (await ctr('version')) !== undefined || undefined, {
    deadlineMs,
    everyMs: 200,
  });
  for (const archive of archives) await ctr('images', 'import', archive);
}

async function prepare(layout: Layout, cgroup: string, port: number, options: NodeOptions): Promise<Connection> {
  const { binaries, devices = 0 } = options;
  const { folder, logs, varLib, varLog, cni, masks, registry, door, plan } = layout;
  for (const place of [logs, varLib, varLog, cni, masks, registry, join(folder, 'pki')]) await mkdir(place);
  await writeLoaderCache(masks, binaries.debian);
  const { token, ca, files } = secrets(layout, port);
  const todo: Plan = {
    hostname: nodeName,
    address: `${network.node}/24`,
    nameServer: network.dnsService,
    folders: { varLib, varLog, masks },
    door,
    units: units(layout, binaries, devices),
  };
  const contents = { ...files, ...configurationFiles(layout, binaries, cgroup), [plan]: JSON.stringify(todo) };
  for (const [path, text] of Object.entries(contents)) await writeFile(path, text, { mode: 0o600 });
  return {
    server: `https://127.0.0.1:${port}`,
    ca,
    token,
    kubeconfig: join(folder, 'host.kubeconfig'),
    folder,
    kubectl: binaries.controlPlane.kubectl,
    auditLog: join(folder, 'audit.log'),
  };
}

async function startKeeper({ folder, logs }: Layout, cgroup: string, port: number) {
  const words = openSync(join(logs, 'keeper.log'), 'a'); // not ours: it would hold whatever reads our output
  const child = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), folder, cgroup, String(port)], {
    stdio: ['pipe', 'pipe', words],
    detached: true, // Ctrl-C reaches only us, and the clean-up runs undisturbed
    env: { PATH: process.env.PATH ?? '' },
  });
  closeSync(words);
  const { stdin, stdout } = child as ChildProcessByStdio<Writable, Readable, null>;
  stdin.on('error', () => {});
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const started = Promise.withResolvers<number>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  createInterface({ input: stdout }).on('line', (line) => {
    const report = JSON.parse(line) as Report;
    if (report.report === 'started') started.resolve(report.init);
    else failed.reject(new Error(`the first process of the node has ended (${report.code})`));
  });
  child.once('exit', (code) => started.reject(new Error(`the node's keeper has ended (${code})`)));
  const init = await started.promise;
  return {
    pid: child.pid ?? 0,
    init,
    failed: failed.promise,
    release() {
      stdin.write('release\n');
      for (const end of [child, stdin, stdout] as unknown as { unref(): void }[]) end.unref();
    },
    async stop() {
      stdin.end();
      await gone;
    },
  };
}

const talkative = ['keeper', 'init', 'kube-apiserver', 'containerd', 'kubelet'] as const;

async function lastWords({ logs }: Layout): Promise<string> {
  const texts = talkative.map(async (name) => {
    const log = await readFile(join(logs, `${name}.log`), 'utf8').catch(() => '');
    return `The end of the log of ${name}:\n${log.trimEnd().split('\n').slice(-8).join('\n')}`;
  });
  return (await Promise.all(texts)).join('\n');
}
