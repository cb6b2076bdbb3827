// The small HTTP server that kubelet and Prometheus talk to: health and metrics, read only, hard to hurt.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { listen, portOf } from './listen.ts';
import type { Logger } from './logger.ts';

export interface Answer {
  /** HTTP status code. */
  status: number;
  body: string;
  /** Default: plain text. */
  contentType?: string;
}

export type Route = () => Answer | Promise<Answer>;

export interface AdminServerOptions {
  /** 0: any free port; the one that was bound is returned. */
  port: number;
  host: string;
  /** By exact path. */
  routes: Readonly<Record<string, Route>>;
  /** Served under /metrics. */
  registry?: Registry;
  log: Logger;
}

export interface AdminServer {
  readonly port: number;
  /** Takes no more connections and ends the idle ones; resolves when all are gone. */
  close(): Promise<void>;
}

/** Probes and scrapes are tiny and few; whatever asks for more is not one. Milliseconds and bytes. */
const limits = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 65_000, // longer than a usual scrape interval
  connectionsCheckingInterval: 5000,
} as const;

const maxConnections = 100;
const maxHeadersCount = 50;

const plainText = 'text/plain; charset=utf-8';

/** Listens, and resolves once bound. Rejects with the error of `listen` when the address is not to be had. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { port, host, log } = options;
  const answer = createAnswerer(options);
  const server = createServer(limits, (request, response) => void respond(request, response, answer));
  server.maxConnections = maxConnections;
  server.maxHeadersCount = maxHeadersCount;
  // Whoever keeps connections in reserve must not keep kubelet out: a probe that is refused costs a restart in the end.
  server.on('drop', () => server.closeIdleConnections());
  await listen(server, { host, port });
  server.on('error', (err) => log.error({ err }, 'admin server failed'));
  return { port: portOf(server), close: () => close(server) };
}

function createAnswerer({ routes, registry, log }: AdminServerOptions): (path: string) => Promise<Answer> {
  const all = new Map<string, Route>(Object.entries(routes));
  if (registry) {
    all.set('/metrics', async () => ({
      status: 200,
      body: await registry.metrics(),
      contentType: registry.contentType,
    }));
  }
  return async (path) => {
    const route = all.get(path);
    if (!route) return { status: 404, body: `not found; there are ${[...all.keys()].join(', ')}\n` };
    try {
      return await route();
    } catch (err) {
      log.error({ err, path }, 'admin route failed');
      return { status: 500, body: 'internal error\n' };
    }
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, answer: (path: string) => Promise<Answer>) {
  request.resume(); // a body, if somebody sends one, is of no interest
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  const readOnly = request.method === 'GET' || request.method === 'HEAD';
  const {
    status,
    body,
    contentType = plainText,
  } = readOnly ? await answer(path) : { status: 405, body: 'method not allowed\n' };
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(readOnly ? {} : { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeIdleConnections();
  });
}
