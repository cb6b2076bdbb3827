// Requests to the API server over one shared pool of connections: credentials, deadlines, retries, bounded answers.
import { request as read } from 'undici';
import { type Clock, delay, type Random } from '../process/clock.ts';
import { type ApiRequest, callOf, headersOf, parsing, readText, statusIn, urlOf } from './apiRequest.ts';
import type { Auth, Credentials } from './auth.ts';
import { type ConnectionOptions, type Connections, createConnectionPool } from './connectionPool.ts';
import { ApiError, networkError, parseRetryAfter, refusalError } from './errors.ts';
import { jsonLines } from './jsonLines.ts';
import { type Lifetime, openLifetime } from './lifetime.ts';
import type { Answer } from './writer.ts';

export interface StreamRequest<T> extends ApiRequest {
  /** Milliseconds without a byte after which the connection counts as dead. */
  inactivityMs: number;
  /** Done to each document before it is yielded. */
  map?: (document: T) => T;
}

export interface Transport {
  /** Base URL of the API server. */
  readonly server: string;
  /** The namespace of our credentials, where they name one. */
  readonly namespace?: string;
  /** Rejects with ApiError, or with the reason of `signal` when that has aborted. */
  json<T>(request: ApiRequest): Promise<T>;
  /**
   * JSON documents as they arrive, asked for with the first `next`; throws as `json` rejects, and retries nothing but a 401.
   * `return` frees the socket at once, even while the answer has not begun.
   */
  stream<T>(request: StreamRequest<T>): AsyncGenerator<T, void, undefined>;
  /** Cuts everything that is still open. */
  close(): Promise<void>;
}

export interface TransportOptions extends ConnectionOptions {
  auth: Auth;
  clock: Clock;
  random: Random;
  userAgent: string;
  /** Milliseconds; default 30 s. */
  deadlineMs?: number;
  /** After the first attempt; default 3. */
  maxRetries?: number;
  /** Bytes of an answer, or characters of one document of a stream; default 64 MiB. */
  maxAnswer?: number;
  /** Told of each attempt, for metrics: no `status` means that no answer came; `ms` until the headers. */
  onRequest?: (attempt: { verb: string; status: number | undefined; ms: number }) => void;
}

const retryBaseMs = 100;
// A server that asks for more leaves the decision to the caller, who has a queue to wait in.
const longestRetryAfterMs = 30_000;
const largestRefusal = 1024 * 1024;
const ignore = () => undefined;

