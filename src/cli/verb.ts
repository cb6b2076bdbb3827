// What a verb of lmd is, and what it is given of the world.
import type { Clock } from '../process/clock.ts';

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** For what was asked for. */
  readonly stdout: Stream;
  /** For all that is said on the way. */
  readonly stderr: Stream;
  readonly clock: Clock;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Verb {
  /** One line, for the list of verbs. */
  readonly summary: string;
  readonly help: string;
  /** Rejects with a UsageError for what cannot be asked, with a PullError for what cannot be done. */
  run(args: readonly string[], surroundings: Surroundings): Promise<void>;
}

/** A mistake in how lmd was called; the message is for the person who did it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
