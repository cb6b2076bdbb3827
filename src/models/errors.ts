// What can go wrong with a model, classified once: at the registry, in the store, in a file.
import type { OutcomeReason } from '../puller/outcome.ts';

export type PullFailure = Exclude<OutcomeReason, 'Done'>;

export interface PullErrorFacts {
  /** HTTP status, where an answer came. */
  statusCode?: number | undefined;
  /** Milliseconds that the server asks us to wait. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Ends up in a termination message and a condition: the message says what, where and the cure, and never holds a secret. */
export class PullError extends Error {
  override readonly name = 'PullError';
  readonly reason: PullFailure;
  readonly statusCode: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(reason: PullFailure, message: string, { statusCode, retryAfterMs, cause }: PullErrorFacts = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.reason = reason;
    this.statusCode = statusCode;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The code of a failed system call, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

const byCode: Partial<Record<string, { reason: PullFailure; what: string }>> = {
  ENOSPC: { reason: 'DiskFull', what: 'no space is left' },
  EDQUOT: { reason: 'DiskFull', what: 'the quota is used up' },
  EFBIG: { reason: 'DiskFull', what: 'the file is larger than the file system or a limit allows' },
  EROFS: { reason: 'ReadOnlyStore', what: 'the file system is read-only' },
  EACCES: { reason: 'ReadOnlyStore', what: 'permission is denied; check fsGroup and the owner of the files' },
  EPERM: { reason: 'ReadOnlyStore', what: 'the operation is not permitted; check fsGroup and the owner of the files' },
  EIO: { reason: 'Corrupt', what: 'the disk reports an input/output error' },
};

/**
 * What a failed system call means for the pull. `doing` names act and path, such as `write /models/blobs`.
 * A PullError stays as it is, and so does an abort: stopping is no failure of the disk.
 */
export function fileError(error: unknown, doing: string): Error {
  if (error instanceof PullError || (error instanceof Error && error.name === 'AbortError')) return error;
  const known = byCode[errorCode(error) ?? ''];
  const what = known?.what ?? (error instanceof Error ? error.message : String(error));
  return new PullError(known?.reason ?? 'Internal', `cannot ${doing}: ${what}`, { cause: error });
}
