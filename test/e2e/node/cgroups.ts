// The control groups under which the kubelet makes those of pods: the one thing of a node that lies outside its namespaces.
import { statfsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';
const unifiedMagic = 0x63677270;

/** Whether the machine has the unified hierarchy (version 2) alone. */
const isUnified = (): boolean => statfsSync(root).type === unifiedMagic;

/** Where hierarchies begin: one of version 2, or one for each controller of version 1 and, beside them, a bare one of version 2. */
async function hierarchies(): Promise<string[]> {
  if (isUnified()) return [root];
  const entries = await readdir(root, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name));
}

/** Makes the group `name` wherever there may be one. */
export async function makeGroups(name: string): Promise<void> {
  if (isUnified()) {
    for (const controller of ['cpuset', 'cpu', 'memory', 'pids', 'io', 'hugetlb'])
      await writeFile(join(root, 'cgroup.subtree_control'), `+${controller}`).catch(() => {}); // not there, or already on
  }
  for (const hierarchy of await hierarchies()) {
    const group = join(hierarchy, name);
    await mkdir(group, { recursive: true });
    // Version 1: a group without processors and memory nodes can hold no process.
    for (const file of isUnified() ? [] : ['cpuset.cpus', 'cpuset.mems']) {
      const value = await readFile(join(hierarchy, file), 'utf8').catch(() => undefined);
      if (value !== undefined) await writeFile(join(group, file), value);
    }
  }
}

/** Removes the group and all below it. Rejects with EBUSY while a process is in one of them. */
export async function removeGroups(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, name));
}

async function removeTree(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return;
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(group, entry.name));
  await rmdir(group).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
