// prometheus-adapter behind the API server's aggregation layer: what Prometheus knows, as metrics that autoscalers ask the API for.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../controlplane/certificates.ts';
import { freePort } from '../../controlplane/ports.ts';
import { waitFor } from '../../controlplane/wait.ts';
import type { AtEnd } from '../given.ts';
import { startProgram } from '../program.ts';
import { type Any, type MonitoredCluster, patience } from './cluster.ts';

const PROXY = 'aggregator';
const SERVICE = { name: 'custom-metrics', namespace: 'default' };
const GROUP = 'custom.metrics.k8s.io';

/** How the API server proves to the adapter whom it asks for; without it there is no aggregation layer. */
export async function aggregationFlags(atEnd: AtEnd): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-aggregation-'));
  atEnd(() => rm(folder, { recursive: true }));
  const authority = createAuthority('aggregation authority', Date.now());
  const { cert, key } = issueCertificate(authority, { commonName: PROXY }, Date.now());
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return [
    `--requestheader-client-ca-file=${await write('ca.crt', authority.cert)}`,
    `--requestheader-allowed-names=${PROXY}`,
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${await write('proxy.crt', cert)}`,
    `--proxy-client-key-file=${await write('proxy.key', key)}`,
  ];
}

/** A Service without pods that leads to this machine, and the group of the API behind it. */
function routes(port: number, ca: string): [path: string, object: Any][] {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: SERVICE,
    spec: { type: 'ExternalName', externalName: 'localhost' },
  };
  const groups = ['v1beta1', 'v1beta2'].map((version, index): [string, Any] => {
    const name = `${version}.${GROUP}`;
    const backend = { service: { ...SERVICE, port }, caBundle: Buffer.from(ca).toString('base64') };
    const place = { group: GROUP, version, groupPriorityMinimum: 100, versionPriority: 100 + index };
    const spec = { ...backend, ...place };
    const object = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name }, spec };
    return [`/apis/apiregistration.k8s.io/v1/apiservices/${name}`, object];
  });
  return [[`/api/v1/namespaces/${SERVICE.namespace}/services/${SERVICE.name}`, service], ...groups];
}

interface AdapterOptions {
  program: string;
  cluster: MonitoredCluster;
  /** http://127.0.0.1:port of Prometheus. */
  prometheus: string;
  /** As the adapter's configuration has them. */
  rules: unknown[];
}

/** Resolves when the API server serves its metrics. */
export async function startAdapter({ program, cluster, prometheus, rules }: AdapterOptions, atEnd: AtEnd) {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-adapter-'));
  const port = await freePort();
  const authority = createAuthority('adapter authority', Date.now());
  const names = { commonName: SERVICE.name, dnsNames: [`${SERVICE.name}.${SERVICE.namespace}.svc`] };
  const { cert, key } = issueCertificate(authority, names, Date.now());
  const file = (name: string) => join(folder, name);
  // JSON is YAML too.
  await writeFile(file('config.yaml'), JSON.stringify({ rules }));
  await writeFile(file('tls.crt'), cert);
  await writeFile(file('tls.key'), key, { mode: 0o600 });
  const users = ['lister', 'authentication', 'authorization'].map((who) => `--${who}-kubeconfig=${cluster.kubeconfig}`);
  const adapter = await startProgram({
    name: 'adapter',
    folder,
    program,
    argv: [
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${file('tls.crt')}`,
      `--tls-private-key-file=${file('tls.key')}`,
      `--config=${file('config.yaml')}`,
      `--prometheus-url=${prometheus}`,
      '--metrics-relist-interval=1s',
      '--metrics-max-age=1m',
      ...users,
    ],
    env: { HOME: folder },
    // Only the API server may ask it, so that it listens is all that is seen from here.
    answers: () => listens(port),
    deadlineMs: 60_000,
  });
  atEnd(adapter.stop);
  for (const [path, object] of routes(port, authority.cert)) await cluster.apply(path, object);
  await waitFor('the API server serves custom metrics', () => served(cluster), patience).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${await adapter.log(20)}`);
  });
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

async function served({ call }: MonitoredCluster): Promise<true | undefined> {
  const { status, body } = await call('GET', `/apis/${GROUP}/v1beta1`);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return (body as { resources: unknown[] }).resources.length > 0 || undefined;
}
