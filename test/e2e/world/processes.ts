// The processes of a pod, as the machine sees them from outside of all containers.
import { readdir, readFile } from 'node:fs/promises';
import { resources } from '../../../src/kube/resources.ts';
import type { Setting } from '../test.ts';
import { type Reach, reachFromProcess } from './reach.ts';

/** Process numbers, on the host, of what runs `program` in the pod with that uid. */
export async function processesOf(podUid: string, program: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const [groups, command] = await Promise.all(['cgroup', 'cmdline'].map((file) => contents(`/proc/${name}/${file}`)));
    const runs = command?.split('\0')[0]?.endsWith(program);
    if (runs && groups?.includes(`pod${podUid}`)) found.push(Number(name));
  }
  return found;
}

/** Tries from the network that the runtime of the deployment has; `program` is the runtime's. */
export async function modelNetwork(setting: Setting, program: string): Promise<Reach> {
  const [pod] = await setting.list(resources.pod, 'localmodels.dev/deployment=model');
  const [pid] = await processesOf(pod?.metadata.uid ?? '', program);
  if (pid === undefined) throw new Error(`${program} does not run in ${pod?.metadata.name}`);
  return reachFromProcess(pid);
}

/** Of programs of the node itself, by their first word and the folder of the node. */
export async function unitProcess(program: string, folder: string): Promise<number> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await contents(`/proc/${name}/cmdline`)).split('\0');
    if (words[0] === program && words.some((word) => word.includes(folder))) return Number(name);
  }
  throw new Error(`${program} does not run`);
}

const contents = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
