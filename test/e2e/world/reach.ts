// Who gets through to whom: TCP connections and DNS questions, tried from within a pod or from the network of a process.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Access } from '../../controlplane/access.ts';
import type { Tenant } from '../../integration/operator/tenant.ts';
import { network } from '../node/layout.ts';

/** `silent`: not a packet came back. `refused`: nothing listens there, but the way is open. */
export type Outcome = 'answered' | 'refused' | 'silent';

/** What to reach by what the test calls it: `host:port`, or `dns:` and a name. */
export type Targets = Readonly<Record<string, string>>;

export type Outcomes<T extends Targets> = { [name in keyof T]: Outcome };

/** All at once. Rejects where the program that tries could not be run. */
export type Reach = <T extends Targets>(targets: T) => Promise<Outcomes<T>>;

const patienceMs = 1_000; // of which a connection within one machine takes less than one

/** Plain Node.js, for images that have nothing else. */
const script = `
const net = require('node:net');
const { Resolver } = require('node:dns/promises');
const { targets, patienceMs, server } = JSON.parse(process.argv[1]);
const ask = async (name) => {
  const resolver = new Resolver({ timeout: patienceMs, tries: 1 });
  resolver.setServers([server]);
  return resolver.resolve4(name).then(() => 'answered', ({ code }) => (code === 'ETIMEOUT' ? 'silent' : code));
};
const connect = (target) => new Promise((resolve) => {
  const [host, port] = target.split(':');
  const socket = net.connect({ host, port: Number(port), timeout: patienceMs });
  const end = (outcome) => { socket.destroy(); resolve(outcome); };
  socket.on('connect', () => end('answered'));
  socket.on('timeout', () => end('silent'));
  socket.on('error', ({ code }) => end(code === 'ECONNREFUSED' ? 'refused' : code));
});
const entries = Object.entries(targets).map(async ([name, target]) =>
  [name, await (target.startsWith('dns:') ? ask(target.slice(4)) : connect(target))]);
Promise.all(entries).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;

const input = (targets: Targets) => JSON.stringify({ targets, patienceMs, server: network.dnsService });

/** From a container whose image has Node.js where the operator's has it. */
export function reachFrom(access: Access, namespace: string, pod: string, container: string): Reach {
  return async (targets) => {
    const command = ['/nodejs/bin/node', '-e', script, input(targets)];
    const { code, stdout, stderr } = await access.runKubectl([
      ...['exec', '-n', namespace, pod, '-c', container, '--'],
      ...command,
    ]);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
}

/** From the network that a process of this machine has, with addresses only. */
export const reachFromProcess =
  (pid: number): Reach =>
  async (targets) => {
    const argv = ['-t', String(pid), '-n', '--', process.execPath, '-e', script, input(targets)];
    const { stdout } = await promisify(execFile)('nsenter', argv, { cwd: '/' });
    return JSON.parse(stdout);
  };

/** The same outcome for each. */
export const each = <T extends Targets>(targets: T, outcome: Outcome): Outcomes<T> =>
  Object.fromEntries(Object.keys(targets).map((name) => [name, outcome])) as Outcomes<T>;

/** With patience: a policy may come into force a moment after the pod has begun. `outcomes` are those that are not as the others. */
export async function expectReach<T extends Targets>(
  { until }: Tenant,
  reach: Reach,
  targets: T,
  others: Outcome,
  outcomes: Partial<Outcomes<T>> = {},
): Promise<void> {
  await until('the policy is in force', async () => {
    expect(await reach(targets)).toEqual({ ...each(targets, others), ...outcomes });
    return true;
  });
}
