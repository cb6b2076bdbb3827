// What an answer of a registry, or none, means for the pull: nobody else looks at status codes.
import { errorCode, PullError, type PullErrorFacts, type PullFailure } from './errors.ts';
import { distrustIn } from './untrusted.ts';

/** Long enough for what registries say, short enough for a condition. */
const MAX_WORDS = 300;

const byStatus: Partial<Record<number, { reason: PullFailure; what: string }>> = {
  400: { reason: 'InvalidReference', what: 'does not understand the request' },
  401: { reason: 'Unauthorized', what: 'asks for other credentials' },
  403: { reason: 'Unauthorized', what: 'forbids access' },
  404: { reason: 'NotFound', what: 'has nothing there' },
  407: { reason: 'Unauthorized', what: 'cannot be reached: the proxy asks for credentials' },
  410: { reason: 'NotFound', what: 'has nothing there any more' },
  412: { reason: 'NeedsNewerRuntime', what: 'says that the model needs a newer version of the runtime' },
  416: { reason: 'Corrupt', what: 'has fewer bytes than the manifest says' },
  429: { reason: 'Unreachable', what: 'asks for fewer requests' },
};

export interface Refused {
  readonly host: string;
  /** What was asked for, such as `manifest of library/phi4-mini:3.8b`. */
  readonly what: string;
  readonly statusCode: number;
  /** Beginning of the answer's body. */
  readonly text: string;
  readonly retryAfterMs?: number | undefined;
}

/** The error in an answer that is neither success nor redirect. */
export function refusalError({ host, what, statusCode, text, retryAfterMs }: Refused): PullError {
  const { reason, what: does } = byStatus[statusCode] ?? { reason: 'Unreachable' as const, what: 'cannot answer' };
  const words = wordsOf(text);
  const message = `${host} ${does} (HTTP ${statusCode}${words && `: ${words}`}), asked for the ${what}`;
  return new PullError(reason, message, { statusCode, retryAfterMs });
}

/** The error where no answer came, or one that was cut. A certificate that is not trusted now will not be in a minute either. */
export function networkError(cause: unknown, host: string, what: string): Error {
  if (cause instanceof PullError) return cause;
  const distrust = distrustIn(cause);
  if (distrust) {
    const message = `${host} shows a certificate that is not trusted: ${distrust.what}; ${distrust.cure}. Asked for the ${what}`;
    return new PullError('Untrusted', message, { cause });
  }
  if (errorCode(cause) === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    const cure = 'if it is meant to speak plain HTTP, set spec.model.source.registry.plainHttp';
    return unreachable(`${host} does not answer with TLS; ${cure}. Asked for the ${what}`, { cause });
  }
  return unreachable(`${host} cannot be reached for the ${what}: ${describe(cause)}`, { cause });
}

export const unreachable = (message: string, facts: PullErrorFacts = {}) =>
  new PullError('Unreachable', message, facts);

/** Asking again may help by itself; redirects that lead nowhere and refusals do not change within seconds. */
export const isPassing = (error: unknown): error is PullError =>
  error instanceof PullError &&
  error.reason === 'Unreachable' &&
  (error.statusCode === undefined || error.statusCode >= 500 || [408, 425, 429].includes(error.statusCode));

/** Retry-After (RFC 9110, 10.2.3) in milliseconds: seconds, or a date that is compared with `now`. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** What a registry says in its error body: `{errors: [{message}]}` (OCI), `{error}` (Ollama, Hugging Face) or plain text. */
function wordsOf(text: string): string {
  const said = messageIn(text) ?? (/^\s*</.test(text) ? '' : text); // a page of HTML says nothing
  const words = said.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS - 1)}…` : words;
}

function messageIn(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const first = Array.isArray(value.errors) ? value.errors[0] : undefined;
    const said = isRecord(first) ? first.message || first.code : (value.error ?? value.message);
    return typeof said === 'string' ? said : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Several addresses tried, several failures: Node throws them as an AggregateError with an empty message. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error instanceof AggregateError ? error.errors.map(describe).join('; ') : error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code && !message.includes(code) ? `${message} (${code})` : message;
}
