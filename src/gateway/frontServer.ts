// Where clients connect: HTTP/1.1, with or without TLS, and limits on everything that a client could do without end.
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { listen, portOf } from '../process/listen.ts';
import type { Logger } from '../process/logger.ts';
import { type Family, GatewayError } from './errors.ts';
import type { Certificate } from './tls.ts';
import { refusalOfUnreadable, refuseSocket } from './unreadable.ts';

/** Milliseconds and bytes. */
export interface FrontLimits {
  maxHeaderSize: number;
  /** For the head of a request, from the moment of connecting. */
  headersTimeout: number;
  /** For a request as a whole. */
  requestTimeout: number;
  /** Between requests: longer than what load balancers grant, so that they close first. */
  keepAliveTimeout: number;
  connectionsCheckingInterval: number;
  maxConnections: number;
  handshakeTimeout: number;
}

export const frontLimits: FrontLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2000,
  maxConnections: 4096,
  handshakeTimeout: 10_000,
};

export interface FrontServerOptions {
  handler: RequestListener;
  /** Absent: no TLS. With one that has no pair yet, no handshake succeeds. */
  certificate?: Pick<Certificate, 'current' | 'onChange'>;
  /** Told of each such, before it is refused; with the response where the head was read, and the rest is not. Says as what it is known. */
  onUnreadable(error: GatewayError, response?: ServerResponse): { family: Family; requestId: string };
  log: Logger;
  host: string;
  /** 0: any free port. */
  port: number;
  limits?: Partial<FrontLimits>;
  /** Whether this pod is on its way out: each answer is then the last one of its connection, and the client's next finds another pod. */
  leaving?(): boolean;
}

export interface FrontServer {
  readonly port: number;
  /** Open now. */
  readonly connections: number;
  /** Takes no more connections, closes the idle ones, and resolves when the last request has been answered. */
  close(): Promise<void>;
  /** Cuts everything. */
  destroy(): void;
}

/** A client that vanished without a word is noticed after this time, also while it waits in the queue. */
const PROBE_CONNECTION_MS = 30_000;

/** Listens, and resolves once bound. Rejects with the error of `listen` when the address is not to be had. */
export async function startFrontServer(options: FrontServerOptions): Promise<FrontServer> {
  const { handler, certificate, log, host, port } = options;
  const limits = { ...frontLimits, ...options.limits };
  const server = create(limits, certificate);
  let closing = false;
  const sockets = trackSockets(server, (socket) => closing && socket.destroySoon());
  const serve: RequestListener = (request, response) => {
    if (closing || options.leaving?.()) response.shouldKeepAlive = false;
    sockets.began(request.socket, response);
    handler(request, response);
  };
  server.on('request', serve);
  server.on('checkContinue', serve);
  refuseTheRest(server, options, sockets);
  server.maxConnections = limits.maxConnections;
  server.maxHeadersCount = 0; // a limit here would cut headers off without a word; their bytes are limited instead
  const unsubscribe = certificate?.onChange((pair) => (server as TlsServer).setSecureContext(pair));
  await listen(server, { host, port });
  server.on('error', (err) => log.error({ err }, 'the server for clients failed'));
  return {
    port: portOf(server),
    get connections() {
      return sockets.all.size;
    },
    async close() {
      closing = true;
      unsubscribe?.();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets.all) if (!sockets.responses(socket).length) socket.destroySoon();
      await closed;
    },
    destroy() {
      unsubscribe?.();
      server.close();
      for (const socket of sockets.all) socket.destroy();
    },
  };
}

function create(limits: FrontLimits, certificate: FrontServerOptions['certificate']): Server | TlsServer {
  const { maxConnections: _, handshakeTimeout, ...http } = limits;
  const options = { ...http, keepAlive: true, keepAliveInitialDelay: PROBE_CONNECTION_MS, noDelay: true };
  if (!certificate) return createServer(options);
  return createTlsServer({ ...options, handshakeTimeout, minVersion: 'TLSv1.2', ...certificate.current() });
}

interface Sockets {
  /** Those that speak HTTP: with TLS, after the handshake. */
  readonly all: ReadonlySet<Socket>;
  began(socket: Socket, response: ServerResponse): void;
  /** Not yet over. */
  responses(socket: Socket): readonly ServerResponse[];
}

/** @param onIdle an answer is over, and no other is due on this connection */
function trackSockets(server: Server | TlsServer, onIdle: (socket: Socket) => void): Sockets {
  const all = new Set<Socket>();
  const open = new WeakMap<Socket, Set<ServerResponse>>();
  // Every request of a connection listens for its end.
  const connected = (socket: Socket) => {
    socket.setMaxListeners(0);
    all.add(socket);
    open.set(socket, new Set());
    socket.on('close', () => all.delete(socket));
  };
  server.on('setSecureContext' in server ? 'secureConnection' : 'connection', connected);
  return {
    all,
    began(socket, response) {
      const those = open.get(socket);
      those?.add(response);
      response.on('close', () => {
        those?.delete(response);
        if (those?.size === 0) onIdle(socket);
      });
    },
    responses: (socket) => [...(open.get(socket) ?? [])],
  };
}

/** Not about the connection, nor about TLS. */
const isAboutHttp = ({ code = '' }: { code?: string }): boolean =>
  code.startsWith('HPE_') || code.startsWith('ERR_HTTP_');

function refuseTheRest(server: Server | TlsServer, { onUnreadable, log }: FrontServerOptions, sockets: Sockets): void {
  const refuse = (socket: Socket, error: GatewayError, response?: ServerResponse) => {
    const { family, requestId } = onUnreadable(error, response);
    refuseSocket(socket, family, error, requestId);
  };
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => {
    if (!socket.writable || !isAboutHttp(error)) return void socket.destroy();
    // Where an answer has begun, or that of a whole request is due, anything written now would be taken for it.
    const [first, ...others] = sockets.responses(socket);
    if (others.length > 0 || first?.headersSent || first?.req.complete) return void socket.destroy();
    refuse(socket, refusalOfUnreadable(error), first);
  });
  server.on('connect', (_, socket: Socket) => refuse(socket, new GatewayError('NotFound', 'there is no CONNECT here')));
  server.on('drop', () => {
    // Clients that only keep a connection in reserve make room for those that want something.
    server.closeIdleConnections();
    log.debug({ connections: sockets.all.size }, 'connection refused: there are too many');
  });
}
