// What clients are told when the gateway itself says no: one catalogue, worded in the dialect of the API that they speak.

/** APIs that clients can speak; each opened by spec.api.protocols. */
export type Family = 'OpenAI' | 'Native' | 'Anthropic';

interface ErrorMeaning {
  /** HTTP. */
  readonly status: number;
  /** `error.code` of the OpenAI dialect. */
  readonly code: string;
  readonly meaning: string;
}

export const gatewayErrors = {
  BadRequest: { status: 400, code: 'invalid_request', meaning: 'the request cannot be read' },
  Unauthorized: { status: 401, code: 'invalid_api_key', meaning: 'no API key, or one that is not known' },
  Forbidden: { status: 403, code: 'forbidden', meaning: 'the request would change models or the process' },
  NotFound: { status: 404, code: 'not_found', meaning: 'no such route, or one that is not opened' },
  ModelNotFound: { status: 404, code: 'model_not_found', meaning: 'a name that is not served here' },
  RequestTimeout: { status: 408, code: 'request_timeout', meaning: 'the request did not arrive in time' },
  TooLarge: { status: 413, code: 'request_too_large', meaning: 'the body is over limits.maxBodyBytes' },
  Unsupported: { status: 400, code: 'unsupported', meaning: 'a feature that the gateway cannot honour' },
  UnsupportedEncoding: { status: 415, code: 'unsupported_encoding', meaning: 'the body is compressed, or no JSON' },
  HeadersTooLarge: { status: 431, code: 'headers_too_large', meaning: 'the headers are too large' },
  QueueFull: { status: 429, code: 'queue_full', meaning: 'all places and the whole queue are taken' },
  Internal: { status: 500, code: 'internal_error', meaning: 'a fault of the gateway' },
  RuntimeFailed: { status: 502, code: 'runtime_failed', meaning: 'the runtime broke off before the first byte' },
  NotReady: { status: 503, code: 'not_ready', meaning: 'the model is not being served now' },
  Draining: { status: 503, code: 'draining', meaning: 'the pod is being stopped' },
  QueueTimeout: { status: 504, code: 'queue_timeout', meaning: 'no place came free within limits.queueTimeoutSeconds' },
  RuntimeTimeout: { status: 504, code: 'runtime_timeout', meaning: 'no answer within limits.requestTimeoutSeconds' },
} as const satisfies Record<string, ErrorMeaning>;

export type GatewayErrorReason = keyof typeof gatewayErrors;

export interface GatewayErrorDetails {
  /** For Retry-After, whole seconds. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** Why a request is not served. The message goes to the client: it holds nothing of the prompt and no key. */
export class GatewayError extends Error {
  readonly reason: GatewayErrorReason;
  readonly retryAfterSeconds: number | undefined;

  constructor(reason: GatewayErrorReason, message: string, { retryAfterSeconds, cause }: GatewayErrorDetails = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'GatewayError';
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get status(): number {
    return gatewayErrors[this.reason].status;
  }
}

/** As OpenAI's own client reads it (`error.type`). */
const openAiTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  429: 'rate_limit_error',
};

/** Of Anthropic's API reference. */
const anthropicTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

const typeOf = (types: Readonly<Record<number, string>>, status: number): string =>
  types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');

type Dialect = (error: { status: number; code: string; message: string; requestId: string }) => unknown;

const dialects: Readonly<Record<Family, Dialect>> = {
  OpenAI: ({ status, code, message }) => ({
    error: { message, type: typeOf(openAiTypes, status), param: null, code },
  }),
  Native: ({ message }) => ({ error: message }),
  Anthropic: ({ status, message, requestId }) => ({
    type: 'error',
    error: { type: typeOf(anthropicTypes, status), message },
    request_id: requestId,
  }),
};

export interface ErrorAnswer {
  status: number;
  /** Lower case names. */
  headers: Record<string, string>;
  body: string;
}

/** After these the connection cannot be used further: its rest was not read, or it has to go elsewhere. */
const closing: ReadonlySet<GatewayErrorReason> = new Set(['Draining', 'TooLarge', 'RequestTimeout', 'HeadersTooLarge']);

/** The whole answer to a request that is not served. */
export function errorAnswer(family: Family, error: GatewayError, requestId: string): ErrorAnswer {
  const { status, code } = gatewayErrors[error.reason];
  const body = `${JSON.stringify(dialects[family]({ status, code, message: error.message, requestId }))}\n`;
  const { retryAfterSeconds } = error;
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      'x-request-id': requestId,
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(closing.has(error.reason) && { connection: 'close' }),
    },
    body,
  };
}
