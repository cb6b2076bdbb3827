// Follows the pull by the files that it and the operator leave: how far it is, and what has to be served once it has ended.
import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { formatBytes } from '../models/bytes.ts';
import { type Clock, delay } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type ProgressReport, parseProgress } from '../puller/progressReport.ts';
import type { GatewayConfig } from './config.ts';
import type { Target } from './observation.ts';
import type { PullStatus } from './status.ts';
import type { Truth } from './truth.ts';

export interface PullWatch {
  /** The last report of this revision; undefined before the first. */
  report(): ProgressReport | undefined;
  readonly ended: Promise<void>;
}

export interface PullWatchOptions {
  config: GatewayConfig;
  truth: Truth;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

const EVERY_MS = 1000;

/** As src/children/lockConfigMap.ts writes it. */
const lock = z.object({ digest: z.string() });

function digestOfLock(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : lock.parse(JSON.parse(text)).digest;
  } catch {
    return undefined; // half a document is followed by a whole one
  }
}

/** For people, in the words of the pull. */
export function pullWords({ phase, message, completedBytes, totalBytes, etaSeconds }: ProgressReport): string {
  if (phase === 'Failed') return `the pull has failed: ${message ?? 'it gave no reason'}`;
  const amount = totalBytes > 0 ? ` ${formatBytes(completedBytes)} of ${formatBytes(totalBytes)}` : '';
  const rest = etaSeconds === undefined ? '' : `, ${etaSeconds} s left`;
  return `${phase}${amount}${rest}${message ? `: ${message}` : ''}`;
}

/**
 * What the runtime has to serve. The digest that the user or the revision has settled on holds: where the pull has found
 * another, that one is wanted, and what was found is never served.
 * @param settled digest of the source manifest, from the pin or the lock
 */
export function targetOf(
  { model }: ProgressReport,
  settled: string | undefined,
  runtime: GatewayConfig['runtime']['kind'],
): Target | undefined {
  if (!model) return undefined;
  if (runtime === 'FoundryLocal') return { name: model.name }; // it has no digests
  const digest = settled === undefined || settled === model.sourceDigest ? model.digest : settled;
  return { name: model.name, digest };
}

/** For /status. */
export function pullStatusOf(report: ProgressReport): PullStatus {
  const { phase, completedBytes, totalBytes, bytesPerSecond, etaSeconds, updatedAt, message } = report;
  return {
    phase,
    completedBytes,
    totalBytes,
    updatedAt,
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    ...(etaSeconds !== undefined && { etaSeconds }),
    ...(message !== undefined && { message }),
  };
}

/** Reads a file again only when it is another one: both files are replaced as a whole. */
function createReader(path: string): () => Promise<string | undefined> {
  let seen = '';
  let text: string | undefined;
  return async () => {
    try {
      const { mtimeMs, ino, size } = await stat(path);
      const now = `${mtimeMs} ${ino} ${size}`;
      if (now !== seen) {
        text = await readFile(path, 'utf8');
        seen = now;
      }
    } catch {
      // Not there yet, or not for a moment: what was read last holds.
    }
    return text;
  };
}

/** Begins at once, and looks again each second until the signal aborts. */
export function watchPull({ config, truth, clock, log, signal }: PullWatchOptions): PullWatch {
  const readProgress = createReader(config.progressFile);
  const readLock = createReader(config.lockFile);
  let text: string | undefined;
  let report: ProgressReport | undefined;
  let warned: string | undefined;

  function warnOfMismatch({ model }: ProgressReport, settled: string | undefined): void {
    const found = model?.sourceDigest;
    if (found === undefined || settled === undefined || found === settled || settled === warned) return;
    warned = settled;
    log.warn({ found, settled }, 'the pull has found another digest than this revision has settled on');
  }

  async function look(): Promise<void> {
    const [progressText, lockText] = await Promise.all([readProgress(), readLock()]);
    if (progressText !== undefined && progressText !== text) {
      text = progressText;
      const read = parseProgress(progressText);
      // An older revision may have left its own on a volume that lives longer than a pod.
      if (read?.revision === config.revision) {
        report = read;
        truth.observe({ kind: 'Pull', done: report.phase === 'Done', message: pullWords(report) });
      }
    }
    if (!report) return;
    const settled = config.model.digest ?? digestOfLock(lockText);
    warnOfMismatch(report, settled);
    const target = targetOf(report, settled, config.runtime.kind);
    if (target) truth.observe({ kind: 'Target', target });
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      await look();
      await delay(clock, EVERY_MS, signal);
    }
  }

  return { report: () => report, ended: watch() };
}
