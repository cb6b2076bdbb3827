// The archive while it is written: beside its place, and there only when it is whole.
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatBytes } from '../../models/bytes.ts';
import { removeFile } from '../../models/durable.ts';
import { errorCode, fileError, PullError } from '../../models/errors.ts';

export interface Output {
  /** Bytes that were written so far. */
  readonly position: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Writes over what is at `position` already. */
  replace(bytes: Uint8Array, position: number): Promise<void>;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function refuseNoFile(path: string): Promise<void> {
  const stats = await stat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError(error, `write ${path}`);
  });
  if (stats && !stats.isFile()) throw new PullError('Internal', `cannot write ${path}: it is there and not a file`);
}

async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (bytes > free)
    throw new PullError('DiskFull', `needs ${formatBytes(bytes)}, ${formatBytes(free)} free in ${folder}`);
}

/**
 * Writes a file of `size` bytes by way of `write`. It gets its name when all of it is on the disk, in place of an older one;
 * where `write` rejects, nothing is left. Throws a PullError: DiskFull before the first byte where it does not fit.
 */
export async function writeWhole<T>(path: string, size: number, write: (output: Output) => Promise<T>): Promise<T> {
  const temp = `${path}.${randomUUID().slice(0, 8)}.part`;
  try {
    await refuseNoFile(path);
    await requireSpace(dirname(path), size);
    const result = await fill(temp, write);
    await rename(temp, path);
    return result;
  } catch (error) {
    await removeFile(temp).catch(() => undefined);
    throw fileError(error, `write ${path}`);
  }
}

async function fill<T>(path: string, write: (output: Output) => Promise<T>): Promise<T> {
  await using file = await open(path, 'wx');
  let position = 0;
  const result = await write({
    get position() {
      return position;
    },
    async append(bytes) {
      await writeAt(file, bytes, position);
      position += bytes.length;
    },
    replace: (bytes, at) => writeAt(file, bytes, at),
  });
  await file.sync();
  return result;
}
