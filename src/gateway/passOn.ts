// A request on its way to the runtime: its body made safe, a place waited for, the answer relayed, and what that says of the runtime.
import type { Logger } from '../process/logger.ts';
import type { Slot } from './admission.ts';
import { rewriteBody } from './bodies.ts';
import { type BodyPlace, readBody } from './bodyReader.ts';
import { GatewayError } from './errors.ts';
import { ClientGone, type Exchange } from './exchange.ts';
import { BUSY_MS } from './facts.ts';
import type { RequestOutcome } from './observation.ts';
import type { ProxyParts } from './proxyParts.ts';
import { notReady } from './refusal.ts';
import { BrokenAnswer, type Relayed, relay } from './relay.ts';
import { runtimeHeaders } from './requestHeaders.ts';
import type { Route, RuntimeKind } from './routes.ts';
import type { UpstreamRequest } from './upstream.ts';

interface Prepared {
  readonly request: UpstreamRequest;
  readonly hideUsage: boolean;
  readonly removed: readonly string[];
}

/** Resolves when the runtime's answer has ended; rejects with why there is none, or why it broke off. */
export async function passOn(parts: ProxyParts, exchange: Exchange, route: Route): Promise<void> {
  const place = parts.room.open();
  try {
    const prepared = await prepare(parts, exchange, route, place);
    const leave = await enter(parts, exchange, route);
    try {
      await run(parts, exchange, route, prepared);
    } finally {
      leave();
    }
  } finally {
    place.close();
  }
}

async function prepare(
  { view, config }: ProxyParts,
  exchange: Exchange,
  route: Route,
  place: BodyPlace,
): Promise<Prepared> {
  const { request, record, signal } = exchange;
  const { requestId, method } = record;
  const { headers } = request;
  if (!route.body) {
    const passed = { method, path: route.path, headers: runtimeHeaders({ headers, requestId }) };
    return { request: passed, hideUsage: false, removed: [] };
  }
  const { maxBodyBytes: maxBytes } = config.limits;
  const body = await readBody(request, { maxBytes, place, signal, onWanted: () => exchange.proceed() });
  record.bytesIn = body.byteLength;
  const served = view.served();
  if (!served) throw notReady(view.why());
  const rewritten = rewriteBody({ route, runtime: config.runtime.kind, served, headers, body });
  record.model = rewritten.model;
  record.streamed = rewritten.stream;
  const { bytes: bodyBytes, hideUsage, removed } = rewritten;
  return {
    request: {
      method,
      path: route.path,
      headers: runtimeHeaders({ headers, requestId, bodyBytes }),
      body: rewritten.chunks,
    },
    hideUsage,
    removed,
  };
}

/** The returned function gives the place back. */
async function enter({ admission, light }: ProxyParts, exchange: Exchange, route: Route): Promise<() => void> {
  if (route.handling !== 'Work') return light.enter();
  const since = exchange.elapsedMs();
  try {
    const slot: Slot = await admission.enter(exchange.signal);
    exchange.record.queueMs = slot.waitedMs;
    return () => slot.release();
  } catch (error) {
    const waitedMs = exchange.elapsedMs() - since;
    if (waitedMs >= 1) exchange.record.queueMs = waitedMs; // else it was turned away at once
    throw error;
  }
}

async function run(parts: ProxyParts, exchange: Exchange, route: Route, prepared: Prepared): Promise<void> {
  const { upstream, clock, view, log, config } = parts;
  const startedAt = clock.monotonic();
  const tell = (outcome: RequestOutcome | undefined) => {
    if (outcome && route.handling === 'Work') view.observe({ kind: 'Request', outcome, startedAt });
  };
  const sentMs = exchange.elapsedMs();
  try {
    const relayed = await relay({ exchange, upstream, clock, ...prepared, onProgress: () => tell('Progress') });
    tell(outcomeOf(relayed, config.runtime.kind));
  } catch (error) {
    const silentMs = exchange.elapsedMs() - Math.max(sentMs, exchange.record.lastPieceMs ?? 0);
    const failed = isRuntimesFault(error, exchange, silentMs);
    if (failed) {
      tell('Failed');
      logFailure(log, exchange, error);
    }
    throw error;
  }
}

/** Nothing of the text: undici's errors tell of sockets, not of what went through them. */
function logFailure(log: Logger, { record }: Exchange, error: unknown): void {
  log.warn({ err: error, requestId: record.requestId, route: record.route?.path }, 'the runtime has failed a request');
}

/**
 * What an answer that came to its end says of the runtime; undefined: nothing. 4xx is the client's doing, and 503 is how
 * Ollama says that it is full. Foundry Local's streams may lack the last record; Ollama's never do.
 */
function outcomeOf({ status, whole }: Relayed, runtime: RuntimeKind): RequestOutcome | undefined {
  if (status === 503 || (status >= 300 && status < 500)) return undefined;
  if (status >= 500) return 'Failed';
  return whole || runtime === 'FoundryLocal' ? 'Succeeded' : 'Failed';
}

/** A request that ran out of time while tokens were arriving, or its client did not read, was only long. */
function isRuntimesFault(error: unknown, { response, signal }: Exchange, silentMs: number): boolean {
  if (error instanceof ClientGone) return false;
  if (error instanceof BrokenAnswer) return true;
  if (!(error instanceof GatewayError)) return false;
  if (error !== signal.reason) return error.reason === 'RuntimeFailed';
  return silentMs >= BUSY_MS && !response.writableNeedDrain;
}
