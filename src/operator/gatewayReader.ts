// How the status of a gateway is asked for: the contract between those who carry it and those who read it.
import type { PodFacts } from './podFacts.ts';

export interface GatewayReader {
  /**
   * The JSON under /status of the pod's gateway, not yet checked.
   * @throws GatewayError, or the reason of `signal` when that has aborted
   */
  read(pod: PodFacts, signal: AbortSignal): Promise<unknown>;
  /** Cuts what is still open. */
  close(): Promise<void>;
}

/** Why a gateway could not be read. */
export type GatewayProblem =
  /** Refused, reset, no route. */
  | 'Unreachable'
  /** No whole answer in time. */
  | 'Timeout'
  /** The pod has no address, or one that belongs to no pod. */
  | 'NoAddress'
  /** An answer that is not 200; redirects are not followed. */
  | 'Refused'
  | 'TooLarge'
  /** Not JSON, or JSON that is no status. */
  | 'NoStatus'
  /** The status of another pod. */
  | 'Stranger'
  /** The API server does not let us through. */
  | 'Forbidden';

export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly reason: GatewayProblem;

  constructor(reason: GatewayProblem, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** For the whole exchange (milliseconds): a gateway answers from memory. */
export const READ_DEADLINE_MS = 2_000;
/** A status is about 2 KiB. */
export const MAX_STATUS_BYTES = 64 * 1024;
