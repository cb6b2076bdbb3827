// What the judge asks of a runtime: one interface, filled in for Ollama and for Foundry Local.
import type { LoadedModel, Target } from './observation.ts';
import type { ModelKind } from './routes.ts';

export interface CanaryQuestion {
  /** What the runtime calls the model. */
  name: string;
  prompt: string;
  kind: ModelKind | undefined;
  /** Tokens at most. */
  maxTokens: number;
}

/** Every call rejects with a RuntimeError, or with the signal's reason once that aborts. */
export interface RuntimeClient {
  /** Resolves when the server answers; `instance` tells its processes apart where it says so. */
  alive(signal: AbortSignal): Promise<{ instance?: string }>;
  version(signal: AbortSignal): Promise<string | undefined>;
  /** What it lists as loaded. Ollama's list has those that are still loading too. */
  models(signal: AbortSignal): Promise<readonly LoadedModel[]>;
  /** What the model is made for; undefined where the runtime does not say, or for both. */
  kindOf(name: string, signal: AbortSignal): Promise<ModelKind | undefined>;
  /** Loads the model to stay. The connection is held for the whole load: a runtime gives up what nobody waits for. */
  load(target: Target, kind: ModelKind | undefined, signal: AbortSignal): Promise<void>;
  /** The text of the answer; for an embedding its numbers as text, empty where all are zero. */
  ask(question: CanaryQuestion, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/**
 * `Refused`: nobody listens. `Broken`: the connection ended before the answer did. `Answered`: with an error of its own, or with
 * something that is no answer.
 */
export type RuntimeErrorReason = 'Refused' | 'Broken' | 'Answered';

export class RuntimeError extends Error {
  readonly reason: RuntimeErrorReason;
  /** Of what it answered. */
  readonly status: number | undefined;

  constructor(reason: RuntimeErrorReason, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RuntimeError';
    this.reason = reason;
    this.status = options.status;
  }
}
