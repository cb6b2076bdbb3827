// A Secret as kubelet mounts it: files behind a link that is swapped when the Secret changes.
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export type SecretData = Readonly<Record<string, string>>;

export interface MountedSecret {
  directory: string;
  /** As kubelet does it: a new folder, a new link, a rename over the old one, and then the old folder goes. */
  swap(data: SecretData): Promise<void>;
}

export async function mountedSecret(data: SecretData): Promise<MountedSecret> {
  const directory = await mkdtemp(join(tmpdir(), 'secret-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  let version = 0;
  async function swap(next: SecretData): Promise<void> {
    const folder = `..version-${++version}`;
    await mkdir(join(directory, folder));
    for (const [name, value] of Object.entries(next)) {
      await writeFile(join(directory, folder, name), value);
      await symlink(join('..data', name), join(directory, name)).catch(() => undefined);
    }
    await symlink(folder, join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    await rm(join(directory, `..version-${version - 1}`), { recursive: true, force: true });
  }
  await swap(data);
  return { directory, swap };
}
