// Pieces from the network gathered into few large writes: each write wakes a thread, and so does each word to the hash, which
// costs more than the copy.
import type { Clock } from '../process/clock.ts';

export interface Batch {
  /** Takes the bytes that come next; they may be overwritten afterwards. Rejects with what `write` throws, and has forgotten them then. */
  add(bytes: Uint8Array): Promise<void>;
  /** Writes what has gathered. */
  flush(): Promise<void>;
}

export interface BatchOptions {
  /** Of the first byte. */
  position: number;
  /** Where bytes gather; nobody else's until the last flush. */
  buffer: Uint8Array;
  write(bytes: Uint8Array, position: number): Promise<void>;
  clock: Clock;
}

/** A buffer for batches of up to `size` bytes. Used again and again, since V8 is slow to give large ones back. */
export const batchBuffer = (size: number): Uint8Array => Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, size));

const MOST_BYTES = 256 * 1024;
/** Over a slow connection, so that progress and the state on disk are not far behind. */
const LONGEST_MS = 250;

export function createBatch({ position, buffer, write, clock }: BatchOptions): Batch {
  let at = position;
  let length = 0;
  let begunAt = 0;

  async function flush(): Promise<void> {
    if (length === 0) return;
    const bytes = buffer.subarray(0, length);
    const start = at;
    at += length;
    length = 0;
    await write(bytes, start);
  }

  return {
    flush,
    async add(bytes) {
      for (let taken = 0; taken < bytes.length; ) {
        if (length === 0) begunAt = clock.monotonic();
        const part = bytes.subarray(taken, taken + buffer.length - length);
        buffer.set(part, length);
        length += part.length;
        taken += part.length;
        if (length === buffer.length || clock.monotonic() - begunAt >= LONGEST_MS) await flush();
      }
    },
  };
}
