// What can go wrong between us and the API server, classified once: nobody else looks at status codes.
import type { KubeStatus } from './types.ts';

const reasons = {
  notFound: { transient: false },
  conflict: { transient: true }, // once it is read again
  alreadyExists: { transient: false },
  gone: { transient: true }, // once it is listed again
  throttled: { transient: true },
  invalid: { transient: false },
  forbidden: { transient: false },
  unauthorized: { transient: true }, // credentials rotate
  timeout: { transient: true },
  unavailable: { transient: true },
} as const;

export type ApiErrorReason = keyof typeof reasons;

/** Which call failed. `verb` in the words of Kubernetes: get, list, watch, create, update, patch, delete. */
export interface FailedCall {
  verb: string;
  /** Without the query. */
  path: string;
}

export interface ApiErrorFacts {
  /** HTTP status, or that of an ERROR event; absent when no answer came. */
  statusCode?: number | undefined;
  /** Milliseconds that the server asks us to wait. */
  retryAfterMs?: number | undefined;
  status?: KubeStatus | undefined;
  call?: FailedCall | undefined;
  cause?: unknown;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ApiErrorReason;
  readonly statusCode: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly status: KubeStatus | undefined;
  readonly call: FailedCall | undefined;

  constructor(reason: ApiErrorReason, message: string, facts: ApiErrorFacts = {}) {
    const { statusCode, retryAfterMs, status, call, cause } = facts;
    super(bounded(call ? `${call.verb} ${call.path}: ${message}` : message), cause === undefined ? {} : { cause });
    this.reason = reason;
    this.statusCode = statusCode;
    this.retryAfterMs = retryAfterMs;
    this.status = status;
    this.call = call;
  }

  /** Time can mend it, nobody has to change anything. What is not transient may still pass: see each reason. */
  get transient(): boolean {
    return reasons[this.reason].transient;
  }
}

// Messages end up in conditions and logs. Kubernetes bounds a condition's message to 32 KiB; nobody reads more than this.
const longestMessage = 1_024;

const bounded = (text: string) => (text.length > longestMessage ? `${text.slice(0, longestMessage - 1)}…` : text);

const byStatusCode: Partial<Record<number, ApiErrorReason>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'notFound',
  408: 'timeout',
  409: 'conflict',
  410: 'gone',
  429: 'throttled',
  504: 'timeout',
};

// Where the reason of a meta/v1 Status says more than its code.
const byStatusReason: Partial<Record<string, ApiErrorReason>> = {
  AlreadyExists: 'alreadyExists',
  Expired: 'gone',
  ServerTimeout: 'timeout',
  Timeout: 'timeout',
};

function reasonFor(code: number | undefined, status: KubeStatus | undefined): ApiErrorReason {
  const said = byStatusReason[status?.reason ?? ''] ?? byStatusCode[code ?? 0];
  if (said) return said;
  // A field that the schema of a kind does not have: server-side apply answers with 500, although no retry can mend it.
  if (code === 500 && status?.message?.startsWith('failed to create typed patch object')) return 'invalid';
  return code !== undefined && code >= 400 && code < 500 ? 'invalid' : 'unavailable';
}

/** The error in a Status, as an ERROR event of a watch carries one. */
export function statusError(status: KubeStatus, call?: FailedCall): ApiError {
  return refusalError({ status, statusCode: status.code, call });
}

/** The error in an answer that is not a success. `text` stands in for a Status where a proxy has answered. */
export function refusalError(facts: ApiErrorFacts & { text?: string }): ApiError {
  const { status, text } = facts;
  const statusCode = facts.statusCode ?? status?.code;
  const seconds = status?.details?.retryAfterSeconds;
  const retryAfterMs = facts.retryAfterMs ?? (seconds ? seconds * 1_000 : undefined);
  const message = status?.message || text?.trim() || status?.reason || `HTTP ${statusCode ?? 'error'} without a reason`;
  return new ApiError(reasonFor(statusCode, status), message, { ...facts, statusCode, retryAfterMs });
}

/** Retry-After (RFC 9110, 10.2.3) in milliseconds: seconds, or a date that is compared with `now`. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

const timeoutCodes: readonly string[] = [
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
];

/** Whatever the network threw: refused, reset, closed in the middle, a certificate that is not trusted. */
export function networkError(cause: unknown, call?: FailedCall): ApiError {
  if (cause instanceof ApiError) return cause;
  const code = codeOf(cause);
  const reason = timeoutCodes.includes(code ?? '') ? 'timeout' : 'unavailable';
  return new ApiError(reason, describe(cause, code), { call, cause });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Several addresses tried, several failures: Node throws them as an AggregateError with an empty message. */
function describe(error: unknown, code: string | undefined): string {
  if (!(error instanceof Error)) return String(error);
  const message =
    error instanceof AggregateError ? error.errors.map((one) => describe(one, undefined)).join('; ') : error.message;
  return code && !message.includes(code) ? `${message} (${code})` : message;
}
