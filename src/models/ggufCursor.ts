// A place in a GGUF header that moves forward: reads in pieces, skips without reading, never goes past the file or the bound.
import type { FileHandle } from 'node:fs/promises';
import { PullError } from './errors.ts';

const PIECE_BYTES = 256 * 1024;

export interface Cursor {
  readonly path: string;
  /** At most a piece (256 KiB); valid until the next call. */
  bytes(count: number): Promise<Buffer>;
  u32(): Promise<number>;
  /** Throws where it is no safe integer: nothing in a header can be so large. */
  u64(): Promise<number>;
  skip(count: number): Promise<void>;
  /** So many texts, each with its length before it. */
  skipTexts(count: number): Promise<void>;
  /** The error for something that has no place in a header. */
  wrong(what: string): PullError;
}

/** From the start of the file. Throws a PullError `Corrupt` where the header goes on past its end or past `limit`. */
export async function openCursor(file: FileHandle, path: string, limit: number, signal?: AbortSignal): Promise<Cursor> {
  const end = Math.min((await file.stat()).size, limit);
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  /** Where `piece` begins in the file, how much of it is filled, and how far in it we are. */
  let start = 0;
  let filled = 0;
  let at = 0;

  const wrong = (what: string) => new PullError('Corrupt', `the header of ${path} has ${what}`);
  const cutOff = () =>
    new PullError('Corrupt', `the header of ${path} ${end < limit ? 'is cut off' : `is longer than ${limit} bytes`}`);

  async function fill(count: number): Promise<void> {
    if (filled - at >= count) return;
    start += at;
    if (start + count > end) throw cutOff();
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, end - start), start);
    at = 0;
    filled = bytesRead;
    if (filled < count) throw cutOff();
  }

  async function bytes(count: number): Promise<Buffer> {
    if (count > PIECE_BYTES) throw wrong(`a text of ${count} bytes`);
    await fill(count);
    at += count;
    return piece.subarray(at - count, at);
  }

  function safe(value: bigint): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw wrong(`the number ${value}`);
    return Number(value);
  }

  async function skip(count: number): Promise<void> {
    if (start + at + count > end) throw cutOff();
    at += count;
    if (at < filled) return;
    start += at;
    at = 0;
    filled = 0;
  }

  return {
    path,
    bytes,
    skip,
    wrong,
    u32: async () => (await bytes(4)).readUInt32LE(),
    u64: async () => safe((await bytes(8)).readBigUInt64LE()),
    async skipTexts(count) {
      // Half a million of them: waiting only where the piece is used up makes this ten times as fast.
      for (let index = 0; index < count; index++) {
        if (filled - at < 8) await fill(8);
        const length = safe(piece.readBigUInt64LE(at));
        at += 8;
        if (filled - at > length) at += length;
        else await skip(length);
      }
    },
  };
}
