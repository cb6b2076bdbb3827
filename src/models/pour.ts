// Bytes of an answer into their place in a file.
import type { Readable } from 'node:stream';
import type { Clock } from '../process/clock.ts';
import type { Bandwidth } from './bandwidth.ts';
import { createBatch } from './batch.ts';
import type { Segment } from './segments.ts';
import type { Silence } from './silence.ts';

export interface PourOptions {
  /** Where it goes; its end may move towards us meanwhile. */
  segment: Segment;
  /** Bytes that the stream gives before those of the segment. */
  skip: number;
  /** Bytes of the stream as a whole, where it is known. */
  length: number | undefined;
  write(bytes: Uint8Array, position: number): Promise<void>;
  bandwidth: Bandwidth;
  silence: Silence;
  clock: Clock;
  /** Of batch.ts; not used by others meanwhile. */
  buffer: Uint8Array;
  /** Told of every piece from the network, also of what is skipped. */
  onArrival(bytes: number): void;
}

/**
 * Until the segment is whole or the stream ends. All that has arrived is written when this settles. Rejects with what the
 * stream or `write` throws.
 */
export async function pour(stream: Readable, options: PourOptions): Promise<void> {
  const { segment, bandwidth, silence, onArrival } = options;
  const batch = createBatch({ ...options, position: segment.at });
  let { skip } = options;
  let arrived = 0;
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      arrived += piece.length;
      onArrival(piece.length);
      silence.pause(); // from here on we are the slow ones
      const from = Math.min(skip, piece.length);
      skip -= from;
      const bytes = piece.subarray(from, from + Math.max(0, segment.end - segment.at));
      segment.at += bytes.length; // before the write, so that nobody takes what is on its way
      await batch.add(bytes);
      await bandwidth.spend(piece.length, silence.signal);
      silence.heard();
      // Leaving before the end costs the connection, so only where more would come than is wanted.
      if (segment.at >= segment.end && arrived !== options.length) break;
    }
  } finally {
    await batch.flush();
  }
}
