// A blob from the registry into its file: chunks over several connections, or one stream where the registry knows no ranges.
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { batchBuffer } from './batch.ts';
import type { PartialFile } from './partialFile.ts';
import { prefixOf, rangesSize } from './ranges.ts';
import { noRanges, type Part, type ReceiveOptions, receive } from './receive.ts';
import type { Registry } from './registry.ts';
import { createSegments, type Segments } from './segments.ts';
import { createTransferRetry, type TransferRetry } from './transferRetry.ts';

export interface TransferOptions extends ReceiveOptions {
  registry: Pick<Registry, 'blob' | 'distrust'>;
  file: PartialFile;
  /** At a time. */
  connections: number;
  chunkBytes: number;
  clock: Clock;
  random: Random;
  log: Logger;
  signal: AbortSignal;
}

/** Resolves when the file has all its bytes; rejects with a PullError or the reason of the signal. */
export async function transfer(options: TransferOptions): Promise<void> {
  const { file, blob, log } = options;
  try {
    while (rangesSize(file.ranges) < blob.size) await inChunks(options);
  } catch (error) {
    if (error !== noRanges) throw error;
    log.info({ digest: blob.digest }, 'registry ignores ranges, reading one stream');
    file.keepPrefix();
    await asOneStream(options);
  }
}

/** What the connections of one blob share. */
interface Crew {
  readonly segments: Segments;
  /** Connections that may be open; fewer after the registry has asked for fewer requests. */
  limit: number;
  /** No request before, on the monotonic clock. */
  notBefore: number;
  /** Aborted with what ends the whole. */
  readonly stop: AbortController;
}

/** One pass; what is left afterwards, because the one who had it was sent home, is for the next. */
async function inChunks(options: TransferOptions): Promise<void> {
  const { file, blob, connections, chunkBytes } = options;
  await stoppable(options.signal, async (stop) => {
    const segments = createSegments(file.ranges, blob.size, chunkBytes);
    const crew: Crew = { segments, limit: connections, notBefore: Number.NEGATIVE_INFINITY, stop };
    const workers = Math.min(connections, Math.ceil(blob.size / chunkBytes));
    await Promise.all(Array.from({ length: workers }, (_, index) => work(index, crew, options)));
  });
}

async function asOneStream(options: TransferOptions): Promise<void> {
  const { file, blob } = options;
  await stoppable(options.signal, async (stop) => {
    const retry = createTransferRetry(options);
    const buffer = batchBuffer(blob.size);
    while (!stop.signal.aborted && prefixOf(file.ranges) < blob.size) {
      const segment = { at: prefixOf(file.ranges), end: blob.size };
      try {
        await receivePart({ segment, mode: 'fromStart', buffer }, stop, retry, options);
      } catch (error) {
        if (!stop.signal.aborted) await retry.after(error, stop);
      }
    }
  });
}

/** Runs `act` to its end, also when `stop` is aborted, by it or by the caller's signal; then rejects with the reason. */
async function stoppable(signal: AbortSignal, act: (stop: AbortController) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const follow = () => stop.abort(signal.reason);
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });
  try {
    await act(stop);
  } finally {
    signal.removeEventListener('abort', follow);
  }
  if (stop.signal.aborted) throw stop.signal.reason;
}

/** One connection: segment after segment. */
async function work(index: number, crew: Crew, options: TransferOptions): Promise<void> {
  const { segments, stop } = crew;
  const { clock } = options;
  const retry = createTransferRetry(options);
  const buffer = batchBuffer(options.blob.size);
  while (index < crew.limit && !stop.signal.aborted) {
    const waitMs = crew.notBefore - clock.monotonic();
    if (waitMs > 0) {
      await delay(clock, waitMs, stop.signal);
      continue;
    }
    const segment = segments.take();
    if (!segment) return;
    try {
      await receivePart({ segment, mode: 'range', buffer }, stop, retry, options);
      segments.put(segment);
    } catch (error) {
      segments.put(segment);
      if (error === noRanges) stop.abort(error);
      if (!stop.signal.aborted) await retry.after(error, stop, (pauseMs) => holdBack(crew, clock, pauseMs));
    }
  }
}

/** Who is told to slow down slows all down: half as many connections, once per pause. */
function holdBack(crew: Crew, clock: Clock, pauseMs: number): void {
  const now = clock.monotonic();
  if (now >= crew.notBefore) crew.limit = Math.max(1, Math.floor(crew.limit / 2));
  crew.notBefore = Math.max(crew.notBefore, now + pauseMs);
}

const receivePart = (
  part: Pick<Part, 'segment' | 'mode' | 'buffer'>,
  { signal }: AbortController,
  retry: TransferRetry,
  options: TransferOptions,
): Promise<void> =>
  receive(
    { ...part, signal, onAnswer: retry.answered },
    {
      ...options,
      onWritten() {
        retry.gotOn();
        options.onWritten();
      },
    },
  );
