// The headers that a client gets with an answer of the runtime: all but those of the hop behind us.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { REMOVED_HEADER } from './bodies.ts';

/** RFC 9110 §7.6.1, and its forerunners. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface ClientHeadersInput {
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** What was taken out of the request. */
  readonly removed: readonly string[];
  /** The body may become shorter on its way. */
  readonly unknownLength: boolean;
}

const namesIn = (connection: string | undefined): string[] =>
  (connection ?? '').split(',').map((name) => name.trim().toLowerCase());

export function clientHeaders({ headers, requestId, removed, unknownLength }: ClientHeadersInput): OutgoingHttpHeaders {
  const dropped = new Set(namesIn(headers.connection));
  if (unknownLength) dropped.add('content-length');
  const kept = Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !dropped.has(name));
  return {
    ...Object.fromEntries(kept),
    'x-request-id': requestId,
    ...(removed.length > 0 && { [REMOVED_HEADER]: removed.join(', ') }),
  };
}
