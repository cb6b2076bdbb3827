// Requests to the API server over one shared pool of connections: credentials, deadlines, retries, bounded answers.
import { Agent, type Dispatcher, request as send } from 'undici';
import { type Clock, delay, type Random } from '../process/clock.ts';
import { type ApiRequest, callOf, headersOf, parsing, readText, statusIn, urlOf } from './apiRequest.ts';
import type { Auth, Credentials, TlsOptions } from './auth.ts';
import { ApiError, networkError, parseRetryAfter, refusalError } from './errors.ts';
import { jsonLines } from './jsonLines.ts';
import { type Lifetime, openLifetime } from './lifetime.ts';

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

export interface TransportOptions {
  auth: Auth;
  clock: Clock;
  random: Random;
  userAgent: string;
  /** Default true: HTTP/2 where the server offers it, for what has no body. False is for proxies that get it wrong. */
  http2?: boolean;
  /** Milliseconds; default 30 s. */
  deadlineMs?: number;
  /** After the first attempt; default 3. */
  maxRetries?: number;
  /** Bytes of an answer, or characters of one document of a stream; default 64 MiB. */
  maxAnswer?: number;
  /** With HTTP/1.1 each watch holds one, and what exceeds them waits its turn. Default 64. */
  maxConnections?: number;
  /** Told of each attempt, for metrics: no `status` means that no answer came; `ms` until the headers. */
  onRequest?: (attempt: { verb: string; status: number | undefined; ms: number }) => void;
}

type Answer = Dispatcher.ResponseData;

const retryBaseMs = 100;
// A server that asks for more leaves the decision to the caller, who has a queue to wait in.
const longestRetryAfterMs = 30_000;
const largestRefusal = 1024 * 1024;
const ignore = () => undefined;

/** Opens no connection before the first request. */
export function createTransport(options: TransportOptions): Transport {
  const { auth, clock, random, userAgent, onRequest = ignore } = options;
  const { deadlineMs = 30_000, maxRetries = 3, maxAnswer = 64 * 1024 * 1024 } = options;
  const pool = createPool(options);

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
    await answer.body.dump();
    return accepted(request, (await attempt(request, life)).answer);
  }

  async function attempt(request: ApiRequest, life: Lifetime): Promise<{ answer: Answer; credentials: Credentials }> {
    const credentials = await credentialsFor(request, life);
    const startedAt = clock.monotonic();
    let status: number | undefined;
    try {
      const answer = await send(urlOf(auth.server, request), {
        dispatcher: pool.agentFor(credentials.tls, request.body === undefined ? 'reading' : 'writing'),
        method: request.method,
        headers: { 'user-agent': userAgent, ...headersOf(request), ...credentials.headers },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: life.signal,
        // All limits are on the clock that we were given.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      status = answer.statusCode;
      return { answer, credentials };
    } finally {
      onRequest({ verb: request.verb, status, ms: clock.monotonic() - startedAt });
    }
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

// Less than the 90 s after which an API server closes idle connections, else we would write into closed ones.
const keepAliveMs = 60_000;
// How soon TCP notices a peer that is gone while nothing is sent; load balancers forget a connection after 60 s.
const tcpKeepAliveMs = 30_000;
// Beside HTTP/2. Eight passes write their children at once: with a connection for each, twenty and more stayed open for a minute, here
// and in the API server, and all children were made no sooner (bench operator --count 100).
const maxWriting = 12;

/**
 * What has a body goes over HTTP/1.1: where such a request is aborted before its frames are out, undici 8 closes and destroys
 * the HTTP/2 stream in one turn, and Node 20 to 26 then writes empty frames until the process is out of memory.
 */
interface Agents {
  readonly reading: Agent;
  readonly writing: Agent;
}

interface Pool {
  /** The shared agent; a new one when the TLS options are no longer the same object. */
  agentFor(tls: TlsOptions, purpose: keyof Agents): Agent;
  /** Further requests open new connections; what runs on the old ones may finish. */
  retire(): void;
  close(): Promise<void>;
}

function createPool({ http2 = true, maxConnections = 64 }: TransportOptions): Pool {
  const agents = new Set<Agent>();
  let current: ({ tls: TlsOptions } & Agents) | undefined;
  let closed = false;

  const open = (tls: TlsOptions, allowH2: boolean, connections = maxConnections): Agent => {
    const agent = openAgent(tls, allowH2, connections);
    agents.add(agent);
    return agent;
  };

  const retire = () => {
    const retired = new Set(current ? [current.reading, current.writing] : []);
    current = undefined;
    for (const agent of retired)
      agent
        .close()
        .catch(ignore)
        .finally(() => agents.delete(agent));
  };

  return {
    agentFor(tls, purpose) {
      if (closed) throw new Error('the transport is closed');
      if (current && current.tls !== tls) retire();
      if (!current) {
        const reading = open(tls, http2);
        current = { tls, reading, writing: http2 ? open(tls, false, Math.min(maxConnections, maxWriting)) : reading };
      }
      return current[purpose];
    },
    retire,
    async close() {
      closed = true;
      await Promise.all([...agents].map((agent) => agent.destroy()));
    },
  };
}

const openAgent = (tls: TlsOptions, allowH2: boolean, connections: number) =>
  new Agent({
    allowH2,
    connections,
    keepAliveTimeout: keepAliveMs,
    connect: { ...tls, keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs },
  });
