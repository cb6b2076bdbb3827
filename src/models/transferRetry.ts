// When a connection of a download tries again, and when the download as a whole gives up.
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { PullError } from './errors.ts';
import type { PartialFile } from './partialFile.ts';
import type { BlobFacts } from './partialState.ts';
import { rangesSize } from './ranges.ts';
import { isPassing } from './refusal.ts';
import type { Registry } from './registry.ts';
import { pauseMs } from './retry.ts';

export interface TransferRetry {
  /** This host has answered. */
  answered(endpoint: string): void;
  /** The file has more bytes than before. What a stream repeats because it knows no ranges is no progress. */
  gotOn(): void;
  /**
   * Waits before the next attempt, or aborts `stop` with the error where there shall be none. `onThrottle` is told of the
   * pause, in milliseconds, that a registry has asked for.
   */
  after(error: unknown, stop: AbortController, onThrottle?: (pauseMs: number) => void): Promise<void>;
}

export interface TransferRetryOptions {
  registry: Pick<Registry, 'distrust'>;
  file: PartialFile;
  blob: BlobFacts;
  clock: Clock;
  random: Random;
  log: Logger;
}

/** In a row without a byte for the file; the pauses between them add up to about a minute. */
const MAX_FAILURES = 8;
/** In a row from one mirror, which is then left alone. */
const MAX_MIRROR_FAILURES = 3;

/** One for each connection. */
export function createTransferRetry({ clock, random, registry, file, log, blob }: TransferRetryOptions): TransferRetry {
  let failures = 0;
  let source: string | undefined;
  /** Bytes of the file when the row of failures began. */
  let had = 0;

  function pauseAfter(error: unknown): number | undefined {
    failures += 1;
    const has = rangesSize(file.ranges);
    // As long as other connections get on, this one may go on trying.
    if (failures >= MAX_FAILURES && has > had) failures = 1;
    if (failures === 1) had = has;
    if (source !== undefined && failures >= MAX_MIRROR_FAILURES) registry.distrust(source);
    if (failures >= MAX_FAILURES || !isPassing(error)) return undefined;
    return pauseMs(failures - 1, random, error.retryAfterMs);
  }

  return {
    answered(endpoint) {
      source = endpoint;
    },
    gotOn() {
      failures = 0;
    },
    async after(error, stop, onThrottle) {
      const pause = pauseAfter(error);
      if (pause === undefined) return stop.abort(error);
      if (isThrottle(error)) onThrottle?.(pause);
      log.warn(
        { digest: blob.digest, failures, pauseMs: Math.round(pause), err: error },
        'download broke off, trying again',
      );
      await delay(clock, pause, stop.signal);
    },
  };
}

const isThrottle = (error: unknown): error is PullError =>
  isPassing(error) && (error.statusCode === 429 || error.retryAfterMs !== undefined);
