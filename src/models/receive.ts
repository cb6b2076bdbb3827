// One part of a blob over one connection: asked for, read, written, with a limit on silence.
import type { Clock } from '../process/clock.ts';
import type { Bandwidth } from './bandwidth.ts';
import { shortDigest } from './digest.ts';
import { discard } from './exchange.ts';
import type { PartialFile } from './partialFile.ts';
import type { BlobFacts } from './partialState.ts';
import { pour } from './pour.ts';
import type { Reference } from './reference.ts';
import { networkError, unreachable } from './refusal.ts';
import type { Registry } from './registry.ts';
import type { Segment } from './segments.ts';
import { limitSilence, type Silence } from './silence.ts';

export interface ReceiveOptions {
  registry: Pick<Registry, 'blob'>;
  reference: Reference;
  blob: BlobFacts;
  file: Pick<PartialFile, 'write'>;
  /** Milliseconds without a byte after which a connection is dropped. */
  stallMs: number;
  bandwidth: Bandwidth;
  clock: Clock;
  /** Told of bytes from the network, and of the host that was asked for them. */
  onArrival(bytes: number, endpoint: string): void;
  /** Told when the file has more bytes than before. */
  onWritten(): void;
}

export interface Part {
  segment: Segment;
  /** `fromStart`: as a stream from byte 0, of which the bytes before the segment are dropped. */
  mode: 'range' | 'fromStart';
  /** Of this connection, see batch.ts. */
  buffer: Uint8Array;
  signal: AbortSignal;
  /** Told of the host that has answered. */
  onAnswer(endpoint: string): void;
}

/** Thrown where a range was asked for and the registry sends the whole. */
export const noRanges = new Error('the registry does not know ranges');

/** Resolves when the segment is written; rejects with a PullError, `noRanges` or the reason of the signal. */
export async function receive(part: Part, options: ReceiveOptions): Promise<void> {
  const { segment } = part;
  const { reference, blob, clock, stallMs } = options;
  const what = `blob ${shortDigest(blob.digest)}`;
  let host = reference.host;
  const onAnswer = (endpoint: string) => {
    host = endpoint;
    part.onAnswer(endpoint);
  };
  const silence = limitSilence(clock, stallMs, part.signal, () =>
    unreachable(`${host} has sent nothing of ${what} for ${Math.round(stallMs / 1_000)} s`),
  );
  try {
    while (segment.at < segment.end) {
      const begin = segment.at;
      await receiveOnce({ ...part, onAnswer }, silence, options);
      if (segment.at === begin) throw unreachable(`${host} ends ${what} after ${begin} bytes of ${blob.size}`);
    }
  } catch (error) {
    if (silence.signal.aborted) throw silence.signal.reason;
    throw error === noRanges ? error : networkError(error, host, what);
  } finally {
    silence.end();
  }
}

/** A server may give less than it was asked for; then it is asked again. */
async function receiveOnce(
  { segment, mode, buffer, onAnswer }: Part,
  silence: Silence,
  options: ReceiveOptions,
): Promise<void> {
  const { registry, reference, blob, file, bandwidth, clock } = options;
  const { at, end } = segment;
  const isWhole = mode === 'fromStart' || (at === 0 && end === blob.size);
  const range = isWhole ? { offset: 0 } : { offset: at, end };
  silence.heard();
  const answer = await registry.blob(reference, blob, range, silence.signal);
  onAnswer(answer.endpoint);
  silence.heard();
  if (answer.status === 'whole' && !isWhole) {
    discard(answer.stream);
    throw noRanges;
  }
  await pour(answer.stream, {
    segment,
    skip: mode === 'fromStart' ? at : 0,
    length: answer.length,
    bandwidth,
    silence,
    clock,
    buffer,
    onArrival: (bytes) => options.onArrival(bytes, answer.endpoint),
    async write(bytes, position) {
      await file.write(bytes, position);
      options.onWritten();
    },
  });
}
