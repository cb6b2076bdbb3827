// A registry in this process that behaves as the OCI distribution-spec says until a script tells it to misbehave.
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Digest } from '../../src/models/digest.ts';
import { selfSigned } from './certificate.ts';

export interface RegistryRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface RegistryCall {
  request: RegistryRequest;
  response: ServerResponse;
  /** Cuts the connection. */
  drop(): void;
  /** What a well-behaved registry answers, with some of it changed. */
  serve(changes?: Changes): void;
}

export interface Changes {
  status?: number;
  headers?: Record<string, string>;
  /** The body, as cut out of the blob. */
  body?: (part: Buffer) => Buffer;
  /** Sends so many bytes of the body, and then: */
  sends?: number;
  ending?: 'cut' | 'stall' | 'end';
  /** As if the request had no Range. */
  ignoreRange?: boolean;
}

export type Behaviour = (call: RegistryCall) => void;

export interface RegistryServer {
  readonly url: string;
  /** With the port: the host of a reference. */
  readonly host: string;
  /** PEM to trust, if the server speaks TLS. */
  readonly ca: string | undefined;
  readonly requests: RegistryRequest[];
  /** Bytes of bodies that were handed to sockets. */
  readonly sentBytes: number;
  /** Answers that hang half sent. */
  readonly stalled: number;
  /** Connections accepted since the start. */
  readonly connections: number;
  addBlob(bytes: Uint8Array): { digest: Digest; size: number };
  /** `name`: repository, colon, tag. Can also be fetched by its digest, unless `byTagAlone`. */
  addManifest(name: string, bytes: Uint8Array | string, options?: { byTagAlone?: boolean }): Digest;
  /** The next requests whose method, path and query match behave like this, one after the other; then all is well again. */
  next(pattern: RegExp, ...behaviours: Behaviour[]): void;
  /** Every request that matches. What was said last counts first; `next` before both. */
  always(pattern: RegExp, behaviour: Behaviour): void;
  /** Lets go of answers that hang. */
  dropConnections(): void;
  close(): Promise<void>;
}

/** An answer without a body of the registry's own. */
export const refuse =
  (status: number, { headers = {}, body = '' }: { headers?: Record<string, string>; body?: string } = {}): Behaviour =>
  ({ response }) =>
    void response.writeHead(status, headers).end(body);

export const drop: Behaviour = (call) => call.drop();
export const redirect = (location: string, status = 307): Behaviour => refuse(status, { headers: { location } });
/** Cuts the connection after so many bytes of the body. */
export const cutAfter =
  (sends: number): Behaviour =>
  (call) =>
    call.serve({ sends, ending: 'cut' });
/** Sends so many bytes of the body, and then nothing. */
export const stallAfter =
  (sends: number): Behaviour =>
  (call) =>
    call.serve({ sends, ending: 'stall' });
/** Ends properly after so many bytes, without having said how many there would be. */
export const endAfter =
  (sends: number): Behaviour =>
  (call) =>
    call.serve({ sends, ending: 'end' });
export const ignoreRange: Behaviour = (call) => call.serve({ ignoreRange: true });
export const wrongBytes: Behaviour = (call) =>
  call.serve({ body: (part) => part.map((byte) => byte ^ 0x5a) as Buffer });
/** Takes no request, and so gives no answer. */
export const freeze: Behaviour = () => undefined;

const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function record(incoming: IncomingMessage): Promise<RegistryRequest> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  // Behind a proxy the whole URL comes as the path.
  const url = new URL(incoming.url ?? '/', 'http://registry');
  const { method = '', headers } = incoming;
  return { method, path: url.pathname, query: url.searchParams, headers, body: Buffer.concat(pieces).toString('utf8') };
}

interface Content {
  bytes: Uint8Array;
  mediaType: string;
}

function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined) return undefined;
  return { start: Number(first), end: last ? Math.min(Number(last) + 1, size) : size };
}