/** Opens no connection before the first request. */
export function createTransport(options: TransportOptions): Transport {
  const { auth, clock, random, userAgent, onRequest = ignore } = options;
  const { deadlineMs = 30_000, maxRetries = 3, maxAnswer = 64 * 1024 * 1024 } = options;
  const pool = createConnectionPool(options);

  const answerBy = (request: ApiRequest, life: Lifetime) =>
    life.limit(request.deadlineMs ?? deadlineMs, () => silence(request, 'no answer in time'));

  async function json<T>(request: ApiRequest): Promise<T> {
    const life = openLifetime(clock, request.signal);
    answerBy(request, life);
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          return await guarded(request, life, () => exchange<T>(request, life));
        } catch (error) {
          const pauseMs = pauseAfter(attempt, request, error, life);
          if (pauseMs === undefined) throw error;
          await delay(clock, pauseMs, life.signal);
        }
      }
    } finally {
      life.end();
    }
  }

  /** Milliseconds to wait before the next attempt; undefined: this failure is the answer. */
  function pauseAfter(attempt: number, request: ApiRequest, error: unknown, life: Lifetime): number | undefined {
    if (!(error instanceof ApiError) || life.signal.aborted || attempt >= maxRetries) return undefined;
    const { reason, retryAfterMs = 0 } = error;
    // Who throttles has done nothing yet, so that any verb may come again (client-go does so too).
    const mayRepeat = reason === 'throttled' || (request.idempotent && passing.includes(reason));
    const pauseMs = retryAfterMs + retryBaseMs * 2 ** attempt * (0.5 + random());
    return mayRepeat && retryAfterMs <= longestRetryAfterMs && pauseMs < life.left() ? pauseMs : undefined;
  }

  async function exchange<T>(request: ApiRequest, life: Lifetime): Promise<T> {
    const { body } = await success(request, life);
    const text = await readText(body, request, request.maxAnswer ?? maxAnswer);
    return parsing(request, () => JSON.parse(text) as T);
  }

  /** The answer, if it is a success; after a 401 once more with new credentials. */
  async function success(request: ApiRequest, life: Lifetime): Promise<Answer> {
    const { answer, credentials } = await attempt(request, life);
    if (answer.statusCode !== 401) return accepted(request, answer);
    auth.refuse(credentials);
    await readText(answer.body, request, largestRefusal).catch(ignore); // so that its connection is free
    return accepted(request, (await attempt(request, life)).answer);
  }

  async function attempt(request: ApiRequest, life: Lifetime): Promise<{ answer: Answer; credentials: Credentials }> {
    const credentials = await credentialsFor(request, life);
    const startedAt = clock.monotonic();
    let status: number | undefined;
    try {
      const headers = { 'user-agent': userAgent, ...headersOf(request), ...credentials.headers };
      const answer = await send(request, headers, pool.connectionsFor(credentials.tls), life.signal);
      status = answer.statusCode;
      return { answer, credentials };
    } finally {
      onRequest({ verb: request.verb, status, ms: clock.monotonic() - startedAt });
    }
  }

  function send(
    request: ApiRequest,
    headers: Record<string, string>,
    { reader, writer }: Connections,
    signal: AbortSignal,
  ) {
    const { method, body } = request;
    const url = urlOf(auth.server, request);
    if (body !== undefined) return writer.send(url, { method, headers, body: JSON.stringify(body), signal });
    // All limits are on the clock that we were given.
    return read(url, { dispatcher: reader, method, headers, signal, headersTimeout: 0, bodyTimeout: 0 });
  }

  async function credentialsFor(request: ApiRequest, life: Lifetime): Promise<Credentials> {
    try {
      return await life.outlive(auth.credentials());
    } catch (cause) {
      const message = `no credentials: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new ApiError('unauthorized', message, { call: callOf(request), cause });
    }
  }

  async function accepted(request: ApiRequest, answer: Answer): Promise<Answer> {
    const { statusCode, headers } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer;
    const text = await readText(answer.body, request, largestRefusal).catch(() => '');
    const retryAfterMs = parseRetryAfter(headers['retry-after']?.toString(), clock.now());
    throw refusalError({ statusCode, status: statusIn(text), text, retryAfterMs, call: callOf(request) });
  }

  /** Whatever is thrown leaves as an ApiError, or as the reason of the abort that caused it. */
  async function guarded<T>(request: ApiRequest, life: Lifetime, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      const error: unknown = life.signal.aborted ? life.signal.reason : networkError(thrown, callOf(request));
      // The peer may be frozen, and with HTTP/2 all share one connection: who comes next shall not wait for it too.
      if (error instanceof ApiError && error.reason === 'timeout' && error.statusCode === undefined) pool.retire();
      throw error;
    }
  }

  async function* documents<T>(request: StreamRequest<T>, life: Lifetime): AsyncGenerator<T, void, undefined> {
    const { inactivityMs, map = (document: T) => document } = request;
    answerBy(request, life);
    const { body } = await guarded(request, life, () => success(request, life));
    const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
    const lines = jsonLines(maxAnswer);
    try {
      for (let done = false; !done; ) {
        // Only while we wait for the server: what the consumer does with an event may take its time.
        life.limit(inactivityMs, () => silence(request, `no sign of life for ${inactivityMs} ms`));
        const chunk = await guarded(request, life, () => chunks.next());
        life.unlimited();
        done = chunk.done === true;
        const whole = parsing(request, () => (chunk.done ? lines.end() : lines.push(chunk.value)));
        for (const document of whole) yield map(document as T);
      }
    } finally {
      body.destroy();
    }
  }

  const { server, namespace } = auth;
  return {
    server,
    ...(namespace && { namespace }),
    json,
    stream: (request) => interruptible((life) => documents(request, life), clock, request.signal),
    close: pool.close,
  };
}

const passing: readonly string[] = ['unavailable', 'timeout'];

const silence = (request: ApiRequest, message: string) => new ApiError('timeout', message, { call: callOf(request) });

/** A generator whose `return` ends a `next` that is still waiting; a plain one would wait for it first. */
function interruptible<T>(
  open: (life: Lifetime) => AsyncGenerator<T, void, undefined>,
  clock: Clock,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const stopped = new Error('the consumer has stopped');
  let life: Lifetime | undefined;

  async function* run(): AsyncGenerator<T, void, undefined> {
    life = openLifetime(clock, signal);
    try {
      yield* open(life);
    } catch (error) {
      if (error !== stopped) throw error;
    } finally {
      life.end();
    }
  }

  const generator = run();
  const stop = () => {
    life?.abort(stopped);
    return generator.return();
  };
  return {
    next: () => generator.next(),
    return: stop,
    throw: (error: unknown) => generator.throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}
