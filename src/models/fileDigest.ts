// The digest of a file, read in pieces.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type Digest, digestOfHex } from './digest.ts';
import { fileError } from './errors.ts';

/** Large enough to keep the disk busy, small enough to stop soon and to count for nothing in memory. */
const PIECE_BYTES = 1 << 20;

export interface FileDigestOptions {
  signal?: AbortSignal | undefined;
  /** Called with the size of each piece that was read. */
  onBytes?: (bytes: number) => void;
}

/** Throws a PullError, or the signal's reason. */
export async function digestOfFile(
  path: string,
  { signal, onBytes }: FileDigestOptions = {},
): Promise<{ digest: Digest; size: number }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let size = 0;
  try {
    await using file = await open(path, 'r');
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, size);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      size += bytesRead;
      onBytes?.(bytesRead);
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw fileError(error, `read ${path}`);
  }
  return { digest: digestOfHex(hash.digest('hex')), size };
}
