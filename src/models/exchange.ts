// One request to a registry and its answer: redirects followed, credentials kept at home, bodies read with bounds.
import { type Dispatcher, request as send } from 'undici';
import type { Connections } from './connections.ts';
import { networkError, unreachable } from './refusal.ts';

export interface RegistryRequest {
  url: URL;
  /** For messages: what is asked for, such as `blob 0123456789ab`. */
  what: string;
  method?: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
  /** As `authorization`: it may hold a token. */
  body?: string;
  /** Sent only to the origin that the request begins at. */
  authorization?: string | undefined;
  /** Default false: from https to http nobody is followed. True where the content is checked by its digest. */
  mayDowngrade?: boolean;
  signal: AbortSignal;
}

export interface Answer {
  statusCode: number;
  /** Where the answer came from, after redirects. */
  url: URL;
  header(name: string): string | undefined;
  body: Body;
}

export type Body = Dispatcher.ResponseData['body'];

export type Exchange = (request: RegistryRequest) => Promise<Answer>;

const MAX_REDIRECTS = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/** Rejects with a PullError, or with the reason of the signal. */
export function createExchange(connections: Connections, userAgent: string): Exchange {
  async function once(url: URL, request: RegistryRequest): Promise<Answer> {
    const { method = 'GET', headers, body = null, authorization, signal, what } = request;
    try {
      const answer = await send(url, {
        dispatcher: connections.dispatcherFor(url),
        method,
        // Bytes as they are: a compressed answer could not be cut into ranges.
        headers: {
          'user-agent': userAgent,
          'accept-encoding': 'identity',
          ...headers,
          ...(authorization && url.origin === request.url.origin && { authorization }),
        },
        body,
        signal,
      });
      const header = (name: string) => [answer.headers[name]].flat()[0];
      return { statusCode: answer.statusCode, url, header, body: answer.body };
    } catch (error) {
      throw signal.aborted ? signal.reason : networkError(error, url.host, what);
    }
  }

  return async (request) => {
    let { url } = request;
    for (let hops = 0; ; hops++) {
      const answer = await once(url, request);
      const location = redirects.has(answer.statusCode) ? answer.header('location') : undefined;
      if (location === undefined) return answer;
      discard(answer.body);
      if (hops === MAX_REDIRECTS) throw lost(request, answer, `redirects more than ${MAX_REDIRECTS} times`);
      url = nextUrl(request, answer, location);
    }
  };
}

/** The status tells that trying again at once is of no use. */
const lost = ({ url, what }: RegistryRequest, { statusCode }: Answer, does: string) =>
  unreachable(`${url.host} ${does}, asked for the ${what}`, { statusCode });

function nextUrl(request: RegistryRequest, answer: Answer, location: string): URL {
  const next = URL.parse(location, answer.url);
  if (!next || !/^https?:$/.test(next.protocol))
    throw lost(request, answer, 'redirects to what is no http or https URL');
  if (next.protocol === 'http:' && answer.url.protocol === 'https:' && !request.mayDowngrade)
    throw lost(request, answer, `redirects from https to http (${next.host})`);
  if (request.body !== undefined && next.origin !== request.url.origin)
    throw lost(request, answer, `redirects to ${next.host}, which does not get what was sent`);
  return next;
}

/** Lets go of a body that nobody wants; a short one is read to its end, so that the connection can be used again. */
export function discard(body: Body): void {
  body.on('error', () => undefined); // it may be cut on purpose
  body.dump({ limit: 16_384 }).catch(() => undefined);
}

/** The whole body; undefined for one over `maxBytes`. Rejects when it breaks off. */
export async function readBody(body: Body, maxBytes: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size > maxBytes) return undefined; // leaving the loop destroys the stream
  }
  return Buffer.concat(pieces, size);
}

/** The beginning of a body as text, for messages; empty where it cannot be read. */
export async function readWords(body: Body, maxBytes = 4096): Promise<string> {
  let text = '';
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      text += piece.toString('utf8');
      if (text.length >= maxBytes) break;
    }
  } catch {
    // What came before the break is enough.
  }
  return text.slice(0, maxBytes);
}
