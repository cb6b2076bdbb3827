// Progress for people: one line that is drawn over and over on a terminal, and now and then a line in the log.
import { formatBytes } from '../models/bytes.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { ProgressSink } from './progress.ts';
import type { ProgressReport } from './progressReport.ts';

const BAR_CELLS = 24;

/** Such as 40 s, 3 min 20 s, 2 h 5 min. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function bar(ratio: number): string {
  const full = Math.floor(ratio * BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${String(Math.floor(ratio * 100)).padStart(3)} %`;
}

/** One line of at most `columns` characters. */
export function progressLine(report: ProgressReport, columns: number): string {
  const { phase, reference, message, completedBytes, totalBytes, bytesPerSecond, etaSeconds } = report;
  const moving = totalBytes > 0 && phase !== 'Done' && phase !== 'Failed';
  const parts = moving
    ? [
        phase,
        bar(completedBytes / totalBytes),
        `${formatBytes(completedBytes)} of ${formatBytes(totalBytes)}`,
        bytesPerSecond === undefined ? '' : `${formatBytes(bytesPerSecond)}/s`,
        etaSeconds === undefined ? '' : `${formatSeconds(etaSeconds)} left`,
      ]
    : [phase, message ?? ''];
  const line = [reference, ...parts].filter(Boolean).join('  ');
  return line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line;
}

export interface Terminal {
  write(text: string): unknown;
  /** Undefined or 0 where the terminal does not tell. */
  readonly columns?: number;
}

const CLEAR_TO_END = '\x1b[K';

/** Draws over the same line; how the pull ended is said in full. */
export const terminalBar =
  (terminal: Terminal): ProgressSink =>
  (report) => {
    const ended = report.phase === 'Done' || report.phase === 'Failed';
    const line = progressLine(report, ended ? Number.POSITIVE_INFINITY : (terminal.columns || 80) - 1);
    terminal.write(`\r${line}${CLEAR_TO_END}${ended ? '\n' : ''}`);
  };

const LOG_EVERY_MS = 30_000;

/** A line per phase, and every 30 s of a long one: `kubectl logs -c pull` has to show that something happens. */
export function progressLog(log: Logger, clock: Clock): ProgressSink {
  let said = { phase: '', at: 0 };
  return ({ phase, message, completedBytes, totalBytes, bytesPerSecond, etaSeconds }) => {
    if (phase === 'Done' || phase === 'Failed') return;
    if (phase === said.phase && clock.monotonic() - said.at < LOG_EVERY_MS) return;
    said = { phase, at: clock.monotonic() };
    log.info({ phase, message, completedBytes, totalBytes, bytesPerSecond, etaSeconds }, 'pull');
  };
}
