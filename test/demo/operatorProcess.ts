// The operator as a process of its own, started as a person would start it outside a cluster.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../src/kube/client.ts';
import type { Lease } from '../../src/kube/leaseRecord.ts';
import { resources } from '../../src/kube/resources.ts';
import type { Cluster } from './cluster.ts';
import { DemoError, patiently } from './demoError.ts';

export interface OperatorProcess {
  /** As a person would type it. */
  commandLine: string;
  pid: number;
  /** SIGTERM, and waits until it is gone. */
  stop(): Promise<void>;
}

export interface OperatorProcessOptions {
  cluster: Cluster;
  client: Pick<Client, 'get'>;
  /** Root folder of the project. */
  root: string;
  /** The only namespace that it looks after; default: all of them. */
  namespace?: string;
  leaseNamespace: string;
  signal: AbortSignal;
  /** Called when it ends without having been asked to. */
  onEnd(error: DemoError): void;
}

const name = 'operator';

export const operatorLog = ({ logs }: Cluster): string => join(logs, `${name}.log`);

/** Resolves once it leads. Rejects with DemoError when it does not come to that. */
export async function startOperator(options: OperatorProcessOptions): Promise<OperatorProcess> {
  const { cluster, client, root, namespace, leaseNamespace, signal, onEnd } = options;
  const { programs, kubeconfig, context } = cluster;
  const script = 'src/operator/main.ts';
  const told = [...(namespace ? ['--namespaces', namespace] : []), ...(context ? ['--context', context] : [])];
  // Simulated pods have addresses that nobody answers under.
  const ours = [
    '--gateway-access',
    'None',
    '--lease-namespace',
    leaseNamespace,
    '--admin-host',
    '127.0.0.1',
    '--admin-port',
    '0',
  ];
  const log = operatorLog(cluster);
  const pid = await programs.start({
    name,
    program: process.execPath,
    argv: [join(root, script), '--kubeconfig', kubeconfig, ...told, ...ours],
    log,
    env: cluster.env,
  });
  let expected = false;
  void programs.ended(name).then(async ({ code, signal: by }) => {
    if (expected) return;
    const words = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-5).join('\n');
    onEnd(new DemoError(`The operator has ended (${by ?? `code ${code}`}). Its last words:\n${words}`));
  });
  const leads = async () => {
    const lease = await client.get<Lease>(resources.lease, { name: 'local-model-operator', namespace: leaseNamespace });
    return lease.spec?.holderIdentity ? true : undefined;
  };
  await patiently('the operator leads', leads, { deadlineMs: 60_000, signal });
  return {
    commandLine: ['node', script, ...told].join(' '),
    pid,
    stop: async () => {
      expected = true;
      await programs.stop(name, 'SIGTERM', 10_000);
    },
  };
}
