// Small files and folders, read with bounds.
import { open, readdir } from 'node:fs/promises';
import { errorCode, fileError, PullError } from './errors.ts';

/** Names, not paths, of what lies in a folder, sorted; none where the folder is missing. Throws a PullError. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError(error, `list ${folder}`);
  }
}

/** Undefined where there is no such file. Throws a PullError, `Corrupt` for a file over `maxBytes`. `what` is for messages. */
export async function readBounded(path: string, maxBytes: number, what: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > maxBytes) throw new PullError('Corrupt', `${what} is ${size} bytes; more than ${maxBytes} are refused`);
    return await file.readFile();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError(error, `read ${path}`);
  }
}
