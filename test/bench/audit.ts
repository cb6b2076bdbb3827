// What the API server's own audit log says of one client: how many requests of which kind, in which stretch of time.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** The part of an audit event (audit.k8s.io/v1) that is counted. */
export interface AuditEvent {
  auditID: string;
  verb: string;
  userAgent?: string;
  requestURI: string;
  requestReceivedTimestamp: string;
  objectRef?: { resource?: string; subresource?: string };
  responseStatus?: { code?: number };
}

/** From and until, milliseconds since the epoch, by when the request was received. */
export interface Stretch {
  from: number;
  until: number;
}

export interface RequestCounts {
  /** Without lease renewals and discovery, which are the process's and no deployment's. */
  total: number;
  writes: number;
  leases: number;
  /** Which APIs there are, and the server's version: at the start, and every few minutes. */
  discovery: number;
  /** Answered with 400 or more. */
  refused: number;
  /** By verb and resource, e.g. `patch services`, `patch localmodeldeployments/status`. */
  byKind: Record<string, number>;
}

const writingVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

const kindOf = ({ verb, objectRef, requestURI }: AuditEvent): string => {
  if (!objectRef?.resource) return `${verb} ${requestURI.split('?', 1)[0]}`;
  return `${verb} ${[objectRef.resource, objectRef.subresource].filter(Boolean).join('/')}`;
};

/** Counts each request once: a watch has an event for its start and one for its end. */
export function countRequests(events: Iterable<AuditEvent>, { from, until }: Stretch): RequestCounts {
  const counts: RequestCounts = { total: 0, writes: 0, leases: 0, discovery: 0, refused: 0, byKind: {} };
  const seen = new Set<string>();
  for (const event of events) {
    const at = Date.parse(event.requestReceivedTimestamp);
    if (at < from || at > until || seen.has(event.auditID)) continue;
    seen.add(event.auditID);
    if (event.objectRef?.resource === 'leases') {
      counts.leases += 1;
      continue;
    }
    const kind = kindOf(event);
    if (event.objectRef?.resource) counts.total += 1;
    else counts.discovery += 1;
    if (writingVerbs.has(event.verb)) counts.writes += 1;
    if ((event.responseStatus?.code ?? 0) >= 400) counts.refused += 1;
    counts.byKind[kind] = (counts.byKind[kind] ?? 0) + 1;
  }
  return counts;
}

/** The events of one client, by the beginning of its user agent. A last line that is still being written is left out. */
export async function readAudit(path: string, userAgent: string): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    // Most lines are the control plane's own: parsing only ours makes a log of 100 MB bearable.
    if (!line.includes(userAgent) || !line.endsWith('}')) continue;
    const event = JSON.parse(line) as AuditEvent;
    if (event.userAgent?.startsWith(userAgent)) events.push(event);
  }
  return events;
}
