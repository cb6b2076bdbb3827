// The operator in this process, on a real API server, with a namespace of its own: what each test of it begins with.
import type { Registry } from 'prom-client';
import { inject } from 'vitest';
import { customResourceDefinition } from '../../../src/api/crd.ts';
import { builtInDefaults, type OperatorDefaults } from '../../../src/api/defaults.ts';
import { localModelDeployments } from '../../../src/api/types.ts';
import type { Auth } from '../../../src/kube/auth.ts';
import { type Client, createClient } from '../../../src/kube/client.ts';
import { kubeconfigAuth } from '../../../src/kube/kubeconfig.ts';
import { resources } from '../../../src/kube/resources.ts';
import { createTransport } from '../../../src/kube/transport.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import type { GatewayReader } from '../../../src/operator/gatewayReader.ts';
import { createOperator, type Operator, type OperatorOptions } from '../../../src/operator/operator.ts';
import { systemClock } from '../../../src/process/clock.ts';
import { createRegistry } from '../../../src/process/metrics.ts';
import { type Access, type Connection, connect } from '../../controlplane/access.ts';
import { createNamespace } from '../../controlplane/namespaces.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { type LogLine, recordLog } from '../../fault/recordedLog.ts';
import { type CallLog, createCallLog } from './callLog.ts';
import { createSkippingClock, type SkippingClock } from './clock.ts';
import { grantShippedRole, shippedUser } from './shippedRole.ts';
import { createTenant, type Tenant } from './tenant.ts';

/** Generous: the machine may be busy with other tests. Nothing here asserts speed. */
export const patience = { deadlineMs: 60_000 } as const;

export interface Cluster {
  access: Access;
  /** As the administrator. */
  client: Client;
  /** A client of another user, by the kubeconfig of `access.kubeconfigFor`. */
  clientOf(kubeconfig: string): Promise<Client>;
  close(): Promise<void>;
}

export interface OperatorCluster extends Cluster {
  /** As a user who has the shipped role and no other right. */
  operator: Client;
}

const transportOf = (auth: Auth) =>
  createTransport({ auth, clock: systemClock, random: Math.random, userAgent: 'integration-test' });

/** The shared control plane, or one of the test's own, with our CRD installed and served. */
export async function openCluster(connection: Connection = inject('controlPlane')): Promise<OperatorCluster> {
  const { server, ca, token } = connection;
  const credentials = { headers: { authorization: `Bearer ${token}` }, tls: { ca } };
  const transports = [
    transportOf({ server, credentials: () => Promise.resolve(credentials), refuse: () => undefined }),
  ];
  const client = createClient(transports[0] as (typeof transports)[0]);
  const access = connect(connection);
  const clientOf = async (kubeconfig: string) => {
    const auth = await kubeconfigAuth({ paths: kubeconfig, env: {}, clock: systemClock });
    const transport = transportOf(auth);
    transports.push(transport);
    return createClient(transport);
  };
  await installDefinition(client, customResourceDefinition());
  await grantShippedRole(client);
  const operator = await clientOf(await access.kubeconfigFor(shippedUser));
  const served = async () => Boolean(await operator.list(localModelDeployments)) || undefined;
  await waitFor('our kind is served, and the operator may list it', served, patience);
  return {
    access,
    client,
    operator,
    clientOf,
    close: async () => void (await Promise.all(transports.map((transport) => transport.close()))),
  };
}

export const installDefinition = (client: Client, definition: KubeObject): Promise<KubeObject> =>
  client.apply(resources.customResourceDefinition, definition, { fieldManager: 'installer' });

export interface RunningOperator {
  calls: CallLog;
  clock: SkippingClock;
  operator: Operator;
  log: readonly LogLine[];
  /** Puts its clock forward, between two passes: one that runs would count from the new time on. */
  skip(ms: number): Promise<void>;
  /** Resolves when it has ended as after SIGTERM. */
  stop(): Promise<void>;
}

export interface OperatorChoices {
  /** Default: that of the user with the shipped role. */
  client?: Client;
  /** Watches all namespaces, not the tenant's alone. */
  everywhere?: boolean;
  config?: Partial<OperatorOptions['config']>;
  defaults?: Partial<OperatorDefaults>;
  identity?: string;
  /** Absent: no gateway is asked, for simulated pods have addresses of nobody. */
  gatewayReader?: GatewayReader;
}

/** An operator for one namespace, without leader election unless asked for. */
export function startOperator(
  cluster: OperatorCluster,
  namespace: string,
  choices: OperatorChoices = {},
): RunningOperator {
  const calls = createCallLog(choices.client ?? cluster.operator);
  const clock = createSkippingClock();
  const { log, lines } = recordLog();
  const stopping = new AbortController();
  const registry = createRegistry({ node: false });
  const operator = createOperator({
    client: calls.client,
    config: {
      ...(!choices.everywhere && { namespaces: [namespace] }),
      workers: 8,
      leaderElect: false,
      leaseName: 'local-model-operator',
      upgrades: { mode: 'OnNextChange', maxConcurrent: 1 },
      defaults: { ...builtInDefaults, ...choices.defaults },
      ...choices.config,
    },
    leaseNamespace: namespace,
    identity: choices.identity ?? 'operator-1',
    clock,
    random: Math.random,
    log,
    registry,
    ...(choices.gatewayReader && { gatewayReader: choices.gatewayReader }),
  });
  const ended = operator.run(stopping.signal);
  return {
    calls,
    clock,
    operator,
    log: lines,
    async skip(ms) {
      await waitFor('the operator has nothing to do', async () => (await isIdle(registry)) || undefined, patience);
      clock.skip(ms);
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

async function isIdle(registry: Registry): Promise<boolean> {
  const metrics = await registry.getMetricsAsJSON();
  const gauge = (name: string) => metrics.find((metric) => metric.name === name)?.values[0]?.value;
  return gauge('workqueue_depth') === 0 && gauge('controller_runtime_active_workers') === 0;
}

export interface Stage extends Tenant {
  /** All that were started, also those that have ended. */
  readonly operators: readonly RunningOperator[];
  /** The operator that was started last. */
  readonly running: RunningOperator;
  /** Starts one more, or the next one after `stopOperator`. */
  start(choices?: OperatorChoices): RunningOperator;
}

/** A namespace with an operator that watches it; all of it goes with `close`. */
export async function openStage(
  cluster: OperatorCluster,
  prefix: string,
  choices: OperatorChoices | 'none' = {},
): Promise<Stage & { close(): Promise<void> }> {
  const namespace = await createNamespace(cluster.access, prefix);
  const tenant = createTenant(cluster, namespace.name);
  const started: RunningOperator[] = [];
  const start = (wanted: OperatorChoices = {}) => {
    const next = startOperator(cluster, namespace.name, wanted);
    started.push(next);
    return next;
  };
  if (choices !== 'none') start(choices);
  return {
    ...tenant,
    operators: started,
    get running() {
      const last = started.at(-1);
      if (!last) throw new Error('no operator was started');
      return last;
    },
    start,
    async close() {
      await Promise.all(started.map((operator) => operator.stop()));
      await namespace.remove();
    },
  };
}
