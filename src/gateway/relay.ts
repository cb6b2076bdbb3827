// Passes an answer of the runtime on to the client: byte for byte, as it comes, and no faster than the client reads.
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '../process/clock.ts';
import { GatewayError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { clientHeaders } from './responseHeaders.ts';
import type { Flight, Receiver, Upstream, UpstreamRequest } from './upstream.ts';
import { type AnswerReader, createAnswerReader } from './usage.ts';

export interface RelayOptions {
  exchange: Exchange;
  upstream: Upstream;
  request: UpstreamRequest;
  clock: Clock;
  /** Usage was asked for on our behalf. */
  hideUsage: boolean;
  /** What was taken out of the request. */
  removed: readonly string[];
  /** Pieces of a good answer are arriving; called once a second at most. */
  onProgress(): void;
}

/** How an answer went that came to its end. */
export interface Relayed {
  readonly status: number;
  /** The runtime's last record was there, and reported no error. */
  readonly whole: boolean;
}

/** The runtime has failed after the first byte was passed on: there is no clean way to say so. */
export class BrokenAnswer extends Error {
  constructor(cause: Error) {
    super('the runtime broke off in the middle of an answer', { cause });
    this.name = 'BrokenAnswer';
  }
}

const PROGRESS_MS = 1000;

/** The head is held until the first byte of the body, so that a runtime which fails before it can be answered for cleanly. */
function createOutlet({ response, record }: Exchange, status: number, headers: OutgoingHttpHeaders) {
  const writeHead = () => {
    if (response.headersSent) return;
    response.writeHead(status, headers);
    record.status = status;
  };
  /** False: the client is slower than this. */
  function write(pieces: readonly Uint8Array[]): boolean {
    let room = true;
    for (const piece of pieces) {
      if (piece.byteLength === 0) continue;
      writeHead();
      room = response.write(piece);
    }
    return room;
  }
  return {
    write,
    end(pieces: readonly Uint8Array[]) {
      write(pieces);
      writeHead();
      response.end();
    },
  };
}

const contentTypeOf = ({ 'content-type': type }: IncomingHttpHeaders) => type;

/** An answer that has begun. */
function beginAnswer({ exchange, hideUsage, removed }: RelayOptions, status: number, headers: IncomingHttpHeaders) {
  const { record } = exchange;
  const reader: AnswerReader = createAnswerReader({ contentType: contentTypeOf(headers), hideUsage });
  record.usage = reader.usage;
  const unknownLength = hideUsage && contentTypeOf(headers)?.startsWith('text/event-stream') === true;
  const outlet = createOutlet(
    exchange,
    status,
    clientHeaders({ headers, requestId: record.requestId, removed, unknownLength }),
  );
  return { status, reader, outlet };
}

const bytesIn = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);

function failureOf(error: Error, response: ServerResponse): Error {
  if (response.headersSent) return new BrokenAnswer(error);
  return new GatewayError('RuntimeFailed', 'the runtime broke off before it answered', { cause: error });
}

function receiverOf(
  options: RelayOptions,
  flight: () => Flight | undefined,
  settle: { resolve(result: Relayed): void; reject(error: Error): void },
): Receiver {
  const { exchange, clock, onProgress } = options;
  const { record, response } = exchange;
  let answer: ReturnType<typeof beginAnswer> | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;

  function tellProgress(status: number): void {
    const now = clock.monotonic();
    record.lastPieceMs = now - exchange.startedAt;
    record.firstPieceMs ??= record.lastPieceMs;
    if (status >= 300 || now - toldAt < PROGRESS_MS) return;
    toldAt = now;
    onProgress();
  }

  return {
    head(status, headers) {
      answer = beginAnswer(options, status, headers);
    },
    data(bytes) {
      if (!answer) return;
      tellProgress(answer.status);
      const pieces = answer.reader.push(bytes);
      record.bytesOut += bytesIn(pieces);
      if (answer.outlet.write(pieces)) return;
      flight()?.pause();
      response.once('drain', () => flight()?.resume());
    },
    end() {
      if (!answer) return settle.reject(failureOf(new Error('no answer'), response));
      const { reader, status, outlet } = answer;
      const rest = reader.end();
      record.bytesOut += bytesIn(rest);
      outlet.end(rest);
      settle.resolve({ status, whole: reader.complete && !reader.failed });
    },
    failed: (error) => settle.reject(failureOf(error, response)),
  };
}

/**
 * Resolves when the runtime has ended its answer. Rejects with RuntimeFailed while nothing was passed on, with BrokenAnswer
 * after that, or with the reason of the exchange's signal; then the request is given up at the runtime, at once.
 */
export function relay(options: RelayOptions): Promise<Relayed> {
  const { upstream, request, exchange } = options;
  const { signal, record } = exchange;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let flight: Flight | undefined;
    let over = false;
    const finish = (settle: () => void) => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', giveUp);
      settle();
    };
    const giveUp = () => {
      finish(() => reject(signal.reason));
      flight?.abort(signal.reason);
    };
    const settle = {
      resolve: (result: Relayed) => finish(() => resolve(result)),
      reject: (error: Error) => finish(() => reject(error)),
    };
    const receiver = receiverOf(options, () => flight, settle);
    const guarded = guard(
      receiver,
      () => over,
      (error) => {
        settle.reject(error);
        flight?.abort(error);
      },
    );
    record.reachedRuntime = true;
    signal.addEventListener('abort', giveUp, { once: true });
    flight = upstream.send(request, guarded);
  });
}

/** Nothing is done after the end; what a step throws ends the relay and does not reach the pool. */
function guard(receiver: Receiver, isOver: () => boolean, onError: (error: Error) => void): Receiver {
  const step = (run: () => void) => {
    if (isOver()) return;
    try {
      run();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return {
    head: (status, headers) => step(() => receiver.head(status, headers)),
    data: (bytes) => step(() => receiver.data(bytes)),
    end: () => step(() => receiver.end()),
    failed: (error) => step(() => receiver.failed(error)),
  };
}