/** Starts on a free port of 127.0.0.1. */
export async function startRegistryServer({ tls = false }: { tls?: boolean } = {}): Promise<RegistryServer> {
  const contents = new Map<string, Content>();
  const scripts: { pattern: RegExp; behaviours: Behaviour[]; lasts: boolean }[] = [];
  const requests: RegistryRequest[] = [];
  const sockets = new Set<Socket>();
  const counts = { sentBytes: 0, stalled: 0, connections: 0 };

  function send(response: ServerResponse, body: Buffer, { sends = body.length, ending = 'end' }: Changes): void {
    const part = body.subarray(0, sends);
    counts.sentBytes += part.length;
    if (ending === 'end' || part.length === body.length) return void response.end(part);
    response.flushHeaders();
    response.write(part, () => {
      if (ending === 'cut') return void response.destroy();
      counts.stalled += 1;
    });
  }

  function serve({ path, headers }: RegistryRequest, response: ServerResponse, changes: Changes = {}): void {
    const key = path.replace(/^\/v2\/.+\/blobs\//, 'blob ').replace(/^\/v2\/(.+)\/manifests\//, 'manifest $1:');
    const content = contents.get(key);
    if (!content) {
      refuse(404, { body: notFound })({ response } as RegistryCall);
      return;
    }
    const { bytes, mediaType } = content;
    const range = changes.ignoreRange ? undefined : rangeOf(headers.range, bytes.length);
    if (range && range.start >= bytes.length) return void response.writeHead(416).end();
    const { start, end } = range ?? { start: 0, end: bytes.length };
    const part = Buffer.from(bytes.subarray(start, end));
    const body = changes.body?.(part) ?? part;
    const unknownLength = changes.sends !== undefined && changes.ending === 'end';
    response.writeHead(changes.status ?? (range ? 206 : 200), {
      'content-type': mediaType,
      ...(!unknownLength && { 'content-length': String(body.length) }),
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
      ...changes.headers,
    });
    send(response, body, changes);
  }

  function behaviourFor({ method, path, query }: RegistryRequest): Behaviour | undefined {
    const whole = `${method} ${path}${query.size > 0 ? `?${query}` : ''}`;
    const matching = scripts.filter(({ pattern, behaviours }) => behaviours.length > 0 && pattern.test(whole));
    const script = matching.find(({ lasts }) => !lasts) ?? matching.at(-1);
    return script?.lasts ? script.behaviours[0] : script?.behaviours.shift();
  }

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => undefined);
    try {
      const request = await record(incoming);
      requests.push(request);
      const call: RegistryCall = {
        request,
        response,
        drop: () => incoming.socket.destroy(),
        serve: (changes) => serve(request, response, changes),
      };
      (behaviourFor(request) ?? ((well) => well.serve()))(call);
    } catch {
      response.destroy(); // the client went away in the middle of its own request
    }
  };

  const certificate = tls ? selfSigned() : undefined;
  const server = certificate ? createTlsServer(certificate, handle) : createServer(handle);
  server.on('connection', (socket: Socket) => {
    counts.connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined); // resets are what this server is for
    socket.once('close', () => sockets.delete(socket));
  });
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url: `${tls ? 'https' : 'http'}://${host}`,
    host,
    ca: certificate?.cert,
    requests,
    get sentBytes() {
      return counts.sentBytes;
    },
    get stalled() {
      return counts.stalled;
    },
    get connections() {
      return counts.connections;
    },
    addBlob(bytes) {
      const digest = digestOf(bytes);
      contents.set(`blob ${digest}`, { bytes, mediaType: 'application/octet-stream' });
      return { digest, size: bytes.length };
    },
    addManifest(name, text, { byTagAlone = false } = {}) {
      const bytes = Buffer.from(text);
      const digest = digestOf(bytes);
      const content = { bytes, mediaType: 'application/vnd.docker.distribution.manifest.v2+json' };
      contents.set(`manifest ${name}`, content);
      if (!byTagAlone) contents.set(`manifest ${name.slice(0, name.lastIndexOf(':'))}:${digest}`, content);
      return digest;
    },
    next: (pattern, ...behaviours) => void scripts.push({ pattern, behaviours, lasts: false }),
    always: (pattern, behaviour) => void scripts.push({ pattern, behaviours: [behaviour], lasts: true }),
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
}

const notFound = JSON.stringify({ errors: [{ code: 'NOT_FOUND', message: 'there is no such thing here' }] });

export interface Protection {
  token: string;
  /** Says whether a request for a token is granted; default: always. */
  grants?: (request: RegistryRequest) => boolean;
  /** Where tokens are given; default: this server's own /token. */
  realm?: string;
  expiresInSeconds?: number;
}

/** From now on blobs and manifests are given only to who brings the token. */
export function protect(
  server: RegistryServer,
  { token, grants = () => true, realm, expiresInSeconds }: Protection,
): void {
  const challenge = `Bearer realm="${realm ?? `${server.url}/token`}",service="models",scope="repository:library/tiny:pull"`;
  const refused = refuse(401, {
    headers: { 'www-authenticate': challenge },
    body: '{"errors":[{"code":"UNAUTHORIZED"}]}',
  });
  server.always(/\/v2\//, (call) =>
    call.request.headers.authorization === `Bearer ${token}` ? call.serve() : refused(call),
  );
  server.always(/\/token/, (call) => {
    if (!grants(call.request)) return refuse(401, { body: 'no such user' })(call);
    const answer = { token, ...(expiresInSeconds !== undefined && { expires_in: expiresInSeconds }) };
    call.response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
}
