// A control plane that was left running: how to find it again, and how to end it.
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { defaultCacheFolder } from './cache.ts';
import { isAlive } from './lock.ts';
import { waitFor } from './wait.ts';

const stateFile = (folder: string) => join(folder, 'state.json');

/** Where a control plane is kept that was given no folder: one per user, where nobody else can write. */
export const keptFolder = (): string => join(dirname(defaultCacheFolder(process.env)), 'kept-controlplane');

/** The command line that ends a kept control plane, for people. */
export const downCommand = (folder: string): string =>
  `node test/controlplane/main.ts down${folder === keptFolder() ? '' : ` --folder ${folder}`}`;

export async function writeState(folder: string, supervisor: number): Promise<void> {
  await writeFile(stateFile(folder), JSON.stringify({ supervisor }));
}

/** The process id of the supervisor of a control plane that is up in `folder`. */
export async function findKept(folder: string): Promise<number | undefined> {
  const text = await readFile(stateFile(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { supervisor } = JSON.parse(text) as { supervisor: number };
  // The number may have passed to another process since.
  return isAlive(supervisor) && (await commandLine(supervisor)).includes(folder) ? supervisor : undefined;
}

/** Ends the control plane in `folder`; resolves with false when there was none. */
export async function endKept(folder: string): Promise<boolean> {
  const supervisor = await findKept(folder);
  if (supervisor === undefined) return false;
  process.kill(supervisor, 'SIGTERM');
  await waitFor('the control plane is gone', async () => !isAlive(supervisor) || undefined, { deadlineMs: 30_000 });
  return true;
}

/**
 * Sees to it that a state folder which somebody named is free to use: what a killed control plane left is removed; anything
 * else in it is not ours to touch, so that rejects.
 */
export async function clearFolder(folder: string): Promise<void> {
  const names: string[] = await readdir(folder).catch(() => []);
  if (names.length === 0) return;
  if ((await findKept(folder)) !== undefined) throw new Error(`a control plane is up in ${folder} already`);
  if (!names.includes('state.json')) throw new Error(`${folder} has files in it that are not a control plane's`);
  await rm(folder, { recursive: true, force: true });
}

async function commandLine(pid: number): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout;
}
