// Whole answers of the gateway's own, sent so that the client gets to see them even while it is still sending.
import type { OutgoingHttpHeaders } from 'node:http';
import type { Clock } from '../process/clock.ts';
import type { Exchange } from './exchange.ts';

export interface WholeAnswer {
  readonly status: number;
  /** Lower case names, content-length among them. */
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/** A body up to this length is read to its end, so that the connection can be used further. */
const SMALL_BODY = 64 * 1024;
/**
 * Of a larger one so much is read and thrown away, and for so long. Closing at once would answer what arrives with a reset,
 * and a client that gets a reset forgets what it has been told (RFC 9112 §9.6).
 */
const LINGER_BYTES = 4 * 1024 * 1024;
const LINGER_MS = 2000;

function bodyOf({ request }: Exchange): 'None' | 'Small' | 'Large' {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (request.complete || (encoding === undefined && !Number(length))) return 'None';
  return encoding === undefined && Number(length) <= SMALL_BODY ? 'Small' : 'Large';
}

/** After this the exchange ends by itself. */
export function sendAnswer(exchange: Exchange, answer: WholeAnswer, clock: Clock): void {
  const { request, response, record, expecting } = exchange;
  const { status, headers, body } = answer;
  record.status = status;
  const rest = bodyOf(exchange);
  const closing = rest === 'Large' || (rest === 'Small' && expecting);
  response.writeHead(status, { ...headers, ...(closing && { connection: 'close' }) });
  if (request.method === 'HEAD') return void response.end();
  record.bytesOut += Buffer.byteLength(body);
  if (rest !== 'Large' || expecting) return void response.end(body);
  response.write(body);
  linger(exchange, clock);
}

function linger({ request, response }: Exchange, clock: Clock): void {
  let thrownAway = 0;
  const finish = () => {
    timer.cancel();
    request.off('data', onData).off('end', finish).off('close', finish);
    response.end();
  };
  const onData = (bytes: Buffer) => {
    thrownAway += bytes.byteLength;
    if (thrownAway > LINGER_BYTES) finish();
  };
  const timer = clock.after(LINGER_MS, finish);
  request.on('data', onData).on('end', finish).on('close', finish).resume();
}
