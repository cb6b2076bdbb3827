// Requests that have a body, by Node's own HTTP/1.1 over a few connections that stay open.
//
// Not over HTTP/2: where such a request is aborted before its frames are out, undici 8 closes and destroys its stream in one turn, and
// Node 20 to 26 then writes empty frames until the process is out of memory. And not by undici's HTTP/1.1, whose parser alone takes
// 12 MiB (WebAssembly, without the optimizing compilers); this takes none that can be measured.
import * as http from 'node:http';
import * as https from 'node:https';
import type { Readable } from 'node:stream';
import type { TlsOptions } from './auth.ts';

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read or destroyed, else its connection is lost to others. */
  readonly body: Readable;
}

export interface Write {
  method: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
}

export interface Writer {
  /** Resolves when the answer has begun. Rejects as the socket fails, or when the signal aborts. */
  send(url: string, write: Write): Promise<Answer>;
  /** Resolves when what runs has ended. */
  close(): Promise<void>;
  /** Cuts what runs. */
  destroy(): Promise<void>;
}

export interface WriterOptions {
  tls: TlsOptions;
  /** What exceeds them waits its turn. */
  maxConnections: number;
  /** Milliseconds that an idle connection stays open. */
  keepAliveMs: number;
  /** Milliseconds of silence after which TCP asks whether the peer is there. */
  tcpKeepAliveMs: number;
}

/** Opens no connection before the first request. */
export function createWriter({ tls, maxConnections, keepAliveMs, tcpKeepAliveMs }: WriterOptions): Writer {
  const settings = {
    keepAlive: true,
    keepAliveMsecs: tcpKeepAliveMs,
    maxSockets: maxConnections,
    timeout: keepAliveMs,
  };
  const plain = new http.Agent(settings);
  const secure = new https.Agent({ ...settings, ...tls });
  const running = new Set<http.ClientRequest>();

  async function hangUp(): Promise<void> {
    await Promise.all([...running].map((request) => new Promise((closed) => request.once('close', closed))));
    plain.destroy();
    secure.destroy();
  }

  return {
    send: (url, { method, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const options = { method, headers: { ...headers, 'content-length': `${Buffer.byteLength(body)}` }, signal };
        const request = url.startsWith('https:')
          ? https.request(url, { ...options, agent: secure })
          : http.request(url, { ...options, agent: plain });
        running.add(request);
        request.once('close', () => running.delete(request));
        request.on('error', reject); // each time: what comes after the answer has begun, its reader hears as well
        request.once('response', (answer) =>
          resolve({ statusCode: answer.statusCode ?? 0, headers: answer.headers, body: answer }),
        );
        request.end(body);
      }),
    close: hangUp,
    async destroy() {
      for (const request of running) request.destroy(new Error('the transport is closed'));
      await hangUp();
    },
  };
}
