// An API server that misbehaves on script: the test says what each call gets, and sends watch events line by line.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { selfSigned } from './certificate.ts';

export interface RecordedRequest {
  method: string;
  /** Path without the query. */
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  /** Parsed when it is JSON, else the text. */
  body: unknown;
  /** Which connection carried it, counted from 1. */
  connection: number;
}

/** An answer that stays open while the test writes it. */
export interface Stream {
  request: RecordedRequest;
  /** One watch event, or any object, as a line of JSON. */
  send(event: unknown): void;
  /** Text as it is: half a JSON, two events in one chunk. */
  sendRaw(text: string): void;
  /** Bytes as they are: half a character. */
  sendBytes(bytes: Uint8Array): void;
  /** Ends the answer cleanly, as a server does on timeoutSeconds. */
  end(): void;
  /** Cuts the socket. */
  destroy(): void;
  /** Resolves when the answer is over, whoever ended it. */
  closed: Promise<void>;
}

export interface Call {
  request: RecordedRequest;
  json(body: unknown, options?: { status?: number; headers?: Record<string, string> }): void;
  /** Sends the headers of a 200 at once and leaves the body open. */
  stream(): Stream;
  /** Cuts the socket without an answer. */
  drop(): void;
  /** Resolves when the client has gone or the answer is over. */
  closed: Promise<void>;
}

export type Handler = (call: Call) => void | Promise<void>;

export interface FaultServer {
  url: string;
  /** PEM of the authority to trust; only with TLS. */
  ca?: string;
  requests: RecordedRequest[];
  /**
   * A string matches the whole path, a RegExp the path with its query. Several handlers answer one call each, the last
   * one all further calls. The newest registration that matches wins; what matches none gets a 404 Status.
   */
  on(method: string, pattern: string | RegExp, ...handlers: [Handler, ...Handler[]]): void;
  /** Connections accepted since the start. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly openConnections: number;
  /** HTTP/2 only: asks every client to take its further requests elsewhere; open streams go on. */
  goAway(): void;
  /** Cuts every connection; the server keeps listening. */
  dropConnections(): void;
  close(): Promise<void>;
}

interface Route {
  method: string;
  pattern: string | RegExp;
  handlers: Handler[];
}

type Incoming = IncomingMessage | Http2ServerRequest;
type Outgoing = ServerResponse | Http2ServerResponse;

/** A JSON answer. */
export const answer =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
  (call) =>
    call.json(body, { status, headers });

/** A meta/v1 Status, as the API server refuses. */
export const refuse = (
  status: number,
  reason: string,
  {
    message = reason,
    headers = {},
    details,
  }: { message?: string; headers?: Record<string, string>; details?: object } = {},
): Handler =>
  answer(
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message, ...(details && { details }) },
    status,
    headers,
  );

/** Never answers. */
export const freeze: Handler = () => undefined;

/** Cuts the socket without an answer. */
export const drop: Handler = (call) => call.drop();

/** An in-stream ERROR event of a watch. */
export const errorEvent = (code: number, reason: string, message = reason) => ({
  type: 'ERROR',
  object: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
});

/** Streams under the test's control: register `handler`, then take each stream with `next` as calls arrive. */
export function streams(): { handler: Handler; next(): Promise<Stream> } {
  const opened: Stream[] = [];
  const waiting: ((stream: Stream) => void)[] = [];
  return {
    handler(call) {
      const stream = call.stream();
      const taker = waiting.shift();
      if (taker) taker(stream);
      else opened.push(stream);
    },
    next() {
      const stream = opened.shift();
      return stream ? Promise.resolve(stream) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

async function record(incoming: Incoming, connection: number): Promise<RecordedRequest> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Uint8Array);
  const text = Buffer.concat(chunks).toString('utf8');
  const url = new URL(incoming.url ?? '/', 'http://fault');
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: parsed(text),
    connection,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function callOf(request: RecordedRequest, incoming: Incoming, outgoing: Outgoing): Call {
  // Both kinds of response share these methods, but their overloads do not unite.
  const response = outgoing as ServerResponse;
  const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
  const drop = () => {
    if (incoming instanceof Http2ServerRequest) incoming.stream.session?.destroy();
    else incoming.socket.destroy();
  };
  return {
    request,
    closed,
    drop,
    json(body, { status = 200, headers = {} } = {}) {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    },
    stream() {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      return {
        request,
        closed,
        send: (event) => void response.write(`${JSON.stringify(event)}\n`),
        sendRaw: (text) => void response.write(text),
        sendBytes: (bytes) => void response.write(bytes),
        end: () => void response.end(),
        destroy: drop,
      };
    },
  };
}

function routeFor(routes: Route[], { method, path, query }: RecordedRequest): Route | undefined {
  const whole = query.size > 0 ? `${path}?${query}` : path;
  return routes.findLast(
    (route) =>
      route.method === method &&
      (typeof route.pattern === 'string' ? route.pattern === path : route.pattern.test(whole)),
  );
}

function takeHandler(route: Route | undefined): Handler {
  const [first, second] = route?.handlers ?? [];
  if (second) route?.handlers.shift();
  return first ?? refuse(404, 'NotFound', { message: 'the script has no answer for this call' });
}

/** Starts on a free port of 127.0.0.1. `http2` implies `tls`, since clients negotiate HTTP/2 in the TLS handshake. */
export async function startFaultServer(
  options: { http2?: boolean; tls?: boolean; port?: number } = {},
): Promise<FaultServer> {
  const routes: Route[] = [];
  const requests: RecordedRequest[] = [];
  const sockets = new Map<number, Socket>();
  const numbers = new WeakMap<object, number>();
  const sessions = new Set<ServerHttp2Session>();
  let connections = 0;

  const handle = async (incoming: Incoming, outgoing: Outgoing) => {
    const session = incoming instanceof Http2ServerRequest ? incoming.stream.session : undefined;
    try {
      const request = await record(incoming, numbers.get(session ?? incoming.socket) ?? 0);
      requests.push(request);
      await takeHandler(routeFor(routes, request))(callOf(request, incoming, outgoing));
    } catch {
      (outgoing as ServerResponse).destroy(); // the client went away in the middle of its own request
    }
  };

  const certificate = options.tls || options.http2 ? selfSigned() : undefined;
  const server = options.http2
    ? createSecureServer({ ...certificate, allowHTTP1: true }, handle)
    : certificate
      ? createTlsServer(certificate, handle)
      : createServer(handle);
  // Ahead of the listener that makes an HTTP/2 session of the socket: the session takes its number over.
  server.prependListener(certificate ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections += 1;
    const number = connections;
    numbers.set(socket, number);
    sockets.set(number, socket);
    socket.on('error', () => undefined); // resets are what this server is for
    socket.once('close', () => sockets.delete(number));
  });
  server.on('session', (session: ServerHttp2Session) => {
    numbers.set(session, connections);
    sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => sessions.delete(session));
  });
  const dropConnections = () => {
    for (const socket of sockets.values()) socket.destroy();
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    ...(certificate && { ca: certificate.cert }),
    requests,
    on: (method, pattern, ...handlers) => void routes.push({ method, pattern, handlers }),
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    goAway: () => {
      for (const session of sessions) session.goaway();
    },
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
}
