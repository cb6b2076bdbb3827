// What lies in folders that others fill: names, sizes, and small files read with bounds.
import { constants, open, readdir, stat } from 'node:fs/promises';
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

/** Bytes, of what it links to where it is a link; undefined where it is no file, or not there. Throws a PullError. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw fileError(error, `look at ${path}`);
  }
}

/** A pipe in a folder that others fill must not hold us up for ever. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** Undefined where there is no such file. Throws a PullError, `Corrupt` for a file over `maxBytes`. `what` is for messages. */
export async function readBounded(path: string, maxBytes: number, what: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, READ);
    const stats = await file.stat();
    if (!stats.isFile()) throw new PullError('Corrupt', `${what} is not a file`);
    const { size } = stats;
    if (size > maxBytes) throw new PullError('Corrupt', `${what} is ${size} bytes; more than ${maxBytes} are refused`);
    return await file.readFile();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError(error, `read ${path}`);
  }
}
