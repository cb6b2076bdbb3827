// What a node could leave on the machine, looked for where it would be.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NodeConnection } from './node.ts';

const run = promisify(execFile);

/** The machine's own, which a node must not change. */
export interface Machine {
  links: string[];
  sysctls: Record<string, string>;
}

const sysctls = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'net/ipv4/ip_forward',
];

/** Of the host, to be compared with what it is later. */
export async function lookAtMachine(): Promise<Machine> {
  const { stdout } = await run('ip', ['-o', 'link']);
  const values = sysctls.map(async (name) => [name, await readFile(`/proc/sys/${name}`, 'utf8')] as const);
  return {
    links: [...stdout.matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1] ?? '').sort(),
    sysctls: Object.fromEntries(await Promise.all(values)),
  };
}

/** In sentences; empty where nothing is left. */
export async function tracesOf({ layout: { folder }, cgroup }: NodeConnection, before: Machine): Promise<string[]> {
  const traces: string[] = [];
  if (existsSync(folder)) traces.push(`the folder ${folder}`);
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if ((await contents(`/proc/${pid}/mountinfo`)).includes(folder)) traces.push(`a mount seen by process ${pid}`);
    if ((await contents(`/proc/${pid}/cmdline`)).includes(folder)) traces.push(`process ${pid}`);
  }
  const root = '/sys/fs/cgroup';
  for (const place of [root, ...(await readdir(root)).map((name) => join(root, name))]) {
    if (existsSync(join(place, cgroup))) traces.push(`the control group ${join(place, cgroup)}`);
  }
  const after = await lookAtMachine();
  for (const link of after.links) if (!before.links.includes(link)) traces.push(`the network link ${link}`);
  for (const [name, value] of Object.entries(after.sysctls)) {
    if (before.sysctls[name] !== value) traces.push(`${name}, which is ${value.trim()}`);
  }
  return traces;
}

/** Processes come and go meanwhile. */
const contents = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
