// Libraries that are not installed, made known to every program of a mount namespace. LD_LIBRARY_PATH would not do: runc and
// buildah start themselves anew with an environment of their own.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute } from '../../runtime/execute.ts';

/** To be mounted over loaderCache. */
export const loaderCacheIn = (folder: string): string => join(folder, 'ld.so.cache');
export const loaderCache = '/etc/ld.so.cache';

/** Writes the cache of the dynamic loader with the system's libraries and those of `libraries`. */
export async function writeLoaderCache(folder: string, libraries: string): Promise<void> {
  const conf = join(folder, 'ld.so.conf');
  await writeFile(conf, `include /etc/ld.so.conf\n${libraries}\n`);
  const path = [process.env.PATH, '/usr/sbin', '/sbin'].join(':');
  await execute('ldconfig', ['-X', '-f', conf, '-C', loaderCacheIn(folder)], { cwd: folder, env: { PATH: path } });
}
