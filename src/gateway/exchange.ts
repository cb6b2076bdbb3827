// One request of a client from its arrival until its answer is with the client: its time limit, its end, and what is told of it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../process/clock.ts';
import { type Family, GatewayError, type GatewayErrorReason } from './errors.ts';
import type { Route } from './routes.ts';
import type { Usage } from './usage.ts';

/** `Broken`: the answer ended before its end. `Refused`: the gateway said no. */
export type ExchangeOutcome = 'Answered' | 'Refused' | 'Broken' | 'ClientGone';

/** For metrics and audit: nothing in it comes from a prompt, an answer or a key. Times are milliseconds since the arrival. */
export interface ExchangeRecord {
  readonly requestId: string;
  readonly family: Family;
  readonly method: string;
  /** Entry of the Secret with API keys; `anonymous` without auth; absent while not known. */
  client?: string;
  route?: Route;
  /** A served name. */
  model?: string;
  /** Absent: none was sent. */
  status?: number;
  /** Why the gateway said no, or broke off. */
  reason?: GatewayErrorReason;
  outcome: ExchangeOutcome;
  /** Absent: it never was in the queue. */
  queueMs?: number;
  /** It was sent to the runtime. */
  reachedRuntime: boolean;
  streamed: boolean;
  firstPieceMs?: number;
  lastPieceMs?: number;
  totalMs: number;
  usage?: Readonly<Usage>;
  /** Of bodies. */
  bytesIn: number;
  bytesOut: number;
}

/** Why work for a client stops when there is nobody left to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client has gone');
    this.name = 'ClientGone';
  }
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: ExchangeRecord;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Aborts with ClientGone, or with RuntimeTimeout when the time of the request is over. */
  readonly signal: AbortSignal;
  elapsedMs(): number;
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expecting: boolean;
  /** Lets it send. */
  proceed(): void;
  /** Resolves when the client has the whole answer, or is gone. */
  readonly closed: Promise<void>;
}

export interface ExchangeOptions {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  family: Family;
  clock: Clock;
  /** For everything: body, queue, runtime, and a client that reads slowly. */
  timeoutMs: number;
}

/** As Node decides whether to emit `checkContinue`. */
const expectsContinue = ({ headers, httpVersion }: IncomingMessage): boolean =>
  httpVersion === '1.1' && headers.expect?.toLowerCase() === '100-continue';

const timedOut = (timeoutMs: number) =>
  new GatewayError('RuntimeTimeout', `no answer within ${timeoutMs / 1000} s, which is limits.requestTimeoutSeconds`);

/** Begins with the arrival; ends by itself when the answer is with the client, or the connection is gone. */
export function openExchange(options: ExchangeOptions): Exchange {
  const { request, response, requestId, family, clock, timeoutMs } = options;
  const startedAt = clock.monotonic();
  const elapsedMs = () => clock.monotonic() - startedAt;
  const controller = new AbortController();
  const record: ExchangeRecord = {
    requestId,
    family,
    method: request.method ?? '',
    outcome: 'ClientGone',
    reachedRuntime: false,
    streamed: false,
    totalMs: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  const { socket } = request;
  const deadline = clock.after(timeoutMs, () => {
    controller.abort(timedOut(timeoutMs));
    if (response.writableEnded) response.destroy(); // all is written, and the client does not read it
  });
  const closed = new Promise<void>((resolve) => {
    const onClose = () => {
      socket.off('close', onClose);
      response.off('close', onClose);
      deadline.cancel();
      record.totalMs = elapsedMs();
      if (!response.writableFinished) controller.abort(new ClientGone());
      resolve();
    };
    // The connection too: an answer that waits behind another one on it is told nothing.
    socket.on('close', onClose);
    response.on('close', onClose);
    if (socket.destroyed) onClose();
  });
  response.on('error', () => undefined); // 'close' follows
  request.on('error', () => undefined);
  let expecting = expectsContinue(request);
  return {
    request,
    response,
    record,
    startedAt,
    signal: controller.signal,
    elapsedMs,
    closed,
    get expecting() {
      return expecting;
    },
    proceed() {
      if (expecting) response.writeContinue();
      expecting = false;
    },
  };
}
