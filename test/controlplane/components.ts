// The command lines of the control plane's processes.
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Binaries } from './binaries.ts';
import type { ProcessSpec } from './supervisor.ts';
import type { Program } from './versions.ts';

export interface Layout {
  /** State folder; everything below lies in it. */
  folder: string;
  ports: { etcd: number; etcdPeer: number; apiServer: number };
  kubeconfig: string;
  /** Absent: no audit log. */
  auditLog?: string;
  /** Whether etcd makes every write durable, as in production. Tests do not need that, some benchmarks do. */
  durable: boolean;
  /** Whether simulated nodes renew leases and the node controller watches over them. */
  heartbeats: boolean;
  /** Added to the command lines, last. */
  flags: Flags;
}

export type Flags = Partial<Record<Exclude<Program, 'kubectl'>, readonly string[]>>;

export const files = {
  ca: 'pki/ca.crt',
  caKey: 'pki/ca.key',
  serving: 'pki/apiserver.crt',
  servingKey: 'pki/apiserver.key',
  serviceAccount: 'pki/sa.pub',
  serviceAccountKey: 'pki/sa.key',
  tokens: 'pki/tokens.csv',
  auditPolicy: 'audit-policy.yaml',
  scheduler: 'scheduler.yaml',
  simulator: 'simulator.yaml',
} as const;

/** One event per request, with who, what and the answer's code; never a body. */
export const auditPolicy = stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
});

// Client limits meant for shared clusters would be the slowest thing in a benchmark.
const clientLimits = { qps: 2_000, burst: 4_000 };

export const schedulerConfig = (kubeconfig: string): string =>
  stringify({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    clientConnection: { kubeconfig, ...clientLimits },
    leaderElection: { leaderElect: false },
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 2,
  });

const etcd = ({ folder, ports, durable }: Layout): string[] => {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--heartbeat-interval=50', // alone, it elects itself: the sooner the better
    '--election-timeout=250',
    '--log-level=warn',
    ...(durable ? [] : ['--unsafe-no-fsync']),
  ];
};

const apiServer = ({ folder, ports, auditLog, heartbeats }: Layout): string[] => {
  const at = (name: keyof typeof files) => join(folder, files[name]);
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.apiServer}`,
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none', // a loopback address is not a valid endpoint of the Service `kubernetes`
    `--tls-cert-file=${at('serving')}`,
    `--tls-private-key-file=${at('servingKey')}`,
    `--client-ca-file=${at('ca')}`,
    `--token-auth-file=${at('tokens')}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${at('serviceAccount')}`,
    `--service-account-signing-key-file=${at('serviceAccountKey')}`,
    '--allow-privileged=true',
    // Marks new nodes as not ready until the node controller looks at them: without that controller, for ever.
    ...(heartbeats ? [] : ['--disable-admission-plugins=TaintNodesByCondition']),
    ...(auditLog
      ? [`--audit-policy-file=${at('auditPolicy')}`, `--audit-log-path=${auditLog}`, '--audit-log-maxsize=100000']
      : []),
  ];
};

const controllerManager = ({ folder, kubeconfig, heartbeats }: Layout): string[] => [
  `--kubeconfig=${kubeconfig}`,
  '--secure-port=0',
  '--leader-elect=false',
  `--service-account-private-key-file=${join(folder, files.serviceAccountKey)}`,
  `--root-ca-file=${join(folder, files.ca)}`,
  `--cluster-signing-cert-file=${join(folder, files.ca)}`,
  `--cluster-signing-key-file=${join(folder, files.caKey)}`,
  `--kube-api-qps=${clientLimits.qps}`,
  `--kube-api-burst=${clientLimits.burst}`,
  '--concurrent-deployment-syncs=20',
  '--concurrent-replicaset-syncs=20',
  '--concurrent-service-endpoint-syncs=20',
  '--concurrent-gc-syncs=40',
  '--concurrent-namespace-syncs=20',
  ...(heartbeats ? [] : ['--controllers=*,-node-lifecycle-controller']),
];

const simulator = ({ folder, kubeconfig, heartbeats }: Layout): string[] => [
  `--kubeconfig=${kubeconfig}`,
  `--config=${join(folder, files.simulator)}`,
  '--manage-all-nodes=true',
  `--node-lease-duration-seconds=${heartbeats ? 40 : 0}`,
  '--cidr=10.128.0.0/9',
  '--node-ip=10.127.0.1',
];

const commandLines: Record<keyof Flags, (layout: Layout) => string[]> = {
  etcd,
  'kube-apiserver': apiServer,
  'kube-controller-manager': controllerManager,
  'kube-scheduler': ({ folder }) => [`--config=${join(folder, files.scheduler)}`, '--secure-port=0'],
  kwok: simulator,
};

/** How to start one of the processes. Its environment is bare, so that no setting or secret of the user's gets in. */
export function processSpec(name: keyof Flags, binaries: Binaries, layout: Layout): ProcessSpec {
  return {
    name,
    program: binaries[name],
    argv: [...commandLines[name](layout), ...(layout.flags[name] ?? [])],
    log: join(layout.folder, 'logs', `${name}.log`),
    env: { HOME: layout.folder, PATH: '/usr/bin:/bin' },
  };
}
