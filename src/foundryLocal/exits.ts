// How the server process ended, as it stands in its exit code and, in words, in its termination message: read by people and by the
// operator, which shows both.

interface Exit {
  readonly exitCode: number;
  readonly meaning: string;
}

/** Outside what Node (1-13), the pull (20-70) and shells (126-165) use. */
export const exits = {
  Stopped: { exitCode: 0, meaning: 'it was asked to stop, and the model was unloaded' },
  Settings: { exitCode: 80, meaning: 'a variable is missing or cannot be used' },
  CoreMissing: { exitCode: 81, meaning: 'the image lacks the core or its libraries, or they do not fit its system' },
  ModelMissing: { exitCode: 82, meaning: 'the store does not have the model: the pull has not run here' },
  DeviceMissing: { exitCode: 83, meaning: 'the execution provider that the rung asks for cannot be had' },
  LoadFailed: { exitCode: 84, meaning: 'the core cannot load the model' },
  LoadTimeout: { exitCode: 85, meaning: 'loading took longer than performance.loadTimeoutSeconds' },
  ServiceFailed: { exitCode: 86, meaning: 'the web service of the core cannot be started' },
  CoreEnded: { exitCode: 87, meaning: 'the core has crashed or was killed; the message has the signal' },
  Internal: { exitCode: 90, meaning: 'something else failed, told in the message' },
} as const satisfies Record<string, Exit>;

export type ExitReason = keyof typeof exits;

/** Why the server cannot serve. */
export class ServeError extends Error {
  override readonly name = 'ServeError';
  readonly reason: Exclude<ExitReason, 'Stopped'>;

  constructor(reason: Exclude<ExitReason, 'Stopped'>, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.reason = reason;
  }
}
