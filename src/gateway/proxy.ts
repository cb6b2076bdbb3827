// The door: takes a request in, lets it through or says why not, and tells what came of it.
import { randomUUID } from 'node:crypto';
import type { RequestListener, ServerResponse } from 'node:http';
import { sendAnswer } from './answer.ts';
import { createBodyRoom } from './bodyReader.ts';
import { errorAnswer, type Family, GatewayError, gatewayErrors } from './errors.ts';
import { ClientGone, type Exchange, type ExchangeRecord, openExchange } from './exchange.ts';
import { createLightGate } from './lightGate.ts';
import { isLocal, type LocalHandling, localAnswer } from './localAnswers.ts';
import { passOn } from './passOn.ts';
import type { ProxyOptions, ProxyParts } from './proxyParts.ts';
import { notReady, refusalOf } from './refusal.ts';
import { BrokenAnswer } from './relay.ts';
import { requestIdOf } from './requestId.ts';
import { createRouteTable, familyOf, type Match } from './routes.ts';

export interface Proxy {
  readonly handle: RequestListener;
  /**
   * Something was no request, or broke off being one, and is refused past the proxy. `response` is that of a request whose head was taken in.
   * Returns the dialect and the name in which the refusal is worded.
   */
  unreadable(error: GatewayError, response?: ServerResponse): { family: Family; requestId: string };
  /** Requests that are not over: at the runtime, in the queue, or still being sent. */
  readonly open: number;
  /** Since the start. */
  readonly total: number;
  /** When the last request came, milliseconds of the monotonic clock; undefined before the first. */
  readonly lastAt: number | undefined;
}

/** Requests at the runtime at once besides those that were admitted. */
export const LIGHT_PLACES = 8;
/**
 * Bytes of bodies that are held at once: the container has 256 MiB. One body of the largest size is always taken, and who makes that
 * larger than this is warned (src/api/warnings.ts).
 */
const BODY_ROOM = 64 * 1024 * 1024;

export function createProxy(options: ProxyOptions): Proxy {
  const { config, view, clock, log, newId = randomUUID } = options;
  const parts: ProxyParts = {
    ...options,
    routes: createRouteTable({
      runtime: config.runtime.kind,
      protocols: config.protocols,
      modelKind: () => view.modelKind(),
    }),
    room: createBodyRoom(Math.max(BODY_ROOM, config.limits.maxBodyBytes)),
    light: createLightGate(LIGHT_PLACES),
    since: clock.now(),
  };
  const records = new WeakMap<ServerResponse, ExchangeRecord>();
  let open = 0;
  let total = 0;
  let lastAt: number | undefined;
  return {
    handle(request, response) {
      open++;
      total++;
      lastAt = clock.monotonic();
      const exchange = openExchange({
        request,
        response,
        requestId: requestIdOf(request.headers, newId),
        family: familyOf(request.url ?? ''),
        clock,
        timeoutMs: config.limits.requestTimeoutSeconds * 1000,
      });
      records.set(response, exchange.record);
      serve(parts, exchange)
        .catch((err: unknown) => {
          log.error({ err }, 'request failed in the gateway');
          response.destroy();
        })
        .finally(() => open--);
    },
    unreadable(error, response) {
      const record = response && records.get(response);
      if (record) {
        const { status } = gatewayErrors[error.reason];
        return Object.assign(record, { outcome: 'Refused', reason: error.reason, status } as const);
      }
      options.metrics.unreadable(error.reason);
      return { family: config.protocols[0] ?? 'OpenAI', requestId: newId() };
    },
    get open() {
      return open;
    },
    get total() {
      return total;
    },
    get lastAt() {
      return lastAt;
    },
  };
}

async function serve(parts: ProxyParts, exchange: Exchange): Promise<void> {
  const { log, metrics, audit } = parts;
  try {
    await answer(parts, exchange);
    exchange.record.outcome = 'Answered';
  } catch (error) {
    // What has arrived together with the head is read by then, so that it is known whether the body is whole.
    await undefined;
    endBadly(parts, exchange, error);
  }
  await exchange.closed;
  const { record, signal } = exchange;
  if (record.outcome === 'Answered' && signal.reason instanceof ClientGone) record.outcome = 'ClientGone';
  metrics.exchange(record);
  audit?.exchange(record);
  log.debug({ requestId: record.requestId, status: record.status }, 'request ended');
}

async function answer(parts: ProxyParts, exchange: Exchange): Promise<void> {
  const { keyring, routes, view } = parts;
  const { request, record } = exchange;
  record.client = keyring ? keyring.identify(request.headers) : 'anonymous';
  const match = routes.match({ method: request.method ?? '', target: request.url ?? '' });
  record.route = match.route;
  const refusal = refusalOf(view);
  if (refusal && (match.route.handling === 'Work' || refusal.reason === 'Draining')) throw refusal;
  if (isLocal(match.route.handling)) return answerLocally(parts, exchange, match, match.route.handling);
  await passOn(parts, exchange, match.route);
}

function answerLocally(
  { view, since, clock }: ProxyParts,
  exchange: Exchange,
  match: Match,
  handling: LocalHandling,
): void {
  const served = view.served();
  if (!served) throw notReady(view.why());
  const { contentType, body } = localAnswer(handling, { served, loaded: view.loadedModel(), since, match });
  const headers = {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-request-id': exchange.record.requestId,
  };
  sendAnswer(exchange, { status: 200, headers, body }, clock);
}

/** An error in the client's dialect, or, where an answer has begun, a broken connection. */
function endBadly({ clock, log }: ProxyParts, exchange: Exchange, error: unknown): void {
  const { record, response } = exchange;
  const refusal = asGatewayError(error);
  const { requestId } = record;
  if (refusal.reason === 'Internal') log.error({ err: error, requestId }, 'request failed in the gateway');
  if (error instanceof ClientGone) return;
  record.reason = refusal.reason;
  if (response.headersSent || response.destroyed) {
    record.outcome = 'Broken';
    response.destroy();
    return;
  }
  record.outcome = 'Refused';
  sendAnswer(exchange, errorAnswer(record.family, refusal, requestId), clock);
}

function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof BrokenAnswer || error instanceof ClientGone)
    return new GatewayError('RuntimeFailed', error.message);
  return new GatewayError('Internal', 'the gateway has failed; its log says why');
}
