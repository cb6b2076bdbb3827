// Makes a folder and all below it read-only, as a mount would: for root only where a server runs as somebody else.
import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

async function change(path: string, fileMode: number, folderMode: number): Promise<void> {
  const entry = await lstat(path);
  if (entry.isSymbolicLink()) return;
  if (!entry.isDirectory()) return chmod(path, fileMode);
  await chmod(path, folderMode | 0o200); // until all below is done
  for (const name of await readdir(path)) await change(join(path, name), fileMode, folderMode);
  await chmod(path, folderMode);
}

export const freeze = (folder: string): Promise<void> => change(folder, 0o444, 0o555);

/** So that it can be removed. */
export const thaw = (folder: string): Promise<void> => change(folder, 0o644, 0o755);
