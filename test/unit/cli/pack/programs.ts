// Programs that are not ours, to read what we write.
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What the program says; rejects where it fails. Without pax options of the person who runs the tests. */
export async function output(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(program, args, { env: { ...process.env, LC_ALL: 'C', TZ: 'UTC', TAR_OPTIONS: '' } });
  return stdout;
}

export const isThere = (program: string): Promise<boolean> =>
  output(program, '--version').then(
    () => true,
    () => false,
  );

/** Unpacks with tar; modes and all. */
export async function untar(archive: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await output(
    'tar',
    '--extract',
    '--preserve-permissions',
    '--no-same-owner',
    '--file',
    archive,
    '--directory',
    folder,
  );
}

/** Content of every file below a folder, by path; of links what they point to. */
export async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    if ((await stat(path)).isFile()) files.set(relative(folder, path), await readFile(path));
  }
  return files;
}
