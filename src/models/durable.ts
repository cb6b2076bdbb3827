// Files that are either there as a whole or not at all, also after a power cut.
import { chmod, open, rename, rm, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, fileError } from './errors.ts';
import { FILE_MODE, makeFolder } from './store.ts';

/** What file systems answer that cannot sync a folder (some network ones); and a folder that is gone needs no sync. */
const cannotSync = new Set(['ENOENT', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF', 'EISDIR', 'EPERM', 'EACCES']);

/** So that a rename in it survives a power cut, as far as the file system can. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path, 'r');
    await folder.sync();
  } catch (error) {
    if (!cannotSync.has(errorCode(error) ?? '')) throw fileError(error, `sync ${path}`);
  }
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

/** Nothing there is what was wanted. */
export const removeFile = (path: string): Promise<void> => rm(path, { force: true });

/** Renames within a file system. The folder may vanish in between: Ollama removes empty ones when it starts. */
async function moveInto(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  try {
    await rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(to));
    await rename(from, to);
  }
}

/** Puts a whole file in its place: content on disk first, then the name, then the folder. Throws a PullError. */
export async function publishFile(temp: string, path: string): Promise<void> {
  try {
    await chmod(temp, FILE_MODE);
    await syncFile(temp);
    await moveInto(temp, path);
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
  await syncFolder(dirname(path));
}

/** Writes small content by way of `temp`. Throws a PullError, and leaves nothing behind then. */
export async function writeDurably(temp: string, path: string, bytes: Uint8Array | string): Promise<void> {
  try {
    await using file = await open(temp, 'wx', FILE_MODE);
    await file.writeFile(bytes);
  } catch (error) {
    await removeFile(temp);
    throw fileError(error, `write ${temp}`);
  }
  await publishOrRemove(() => publishFile(temp, path), temp);
}

/** Replaces what is at `path` by a symbolic link, at once. Throws a PullError. */
export async function linkDurably(temp: string, path: string, target: string): Promise<void> {
  try {
    await symlink(target, temp);
    await publishOrRemove(() => moveInto(temp, path), temp);
  } catch (error) {
    throw fileError(error, `link ${path} to ${target}`);
  }
  await syncFolder(dirname(path));
}

async function publishOrRemove(publish: () => Promise<void>, temp: string): Promise<void> {
  try {
    await publish();
  } catch (error) {
    await removeFile(temp);
    throw error;
  }
}
