// Progress for people: one line that is drawn over and over, on a terminal and nowhere else.
import { formatBytes } from '../../models/bytes.ts';
import type { Clock } from '../../process/clock.ts';
import type { Stream } from '../verb.ts';

const EVERY_MS = 100;
const BAR_CELLS = 24;
/** Before that a rate says nothing. */
const RATE_AFTER_MS = 1_000;
const CLEAR_TO_END = '\x1b[K';

export interface PackProgress {
  /** A new stage, of which nothing is done. */
  begin(stage: string, totalBytes: number): void;
  add(bytes: number): void;
  /** Wipes the line. */
  end(): void;
}

const silent: PackProgress = { begin: () => undefined, add: () => undefined, end: () => undefined };

function bar(ratio: number): string {
  const full = Math.floor(ratio * BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${String(Math.floor(ratio * 100)).padStart(3)} %`;
}

function rateAndRest(done: number, total: number, ms: number): string[] {
  if (ms < RATE_AFTER_MS || done === 0) return [];
  const perSecond = (done / ms) * 1_000;
  const seconds = Math.ceil((total - done) / perSecond);
  const left = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return [`${formatBytes(perSecond)}/s`, `${left} left`];
}

export function createPackProgress(stream: Stream, clock: Clock): PackProgress {
  if (!stream.isTTY) return silent;
  let stage = '';
  let total = 0;
  let done = 0;
  let startedAt = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;

  function draw(now: number): void {
    drawnAt = now;
    const ratio = total > 0 ? Math.min(1, done / total) : 1;
    const parts = [
      stage,
      bar(ratio),
      `${formatBytes(done)} of ${formatBytes(total)}`,
      ...rateAndRest(done, total, now - startedAt),
    ];
    stream.write(`\r${parts.join('  ').slice(0, (stream.columns ?? 80) - 1)}${CLEAR_TO_END}`);
  }

  return {
    begin(name, totalBytes) {
      stage = name;
      total = totalBytes;
      done = 0;
      startedAt = clock.monotonic();
      draw(startedAt);
    },
    add(bytes) {
      done += bytes;
      const now = clock.monotonic();
      if (now - drawnAt >= EVERY_MS) draw(now);
    },
    end: () => void stream.write(`\r${CLEAR_TO_END}`),
  };
}
