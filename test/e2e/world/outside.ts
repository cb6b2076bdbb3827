// A machine outside of the cluster: a network namespace with a cable to the node's, in which somebody listens.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { World } from './world.ts';

/** Of a block that is kept free for examples (RFC 5737). */
const address = '203.0.113.10';
const gateway = '203.0.113.1';
const cable = { here: 'outside0', there: 'outside1' } as const;

export interface Outside {
  readonly address: string;
  /** The namespace goes with its only process, and the cable with the namespace. */
  end(): Promise<void>;
}

/** Ends by itself when its input does, so that nothing is left of a test that was killed. */
const script = `
const ports = JSON.parse(process.argv[1]);
const listening = ports.map((port) => new Promise((resolve) => require('node:net').createServer((socket) => socket.end()).listen(port, resolve)));
Promise.all(listening).then(() => console.log('listening'));
process.stdin.resume().on('end', () => process.exit());
`;

/** Resolves when it can be reached from a pod that may. */
export async function startOutside({ node: { init } }: World, ports: readonly number[]): Promise<Outside> {
  const run = promisify(execFile);
  const within = (pid: number, words: string) => run('nsenter', ['-t', String(pid), '-n', '--', ...words.split(' ')]);
  const argv = ['--net', '--', process.execPath, '-e', script, JSON.stringify(ports)];
  const machine = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
  const gone = once(machine, 'exit');
  const { pid = 0 } = machine;
  await once(machine.stdout, 'data');
  await within(init, `ip link add ${cable.here} type veth peer name ${cable.there} netns ${pid}`);
  await within(init, `ip addr add ${gateway}/24 dev ${cable.here}`);
  await within(init, `ip link set ${cable.here} up`);
  await within(pid, `ip addr add ${address}/24 dev ${cable.there}`);
  await within(pid, `ip link set ${cable.there} up`);
  await within(pid, `ip route add default via ${gateway}`);
  return {
    address,
    async end() {
      machine.stdin.end();
      await gone;
    },
  };
}
