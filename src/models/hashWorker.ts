// The thread that hashes a file while it is written: SHA-256 of the part from its beginning that is whole so far.
import { createHash } from 'node:crypto';
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

/** Passed as workerData. `wholeBytes[0]`: how many bytes from the beginning are there; notified when it grows. */
export interface HashTask {
  path: string;
  size: number;
  wholeBytes: BigInt64Array<SharedArrayBuffer>;
}

/** What is posted in the end. */
export type HashReply = { hex: string } | { error: string; code: string | undefined };

const PIECE_BYTES = 1 << 20;

function hash({ path, size, wholeBytes }: HashTask): string {
  const file = openSync(path, 'r');
  const sum = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size));
  for (let at = 0; at < size; ) {
    const whole = Atomics.load(wholeBytes, 0);
    if (whole <= at) {
      Atomics.wait(wholeBytes, 0, whole);
      continue;
    }
    const read = readSync(file, buffer, 0, Math.min(buffer.length, Number(whole) - at), at);
    if (read === 0) throw new Error(`${path} ends after ${at} bytes`);
    sum.update(read === buffer.length ? buffer : buffer.subarray(0, read));
    at += read;
  }
  return sum.digest('hex');
}

function reply(task: HashTask): HashReply {
  try {
    return { hex: hash(task) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return { error: message, code };
  }
}

parentPort?.postMessage(reply(workerData as HashTask));
