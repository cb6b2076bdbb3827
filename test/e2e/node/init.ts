// The first program in the node's namespaces: makes its mounts and its network, opens the door, then starts the units and
// starts again what ends, as an init system would. Run by keeper.ts as `node init.ts PLAN`.
import { execFile, spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openDoor } from './door.ts';
import { loaderCache, loaderCacheIn } from './loader.ts';
import type { Plan, Unit } from './plan.ts';

const execute = promisify(execFile);

/** One command, its words separated by spaces. */
async function run(words: string): Promise<void> {
  const [program = '', ...argv] = words.split(' ');
  await execute(program, argv);
}

/** The kubelet writes these whatever its settings, and they belong to the whole machine: it gets files to write instead. */
const sysctls = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
} as const;

async function mountAll({ folders: { varLib, varLog, masks }, nameServer }: Plan): Promise<void> {
  // Private to us as a whole (unshare has seen to it), shared within: volumes are mounted by the kubelet and seen by containers.
  await run('mount --make-rshared /');
  await run('mount -t proc proc /proc');
  // A sysfs of the new network namespace would hide the control groups.
  const groups = join(masks, 'cgroup');
  await mkdir(groups);
  await run(`mount --rbind /sys/fs/cgroup ${groups}`);
  await run('mount -t sysfs sysfs /sys');
  await run(`mount --rbind ${groups} /sys/fs/cgroup`);
  await run('mount -t tmpfs -o mode=755 tmpfs /run');
  await run(`mount --bind ${varLib} /var/lib`);
  await run(`mount --bind ${varLog} /var/log`);
  for (const name of ['containerd', 'kubelet']) {
    await mkdir(`/var/lib/${name}`);
    await run(`mount --bind /var/lib/${name} /var/lib/${name}`);
  }
  await run(`mount --bind ${loaderCacheIn(masks)} ${loaderCache}`);
  for (const [name, value] of Object.entries(sysctls))
    await mask(join(masks, basename(name)), `/proc/sys/${name}`, value);
  const search = 'default.svc.cluster.local svc.cluster.local cluster.local';
  const resolver = `nameserver ${nameServer}\nsearch ${search}\noptions ndots:5\n`;
  await mask(join(masks, 'resolv.conf'), '/etc/resolv.conf', resolver);
}

async function mask(file: string, path: string, text: string): Promise<void> {
  if (!existsSync(path)) return;
  await writeFile(file, `${text}\n`);
  await run(`mount --bind ${file} ${path}`);
}

/** One end of a pair of virtual cables carries the address and the default route; nothing is at the other end, so nothing gets out. */
async function connectNetwork({ hostname, address }: Plan): Promise<void> {
  await writeFile('/proc/sys/kernel/hostname', hostname);
  await run('ip link set lo up');
  await run('ip link add node0 type veth peer name node1');
  await run('ip link set node1 up');
  await run(`ip addr add ${address} dev node0`);
  await run('ip link set node0 up');
  await run('ip route add default dev node0');
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  const bridged = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  if (existsSync(bridged)) await writeFile(bridged, '1');
}

const restartMs = 500;

/** For ever: nothing of a node may stay down. */
async function keepRunning({ name, program, argv, env, log, after }: Unit): Promise<never> {
  for (;;) {
    while (after !== undefined && !existsSync(after)) await setTimeout(50);
    const output = openSync(log, 'a');
    const child = spawn(program, argv, { env, stdio: ['ignore', output, output], cwd: '/' });
    closeSync(output);
    const ending = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(String(signal ?? code)));
    });
    appendFileSync(log, `${new Date().toISOString()} ${name} ended: ${ending}\n`);
    await setTimeout(restartMs);
  }
}

const plan = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Plan;
await mountAll(plan);
await connectNetwork(plan);
openDoor(plan.door);
await Promise.all(plan.units.map(keepRunning));
