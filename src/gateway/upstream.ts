// The way to the runtime: one pool of connections to 127.0.0.1, and answers that can be paused and given up.
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In pieces, whose sum the headers tell. */
  readonly body?: readonly Uint8Array[];
}

/** Told of an answer as it comes: `head`, any number of `data`, then either `end` or `failed`. `failed` may come at any time. */
export interface Receiver {
  /** Lower case names. */
  head(status: number, headers: IncomingHttpHeaders): void;
  data(bytes: Uint8Array): void;
  end(): void;
  failed(error: Error): void;
}

/** A request on its way. */
export interface Flight {
  pause(): void;
  resume(): void;
  /** Closes the connection, which ends the generation; a second call does nothing, nor one after the end. */
  abort(reason: Error): void;
}

export interface Upstream {
  send(request: UpstreamRequest, receiver: Receiver): Flight;
  /** Lets running requests come to their end. */
  close(): Promise<void>;
  /** Cuts everything. */
  destroy(): Promise<void>;
}

export interface UpstreamOptions {
  /** Of the runtime, on 127.0.0.1. */
  port: number;
  /** At most at once; what is sent beyond them waits. */
  connections: number;
}

const CONNECT_TIMEOUT_MS = 5000;
/** Neither runtime closes idle connections, and when one stops, its sockets say so at once. */
const IDLE_MS = 60_000;

/** Milliseconds without a byte are limited by who sends: only there it is known when a request came. */
const UNLIMITED = 0;

/** Opens no connection before the first request. Nothing is sent twice: what has reached the runtime may have cost minutes. */
export function createUpstream({ port, connections }: UpstreamOptions): Upstream {
  const pool = new Pool(`http://127.0.0.1:${port}`, {
    connections,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    headersTimeout: UNLIMITED,
    bodyTimeout: UNLIMITED,
    allowH2: false,
  });
  return {
    send: (request, receiver) => send(pool, request, receiver),
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  };
}

/** Up to here one write is cheaper than several; what is larger is not copied. */
const SMALL_BODY = 64 * 1024;

const bodyOf = (pieces: readonly Uint8Array[] | undefined) => {
  if (!pieces) return null;
  const bytes = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return bytes <= SMALL_BODY ? Buffer.concat(pieces, bytes) : Readable.from(pieces);
};

function send(pool: Pool, { method, path, headers, body }: UpstreamRequest, receiver: Receiver): Flight {
  let controller: Dispatcher.DispatchController | undefined;
  let aborted: Error | undefined;
  pool.dispatch(
    { method, path, headers, body: bodyOf(body) },
    {
      onRequestStart(started) {
        controller = started;
        if (aborted) started.abort(aborted);
      },
      onResponseStart(_, status, received) {
        if (status >= 200) receiver.head(status, received);
      },
      onResponseData: (_, bytes) => receiver.data(bytes),
      onResponseEnd: () => receiver.end(),
      onResponseError: (_, error) => receiver.failed(error),
    },
  );
  return {
    pause: () => controller?.pause(),
    resume: () => controller?.resume(),
    abort(reason) {
      aborted ??= reason;
      controller?.abort(reason);
    },
  };
}
