// The connections to one API server: one HTTP/2 connection, or several of HTTP/1.1, to read and watch, and a few to write.
import { Agent } from 'undici';
import type { TlsOptions } from './auth.ts';
import { createWriter, type Writer } from './writer.ts';

// Less than the 90 s after which an API server closes idle connections, else we would write into closed ones.
const keepAliveMs = 60_000;
// How soon TCP notices a peer that is gone while nothing is sent; load balancers forget a connection after 60 s.
const tcpKeepAliveMs = 30_000;
// Eight passes write their children at once: with a connection for each, twenty and more stayed open for a minute, here and in the API
// server, and all children were made no sooner (bench operator --count 100).
const maxWriting = 12;

export interface ConnectionOptions {
  /** Default true: HTTP/2 where the server offers it, for what has no body. False is for proxies that get it wrong. */
  http2?: boolean;
  /** With HTTP/1.1 each watch holds one, and what exceeds them waits its turn. Default 64. */
  maxConnections?: number;
}

export interface Connections {
  readonly reader: Agent;
  /** For what has a body. */
  readonly writer: Writer;
}

export interface ConnectionPool {
  /** The shared ones; new ones when the TLS options are no longer the same object. */
  connectionsFor(tls: TlsOptions): Connections;
  /** Further requests open new connections; what runs on the old ones may finish. */
  retire(): void;
  /** Cuts everything that is still open. */
  close(): Promise<void>;
}

/** Opens none before the first request. */
export function createConnectionPool({ http2 = true, maxConnections = 64 }: ConnectionOptions): ConnectionPool {
  const all = new Set<Agent | Writer>();
  let current: ({ tls: TlsOptions } & Connections) | undefined;
  let closed = false;

  function open(tls: TlsOptions): Connections {
    const reader = openAgent(tls, http2, maxConnections);
    const writing = Math.min(maxConnections, maxWriting);
    const writer = createWriter({ tls, maxConnections: writing, keepAliveMs, tcpKeepAliveMs });
    all.add(reader).add(writer);
    return { reader, writer };
  }

  const retire = () => {
    const retired = current ? [current.reader, current.writer] : [];
    current = undefined;
    for (const one of retired)
      one
        .close()
        .catch(() => undefined)
        .finally(() => all.delete(one));
  };

  return {
    connectionsFor(tls) {
      if (closed) throw new Error('the transport is closed');
      if (current && current.tls !== tls) retire();
      current ??= { tls, ...open(tls) };
      return current;
    },
    retire,
    async close() {
      closed = true;
      await Promise.all([...all].map((one) => one.destroy()));
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
