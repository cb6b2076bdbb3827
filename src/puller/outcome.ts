// How a pull ended: exit code and termination message of the pull container, written by the puller, read by the operator.
import * as z from 'zod';

interface Ending {
  /** Outside what Node (1-13) and shells (126-165) use themselves, so that a crash is never taken for an answer. */
  readonly exitCode: number;
  /** `permanent`: trying again without a change by somebody is of no use. `retryable`: time may mend it. */
  readonly retry: 'done' | 'permanent' | 'retryable';
  readonly meaning: string;
}

export const outcomes = {
  Done: { exitCode: 0, retry: 'done', meaning: 'the model is in the store and verified' },
  InvalidReference: { exitCode: 20, retry: 'permanent', meaning: 'the reference cannot be read' },
  NotFound: { exitCode: 21, retry: 'permanent', meaning: 'the source has no such model' },
  Unauthorized: { exitCode: 22, retry: 'permanent', meaning: 'the source does not accept the credentials' },
  NeedsNewerRuntime: { exitCode: 23, retry: 'permanent', meaning: 'the model needs a newer version of the runtime' },
  DigestMismatch: {
    exitCode: 24,
    retry: 'permanent',
    meaning: 'the source serves something else than the digest says',
  },
  ExpectationMismatch: { exitCode: 25, retry: 'permanent', meaning: 'the file is not what model.expect asks for' },
  ReadOnlyStore: { exitCode: 26, retry: 'permanent', meaning: 'the store cannot be written' },
  SecretMissing: {
    exitCode: 27,
    retry: 'permanent',
    meaning: 'a Secret or ConfigMap that the pull needs is not there',
  },
  WrongDevice: {
    exitCode: 28,
    retry: 'permanent',
    meaning: 'the model is built for another class of device than the rung has',
  },
  Untrusted: { exitCode: 29, retry: 'permanent', meaning: 'the certificate of the source is not trusted' },
  Unreachable: { exitCode: 40, retry: 'retryable', meaning: 'the source does not answer' },
  DiskFull: { exitCode: 41, retry: 'retryable', meaning: 'the store has no room for the model' },
  Corrupt: { exitCode: 42, retry: 'retryable', meaning: 'what arrived or lay there does not match its hash' },
  Internal: { exitCode: 70, retry: 'retryable', meaning: 'the pull itself failed' },
} as const satisfies Record<string, Ending>;

export type OutcomeReason = keyof typeof outcomes;

const reasons = Object.keys(outcomes) as [OutcomeReason, ...OutcomeReason[]];

/** kubelet keeps this much of a termination message. */
export const MAX_MESSAGE_BYTES = 4096;

/** Members that we do not know are left out: a newer puller may say more. */
export const terminationMessage = z.object({
  reason: z.enum(reasons),
  /** For people: what, where, what to do. */
  message: z.string(),
  reference: z.string().optional(),
  /** Of the manifest that was pulled. */
  digest: z.string().optional(),
  /** Of the manifests of adapters, in the order of the Modelfile. */
  adapters: z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/)).optional(),
  /** Of what the runtime serves: another one where a Modelfile derives it. */
  servedDigest: z.string().optional(),
  sizeBytes: z.number().min(0).optional(),
  /** Less than sizeBytes where the store had some of it. */
  fetchedBytes: z.number().min(0).optional(),
  seconds: z.number().min(0).optional(),
  quantization: z.string().optional(),
  family: z.string().optional(),
  contextLength: z.number().min(0).optional(),
});

export type TerminationMessage = z.output<typeof terminationMessage>;
export type Outcome = TerminationMessage & { retry: Ending['retry'] };

const bytes = (text: string) => Buffer.byteLength(text, 'utf8');

/** JSON of at most 4 KiB; where it would be longer the words are cut, never the facts. */
export function writeOutcome(outcome: TerminationMessage): string {
  let { message } = outcome;
  const json = () => JSON.stringify({ ...outcome, message });
  while (message && bytes(json()) > MAX_MESSAGE_BYTES) {
    const excess = bytes(json()) - MAX_MESSAGE_BYTES;
    // One character is at most six bytes of JSON (\u0000), so this never cuts more than needed by much, and always some.
    message = message.slice(0, -Math.max(1, Math.ceil(excess / 6)));
  }
  return json();
}

const SIGKILL = 137;

function byExitCode(exitCode: number, words: string): Outcome {
  const reason = reasons.find((name) => outcomes[name].exitCode === exitCode) ?? 'Internal';
  const { meaning, retry } = outcomes[reason];
  const killed = exitCode === SIGKILL ? ', killed: most often for memory' : '';
  const fallback = reason === 'Internal' ? `${meaning} (exit code ${exitCode}${killed})` : meaning;
  return { reason, message: words || fallback, retry };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Never throws. What is no message of ours, or contradicts the exit code, counts by the exit code alone; text that is not
 * JSON (the tail of a log) is kept as the message.
 */
export function parseOutcome(message: string | undefined, exitCode: number): Outcome {
  const text = (message ?? '').trim();
  const value = parsed(text);
  const known = terminationMessage.safeParse(value);
  if (known.success && (known.data.reason === 'Done') === (exitCode === 0))
    return { ...known.data, retry: outcomes[known.data.reason].retry };
  const words = known.success
    ? ''
    : typeof value === 'object' && value !== null && 'message' in value
      ? value.message
      : text;
  return byExitCode(exitCode, exitCode !== 0 && typeof words === 'string' ? words.slice(-512) : '');
}
