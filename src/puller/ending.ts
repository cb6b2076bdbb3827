// How a pull ended, as it is told outside: the last report, the termination message, and never an error that escapes.
import { formatBytes } from '../models/bytes.ts';
import { PullError, type PullFailure } from '../models/errors.ts';
import type { PullConfig } from './config.ts';
import type { TerminationMessage } from './outcome.ts';
import type { ServedModel } from './progressReport.ts';
import { formatSeconds } from './progressWords.ts';
import type { PullContext } from './sources.ts';

interface Failure {
  reason: PullFailure;
  message: string;
}

function failureOf(error: unknown, { runtime }: PullConfig, signal: AbortSignal): Failure {
  if (signal.aborted) {
    const next =
      runtime === 'Ollama' ? 'what has arrived is kept for the next attempt' : 'the next attempt begins anew';
    return { reason: 'Internal', message: `stopped by ${signal.reason}; ${next}` };
  }
  if (error instanceof PullError) return { reason: error.reason, message: error.message };
  return { reason: 'Internal', message: error instanceof Error ? error.message : String(error) };
}

function doneWords({ sizeBytes }: ServedModel, fetchedBytes: number, seconds: number): string {
  const how = fetchedBytes > 0 ? `fetched ${formatBytes(fetchedBytes)}` : 'nothing fetched';
  return `${formatBytes(sizeBytes)} verified, ${how}, in ${formatSeconds(seconds)}`;
}

function doneMessage(
  reference: string,
  served: ServedModel,
  fetchedBytes: number,
  seconds: number,
): TerminationMessage {
  const { digest, sourceDigest, adapterDigests, sizeBytes, quantization, family, contextLength } = served;
  return {
    reason: 'Done',
    message: doneWords(served, fetchedBytes, seconds),
    reference,
    digest: sourceDigest,
    ...(adapterDigests && { adapters: adapterDigests }),
    servedDigest: digest,
    sizeBytes,
    fetchedBytes,
    seconds,
    ...(quantization && { quantization }),
    ...(family && { family }),
    ...(contextLength !== undefined && { contextLength }),
  };
}

/** Resolves when the model is in the store and verified; rejects with a PullError, or with the reason of `context.signal`. */
export type Pull = (config: PullConfig, context: PullContext) => Promise<ServedModel>;

/** Pulls and tells the progress of its end. Never rejects. */
export async function endingOf(config: PullConfig, context: PullContext, pull: Pull): Promise<TerminationMessage> {
  const { clock, progress, log, signal } = context;
  const { reference } = config;
  const begun = clock.monotonic();
  const seconds = () => Math.round((clock.monotonic() - begun) / 100) / 10;
  try {
    const served = await pull(config, context);
    progress.serve(served);
    const message = doneMessage(reference, served, progress.fetchedBytes, seconds());
    log.info({ ...message, name: served.name }, 'pull done');
    await progress.end('Done', message.reason, message.message);
    return message;
  } catch (error) {
    const { reason, message } = failureOf(error, config, signal);
    log.error({ reason, err: error }, 'pull failed');
    await progress.end('Failed', reason, message);
    return { reason, message, reference, fetchedBytes: progress.fetchedBytes, seconds: seconds() };
  }
}
