// A control plane with an operator process that leads, a model's deployment, and the ServiceMonitors by which both are scraped.
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { customResourceDefinition } from '../../../src/api/crd.ts';
import { GROUP, KIND, labels, VERSION } from '../../../src/api/types.ts';
import { childNames } from '../../../src/children/metadata.ts';
import { GATEWAY_CONFIG, type GatewayConfig, readGatewayConfig } from '../../../src/gateway/config.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../../controlplane/cluster.ts';
import { createNamespace } from '../../controlplane/namespaces.ts';
import { freePort } from '../../controlplane/ports.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { serviceMonitorDefinition } from '../../integration/fixtures/serviceMonitorDefinition.ts';
import type { AtEnd } from '../given.ts';
import { startProgram } from '../program.ts';
import { discovered, type ServiceFound, type ServiceMonitor, type TargetGroup } from './scrape.ts';

const root = join(import.meta.dirname, '../../..');
/** What Helm makes of the chart; reviewed, and compared with Helm in test/integration. */
const chartGolden = join(root, 'test/chart/golden/everything.yaml');

export const patience = { deadlineMs: 60_000 };

// biome-ignore lint/suspicious/noExplicitAny: a test may look at any field of any kind
export type Any = any;

export interface MonitoredCluster extends ControlPlane {
  /** Of the model. */
  readonly namespace: string;
  /** `path` begins behind the namespace's own; rejects unless it is there. */
  read(path: string): Promise<Any>;
  apply(path: string, object: Any): Promise<void>;
  /** Pods of the deployment that are Ready, oldest first. */
  pods(name: string): Promise<Any[]>;
}

async function startOperator({ kubeconfig }: ControlPlane, atEnd: AtEnd): Promise<number> {
  const port = await freePort();
  const operator = await startProgram({
    name: 'operator',
    folder: await mkdtemp(join(tmpdir(), 'lmo-operator-')),
    program: join(root, 'node_modules/.bin/node'),
    argv: [
      join(root, 'src/operator/main.ts'),
      `--kubeconfig=${kubeconfig}`,
      '--lease-namespace=default',
      '--gateway-access=None', // simulated pods have addresses of nobody
      '--admin-host=127.0.0.1',
      `--admin-port=${port}`,
    ],
    env: { PATH: '/usr/bin:/bin' },
    answers: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
    deadlineMs: 60_000,
  });
  atEnd(operator.stop);
  return port;
}

async function applyTo({ call }: ControlPlane, path: string, body: Any): Promise<void> {
  const answer = await call('PATCH', `${path}?fieldManager=test&force=true`, {
    body,
    contentType: 'application/apply-patch+yaml',
  });
  if (answer.status > 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

async function readFrom({ call }: ControlPlane, path: string): Promise<Any> {
  const { status, body } = await call('GET', path);
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return body;
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
export const deploymentPath = (name: string) => `/apis/${GROUP}/${VERSION}/NAMESPACE/localmodeldeployments/${name}`;

/** Also starts an operator; resolves with where its metrics are. */
export async function startMonitoredCluster(
  options: Pick<ControlPlaneOptions, 'binaries' | 'flags' | 'audit'>,
  atEnd: AtEnd,
): Promise<{ cluster: MonitoredCluster; operator: TargetGroup }> {
  const controlPlane = await startControlPlane(options);
  atEnd(controlPlane.stop);
  for (const definition of [customResourceDefinition(), serviceMonitorDefinition] as Any[])
    await applyTo(controlPlane, `${definitions}/${definition.metadata.name}`, definition);
  const port = await startOperator(controlPlane, atEnd);
  const { name: namespace } = await createNamespace(controlPlane, 'ai');
  const inNamespace = (path: string) => path.replace('NAMESPACE', `namespaces/${namespace}`);
  const read = (path: string) => readFrom(controlPlane, inNamespace(path));
  const cluster: MonitoredCluster = {
    ...controlPlane,
    namespace,
    read,
    apply: (path, object) =>
      waitFor(
        `${path} is taken`, // the kind may have been installed a moment ago
        async () => {
          await applyTo(controlPlane, inNamespace(path), object);
          return true;
        },
        patience,
      ).then(() => undefined),
    async pods(name) {
      const { items } = await read(`/api/v1/NAMESPACE/pods?labelSelector=${labels.deployment}=${name}`);
      return (items as Any[])
        .filter(({ status }) => status.conditions?.some((c: Any) => c.type === 'Ready' && c.status === 'True'))
        .sort((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
    },
  };
  const { service } = await operatorObjects();
  const found = { service, pod: 'operator-1', container: 'operator', address: `127.0.0.1:${port}` };
  return { cluster, operator: discovered(found) };
}

/** Of the chart: what leads Prometheus to the operator. */
export async function operatorObjects(): Promise<{ service: ServiceFound; monitor: ServiceMonitor }> {
  const objects: Any[] = parseAllDocuments(await readFile(chartGolden, 'utf8')).map((each) => each.toJS());
  const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor');
  const service = objects.find(({ kind, spec }) => kind === 'Service' && spec.ports[0].name === 'admin');
  return { monitor, service };
}

/** Applies it and resolves with its first pod that is Ready, and what the gateway of that pod is told. */
export async function deployModel(
  cluster: MonitoredCluster,
  name: string,
  spec: Any,
): Promise<{ pod: string; config: GatewayConfig }> {
  const apiVersion = `${GROUP}/${VERSION}`;
  await cluster.apply(deploymentPath(name), { apiVersion, kind: KIND, metadata: { name }, spec });
  const pod = await waitFor(`a pod of ${name} is Ready`, async () => (await cluster.pods(name))[0], patience);
  const containers: Any[] = [...pod.spec.containers, ...pod.spec.initContainers];
  const variables = containers.flatMap(({ env = [] }) => env as { name: string; value: string }[]);
  const config = readGatewayConfig(variables.find(({ name: variable }) => variable === GATEWAY_CONFIG)?.value);
  return { pod: pod.metadata.name, config };
}

/** As the operator has made them. */
export async function modelObjects(
  { read }: MonitoredCluster,
  name: string,
): Promise<{ service: ServiceFound; monitor: ServiceMonitor }> {
  const { metricsService, serviceMonitor } = childNames(name);
  return waitFor(
    'Service and ServiceMonitor of the model',
    async () => ({
      service: await read(`/api/v1/NAMESPACE/services/${metricsService}`),
      monitor: await read(`/apis/monitoring.coreos.com/v1/NAMESPACE/servicemonitors/${serviceMonitor}`),
    }),
    patience,
  );
}
