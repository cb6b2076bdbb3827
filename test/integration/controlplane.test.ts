import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Access, connect } from '../controlplane/access.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/cluster.ts';
import { createNamespace, type TestNamespace } from '../controlplane/namespaces.ts';
import { createNodes, type NodeSpec } from '../controlplane/nodes.ts';
import { type Outcome, simulation } from '../controlplane/stages.ts';
import { waitFor } from '../controlplane/wait.ts';

const access: Access = connect(inject('controlPlane'));
const patience = { deadlineMs: 60_000 };
let namespace: TestNamespace;

beforeAll(async () => {
  namespace = await createNamespace(access, 'controlplane');
});
afterAll(() => namespace?.remove());

interface ContainerStatus {
  name: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  state: {
    running?: object;
    waiting?: { reason: string; message?: string };
    terminated?: { exitCode: number; reason: string; message?: string };
  };
  lastState: ContainerStatus['state'];
}

interface Pod {
  metadata: { name: string };
  status: {
    phase: string;
    podIP?: string;
    conditions: { type: string; status: string; reason?: string; message?: string }[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

const podSpec = (resources: Record<string, string> = {}) => ({
  initContainers: [
    { name: 'gateway', image: 'gateway', restartPolicy: 'Always' },
    { name: 'pull', image: 'pull', args: ['llama'] },
  ],
  containers: [{ name: 'ollama', image: 'ollama', resources: { limits: resources } }],
});

async function makePod(name: string, outcome: Outcome, annotations: Record<string, string> = {}): Promise<void> {
  const metadata = { name, annotations: { [simulation.outcome]: outcome, ...annotations } };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec() };
  const { status } = await access.call('POST', `/api/v1/namespaces/${namespace.name}/pods`, { body });
  expect(status).toBe(201);
}

/** The pod once `look` holds of it. */
function podThat(name: string, look: (pod: Pod) => boolean): Promise<Pod> {
  const path = `/api/v1/namespaces/${namespace.name}/pods/${name}`;
  const find = async () => {
    const pod = (await access.call('GET', path)).body as Pod;
    return look(pod) ? pod : undefined;
  };
  return waitFor(`pod ${name}: ${look}`, find, patience);
}

const conditionOf = ({ status }: Pod, type: string) => status.conditions.find((condition) => condition.type === type);
const isReady = (pod: Pod) => conditionOf(pod, 'Ready')?.status === 'True';
const containerOf = ({ status }: Pod, name: string) =>
  [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find((one) => one.name === name);

test('of three replicas with a device each, two get Ready on a node with two devices and the third is Pending', async () => {
  const node: NodeSpec = {
    name: `${namespace.name}-gpu`,
    labels: { pool: namespace.name },
    resources: { 'example.com/gpu': '2' },
  };
  await createNodes(access, [node]);
  const labels = { app: 'three' };
  const body = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'three' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { ...podSpec({ 'example.com/gpu': '1' }), nodeSelector: { pool: namespace.name } },
      },
    },
  };
  await access.call('POST', `/apis/apps/v1/namespaces/${namespace.name}/deployments`, { body });
  const pods = await waitFor(
    'two pods are Ready and one is not',
    async () => {
      const path = `/api/v1/namespaces/${namespace.name}/pods?labelSelector=app%3Dthree`;
      const { items } = (await access.call('GET', path)).body as { items: Pod[] };
      const settled =
        items.filter(isReady).length === 2 && items.some((pod) => conditionOf(pod, 'PodScheduled')?.reason);
      return settled ? items : undefined;
    },
    patience,
  );
  const ready = pods.filter(isReady);
  const digests = ready.map((pod) => {
    expect(containerOf(pod, 'gateway')).toMatchObject({ ready: true, started: true, state: { running: {} } });
    const pull = containerOf(pod, 'pull')?.state.terminated;
    expect(pull?.exitCode).toBe(0);
    return JSON.parse(pull?.message ?? '').digest as string;
  });
  expect(new Set(digests).size).toBe(1);
  expect(digests[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
  const [pending] = pods.filter((pod) => !isReady(pod));
  expect(pending?.status.phase).toBe('Pending');
  expect(conditionOf(pending as Pod, 'PodScheduled')?.message).toContain('1 Insufficient example.com/gpu');
  await access.call('DELETE', `/api/v1/nodes/${node.name}`);
});

describe('a pod plays the outcome that its annotation asks for', () => {
  test('a failed pull shows its exit code and its message', async () => {
    const message = JSON.stringify({ reason: 'DigestMismatch', message: 'the registry serves something else' });
    await makePod('pull-fails', 'pull-fails', { [simulation.exitCode]: '42', [simulation.message]: message });
    const pod = await podThat('pull-fails', (seen) => containerOf(seen, 'pull')?.state.terminated !== undefined);
    expect(containerOf(pod, 'pull')?.state.terminated).toMatchObject({ exitCode: 42, reason: 'Error', message });
    expect(containerOf(pod, 'gateway')?.state.running).toBeDefined();
    expect(containerOf(pod, 'ollama')?.state.waiting?.reason).toBe('PodInitializing');
    expect(pod.status.phase).toBe('Pending');
  });

  test('a pull reports the digest that it was given, or one that follows from the reference', async () => {
    const pullOf = async (name: string, config: object) => {
      const { initContainers, containers } = podSpec();
      const env = [{ name: 'PULL_CONFIG', value: JSON.stringify(config) }];
      const spec = { containers, initContainers: initContainers.map((one) => ({ ...one, env })) };
      const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
      await access.call('POST', `/api/v1/namespaces/${namespace.name}/pods`, { body });
      const message = containerOf(await podThat(name, isReady), 'pull')?.state.terminated?.message;
      return JSON.parse(message ?? '') as { reference: string; digest: string };
    };
    const first = await pullOf('tag-1', { reference: 'llama:8b' });
    const second = await pullOf('tag-2', { reference: 'llama:8b' });
    const other = await pullOf('tag-3', { reference: 'llama:70b' });
    const pinned = await pullOf('tag-4', { reference: 'llama:8b', digest: 'sha256:abc' });
    expect(first.reference).toBe('llama:8b');
    expect(second.digest).toBe(first.digest);
    expect(other.digest).not.toBe(first.digest);
    expect(pinned.digest).toBe('sha256:abc');
  });

  test('a successful pull says what it was told to say', async () => {
    const message = '{"reason":"Done","reference":"llama:8b","digest":"sha256:abc","sizeBytes":5}';
    await makePod('pulled', 'ready', { [simulation.pullMessage]: message });
    const pod = await podThat('pulled', isReady);
    expect(containerOf(pod, 'pull')?.state.terminated?.message).toBe(message);
    expect(pod.status.podIP).toMatch(/^10\./);
  });

  test.each([
    ['image-pull-backoff', 'ollama', { state: { waiting: { reason: 'ImagePullBackOff' } } }],
    ['sidecar-image-missing', 'gateway', { state: { waiting: { reason: 'ImagePullBackOff' } } }],
    ['container-creating', 'ollama', { state: { waiting: { reason: 'ContainerCreating' } } }],
    ['crash-loop', 'ollama', { restartCount: 3, lastState: { terminated: { exitCode: 1 } } }],
    ['oom-killed', 'ollama', { lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
    ['never-ready', 'ollama', { ready: false, started: true, state: { running: {} } }],
    ['starting', 'ollama', { ready: false, started: false, state: { running: {} } }],
    ['pulling', 'pull', { state: { running: {} } }],
    ['pull-crash-loops', 'pull', { restartCount: 3, lastState: { terminated: { exitCode: 40 } } }],
    ['mount-fails', 'gateway', { state: { waiting: { reason: 'PodInitializing' } } }],
  ] as const)('%s: container %s', async (outcome, container, expected) => {
    await makePod(outcome, outcome);
    const pod = await podThat(outcome, (seen) => containerOf(seen, container) !== undefined);
    expect(containerOf(pod, container)).toMatchObject(expected);
    expect(isReady(pod)).toBe(false);
  });

  test('and another one when the annotation changes', async () => {
    await makePod('changing', 'pulling');
    await podThat('changing', (pod) => containerOf(pod, 'pull')?.state.running !== undefined);
    const become = (outcome: Outcome) =>
      access.runKubectl([
        '-n',
        namespace.name,
        'annotate',
        '--overwrite',
        'pod/changing',
        `${simulation.outcome}=${outcome}`,
      ]);
    await become('ready');
    await podThat('changing', isReady);
    await become('oom-killed');
    const pod = await podThat('changing', (seen) => !isReady(seen));
    expect(containerOf(pod, 'ollama')?.lastState.terminated?.reason).toBe('OOMKilled');
  });

  test('a pod of a Job runs to its end', async () => {
    const template = { spec: { ...podSpec(), restartPolicy: 'Never' } };
    const body = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template } };
    const path = `/apis/batch/v1/namespaces/${namespace.name}/jobs`;
    await access.call('POST', path, { body });
    const isComplete = async () => {
      const job = (await access.call('GET', `${path}/once`)).body as { status: { succeeded?: number } };
      return job.status.succeeded === 1 || undefined;
    };
    await waitFor('the job has succeeded', isComplete, patience);
  });

  test('a pod that is told never to stop hangs in Terminating', async () => {
    await makePod('hanging', 'ready', { [simulation.stop]: 'never' });
    await podThat('hanging', isReady);
    const path = `/api/v1/namespaces/${namespace.name}/pods/hanging`;
    await access.call('DELETE', path);
    await makePod('stopping', 'ready');
    await podThat('stopping', isReady);
    await access.call('DELETE', path.replace('hanging', 'stopping'));
    const isGone = async () =>
      (await access.call('GET', path.replace('hanging', 'stopping'))).status === 404 || undefined;
    await waitFor('the other pod is gone', isGone, patience);
    expect((await access.call('GET', path)).status).toBe(200);
    expect((await access.call('DELETE', `${path}?gracePeriodSeconds=0`)).status).toBe(200);
  });
});

test('a user has no rights but those that were given', async () => {
  const kubeconfig = await access.kubeconfigFor('jane', ['readers']);
  const list = () => access.runKubectl(['-n', namespace.name, 'get', 'pods'], { kubeconfig });
  const refused = await list();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('User "jane" cannot list resource "pods"');
  const role = ['create', 'rolebinding', 'readers', '--clusterrole=view', '--group=readers', '-n', namespace.name];
  expect(await access.runKubectl(role)).toMatchObject({ code: 0 });
  await waitFor('jane may list', async () => (await list()).code === 0 || undefined, patience);
});

describe('a control plane of its own', () => {
  let own: ControlPlane;
  beforeAll(async () => {
    own = await startControlPlane({ binaries: inject('binaries'), audit: true, nodes: [{ name: 'only' }] });
  });
  afterAll(() => own?.stop());

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'keeps its data when the API server is restarted after %s',
    async (signal) => {
      const name = `kept-${signal.toLowerCase()}`;
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { key: 'value' } };
      await own.call('POST', '/api/v1/namespaces/default/configmaps', { body });
      await own.stopApiServer(signal);
      await expect(own.call('GET', '/readyz')).rejects.toThrow(/ECONNREFUSED/);
      await own.startApiServer();
      expect(await own.call('GET', `/api/v1/namespaces/default/configmaps/${name}`)).toMatchObject({
        status: 200,
        body: { data: { key: 'value' } },
      });
    },
  );

  test('still schedules and runs pods afterwards', async () => {
    await own.restartApiServer('SIGKILL');
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'after' }, spec: podSpec() };
    await own.call('POST', '/api/v1/namespaces/default/pods', { body });
    const ready = async () =>
      isReady((await own.call('GET', '/api/v1/namespaces/default/pods/after')).body as Pod) || undefined;
    await waitFor('the pod is Ready', ready, patience);
  });

  test('writes who asked for what into its audit log, and no bodies', async () => {
    await own.call('GET', '/api/v1/namespaces/default/configmaps/nobody-has-this');
    const lines = (await readFile(own.auditLog ?? '', 'utf8')).trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const event = events.find(({ requestURI }) => String(requestURI).includes('nobody-has-this'));
    expect(event).toMatchObject({ verb: 'get', user: { username: 'admin' }, responseStatus: { code: 404 } });
    expect(events.some((one) => 'requestObject' in one)).toBe(false);
  });
});
