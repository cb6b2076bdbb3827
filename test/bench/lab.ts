// A control plane of its own for one pass: CRDs installed, a namespace, and a service account such as the chart makes.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import type { Auth } from '../../src/kube/auth.ts';
import { type Client, createClient } from '../../src/kube/client.ts';
import { createTransport, type Transport } from '../../src/kube/transport.ts';
import { apiVersionOf } from '../../src/kube/types.ts';
import { systemClock } from '../../src/process/clock.ts';
import type { Binaries } from '../controlplane/binaries.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/cluster.ts';
import { createNamespace } from '../controlplane/namespaces.ts';
import { createNodes } from '../controlplane/nodes.ts';
import { waitFor } from '../controlplane/wait.ts';
import { installCrd } from '../integration/apiServer.ts';
import { serviceMonitorDefinition } from './sample.ts';
import { type Usage, usageOf } from './usage.ts';

export interface Lab {
  readonly namespace: string;
  /** Of the client that makes the deployments, and of the floor. */
  readonly client: Client;
  /** PUT of the status alone, which the operator's client has no use for. */
  replaceStatus(deployment: StoredDeployment): Promise<StoredDeployment>;
  /** Of the one who only looks. */
  readonly spectator: Client;
  readonly server: URL;
  /** Folder with token, ca.crt and namespace, as Kubernetes mounts it. */
  readonly serviceAccount: string;
  readonly auditLog: string;
  /** CPU seconds so far of kube-apiserver and etcd. */
  serverCpuSeconds(): Promise<number>;
  /** Kills it, and resolves when one on the same port is ready. */
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

export interface LabOptions {
  binaries: Binaries;
  durable: boolean;
  /** Simulated nodes beyond the few that every control plane has. */
  nodes: number;
}

/** What a kubelet reports beside what simulated nodes have (images, conditions), so that a page of nodes is as large as a real one. */
const nodeWeight = { 'bench.localmodels.dev/weight': 'x'.repeat(8 * 1024) };

const systemNamespace = 'local-model-operator';
const account = 'local-model-operator';

export async function openLab({ binaries, durable, nodes }: LabOptions): Promise<Lab> {
  // Leases of thousands of nodes would be most of what the API server does.
  const controlPlane = await startControlPlane({ binaries, durable, audit: true, heartbeats: nodes === 0 });
  try {
    return await furnish(controlPlane, nodes);
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

async function furnish(controlPlane: ControlPlane, nodes: number): Promise<Lab> {
  await Promise.all([installCrd(controlPlane), installServiceMonitors(controlPlane)]);
  const extra = Array.from({ length: nodes }, (_, index) => ({ name: `plain-${index}`, annotations: nodeWeight }));
  await createNodes(controlPlane, extra);
  const { name: namespace } = await createNamespace(controlPlane, 'bench');
  const serviceAccount = await makeServiceAccount(controlPlane);
  const writer = transportFor(controlPlane, 'writer');
  const watcher = transportFor(controlPlane, 'spectator');
  const { auditLog, server, pids } = controlPlane;
  if (!auditLog) throw new Error('the control plane has no audit log');
  return {
    namespace,
    client: createClient(writer),
    replaceStatus: (deployment) => replaceStatus(writer, deployment),
    spectator: createClient(watcher),
    server: new URL(server),
    serviceAccount,
    auditLog,
    async serverCpuSeconds() {
      const usages = await Promise.all(['kube-apiserver', 'etcd'].map((name) => usageOf(pids()[name] ?? 0)));
      return usages.filter((usage): usage is Usage => usage !== undefined).reduce((sum, u) => sum + u.cpuSeconds, 0);
    },
    restartApiServer: () => controlPlane.restartApiServer('SIGKILL'),
    async stop() {
      await Promise.all([writer.close(), watcher.close()]);
      await controlPlane.stop();
    },
  };
}

function replaceStatus(transport: Transport, deployment: StoredDeployment): Promise<StoredDeployment> {
  const { namespace, name } = deployment.metadata;
  const collection = `/apis/${apiVersionOf(localModelDeployments)}/namespaces/${namespace}/${localModelDeployments.plural}`;
  const path = `${collection}/${name}/status`;
  return transport.json({ verb: 'update', method: 'PUT', path, body: deployment, idempotent: false });
}

async function installServiceMonitors({ call }: ControlPlane): Promise<void> {
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: serviceMonitorDefinition });
  const isServed = async () => (await call('GET', '/apis/monitoring.coreos.com/v1/servicemonitors')).status === 200;
  await waitFor('ServiceMonitors are served', async () => (await isServed()) || undefined, { deadlineMs: 60_000 });
}

/** A token that the API server checks as it checks a pod's, with all rights. */
async function makeServiceAccount({ call, ca, folder }: ControlPlane): Promise<string> {
  const make = async (path: string, body: object): Promise<unknown> => {
    const answer = await call('POST', path, { body });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const accounts = `/api/v1/namespaces/${systemNamespace}/serviceaccounts`;
  await make('/api/v1/namespaces', { metadata: { name: systemNamespace } });
  await make(accounts, { metadata: { name: account } });
  await make('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: account },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: systemNamespace }],
  });
  const { status } = (await make(`${accounts}/${account}/token`, { spec: { expirationSeconds: 86_400 } })) as {
    status: { token: string };
  };
  const mounted = join(folder, 'service-account');
  await mkdir(mounted, { mode: 0o700 });
  const contents = { token: status.token, 'ca.crt': ca, namespace: systemNamespace };
  for (const [file, text] of Object.entries(contents)) await writeFile(join(mounted, file), text, { mode: 0o600 });
  return mounted;
}

function transportFor({ server, token, ca }: ControlPlane, role: string): Transport {
  const credentials = { headers: { authorization: `Bearer ${token}` }, tls: { ca } };
  const auth: Auth = { server, credentials: async () => credentials, refuse: () => undefined };
  return createTransport({
    auth,
    clock: systemClock,
    random: Math.random,
    userAgent: `bench-${role}`,
    deadlineMs: 60_000,
  });
}
