// The name of one request in answers, audit lines and the runtime's log.
import type { IncomingHttpHeaders } from 'node:http';

/** What may stand in a log line as it is. */
const SANE = /^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$/;

/** The client's own, if it is one short word; else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders, newId: () => string): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) ? given : newId();
}
