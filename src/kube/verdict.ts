// What an error of a reconcile means: the user must mend it, time will, or we must.
import { ApiError } from './errors.ts';

/** Only a change of the object can mend this, so trying again is pointless. The message is for the user. */
export class TerminalError extends Error {
  override readonly name: string = 'TerminalError';
}

/** Time will mend this: tried again with backoff. To be extended by whoever throws it. */
export class TransientError extends Error {
  override readonly name: string = 'TransientError';
}

export type Verdict =
  /** The user must mend it: counted, not tried again. */
  | { kind: 'terminal' }
  /** Our view is older than the object: normal, look again soon. */
  | { kind: 'conflict' }
  /** The API server asks us to come back later. */
  | { kind: 'throttled'; retryAfterMs: number }
  /** Time or an administrator will mend it: tried again with backoff. */
  | { kind: 'transient' }
  /** Ours to mend: logged with its stack, tried again with backoff. */
  | { kind: 'bug' };

/** When the API server throttles without saying for how long. */
const throttleMs = 1000;

const verdictOfReason = ({ reason, retryAfterMs }: ApiError): Verdict => {
  switch (reason) {
    case 'conflict':
    case 'alreadyExists': // created by us a moment ago and not yet seen, or by somebody else
      return { kind: 'conflict' };
    case 'throttled':
      return { kind: 'throttled', retryAfterMs: retryAfterMs ?? throttleMs };
    default:
      return { kind: 'transient' };
  }
};

const isAbort = (error: unknown) =>
  error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');

/** Judges by type alone: what is none of the types that are thrown on purpose, nor an abort, was not foreseen, so it is a bug. */
export function classifyError(error: unknown): Verdict {
  if (error instanceof TerminalError) return { kind: 'terminal' };
  if (error instanceof ApiError) return verdictOfReason(error);
  return { kind: error instanceof TransientError || isAbort(error) ? 'transient' : 'bug' };
}
