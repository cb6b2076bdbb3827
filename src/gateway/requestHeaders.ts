// The headers that the runtime gets: an allow-list, so that no key, no cookie and nothing meant for this hop ever reaches it.
import type { IncomingHttpHeaders } from 'node:http';

/**
 * No Host and no Origin: the runtime sees its own address, and Ollama refuses others (server/routes.go, allowedHostsMiddleware).
 * No Accept-Encoding: the tokens have to be read.
 */
const passed = ['accept', 'user-agent', 'traceparent', 'tracestate', 'anthropic-version', 'anthropic-beta'] as const;

export interface RuntimeHeadersInput {
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** Absent: no body. */
  readonly bodyBytes?: number;
}

export function runtimeHeaders({ headers, requestId, bodyBytes }: RuntimeHeadersInput): Record<string, string> {
  const kept: Record<string, string> = { 'x-request-id': requestId };
  for (const name of passed) {
    const value = headers[name];
    if (typeof value === 'string') kept[name] = value;
  }
  if (bodyBytes === undefined) return kept;
  return { ...kept, 'content-type': 'application/json', 'content-length': String(bodyBytes) };
}
