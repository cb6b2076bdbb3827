// Answers to what is no request: worded like any other refusal, and the last words on their connection.
import type { Socket } from 'node:net';
import { errorAnswer, type Family, GatewayError, type GatewayErrorReason } from './errors.ts';

/** Codes of Node's parser and of its time limits; all others are plain bad requests. */
const reasonsByCode: Readonly<Record<string, GatewayErrorReason>> = {
  HPE_HEADER_OVERFLOW: 'HeadersTooLarge',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'HeadersTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
};

const messages = {
  HeadersTooLarge: 'the headers are too large',
  RequestTimeout: 'the request did not arrive in time',
} as const;

/** What Node says of a request that it cannot read, in our words. */
export function refusalOfUnreadable(error: Error & { code?: string }): GatewayError {
  const reason = reasonsByCode[error.code ?? ''] ?? 'BadRequest';
  const message = reason in messages ? messages[reason as keyof typeof messages] : 'this is no valid HTTP/1.1 request';
  return new GatewayError(reason, message);
}

const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** How long a client gets to take the answer before the connection is cut. */
const LAST_WORDS_MS = 1000;

/** Writes the answer and closes. What still arrives is thrown away for a moment: a reset would take the answer with it. */
export function refuseSocket(socket: Socket, family: Family, error: GatewayError, requestId: string): void {
  const { status, headers, body } = errorAnswer(family, error, requestId);
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.setTimeout(LAST_WORDS_MS, () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${statusTexts[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${body}`, () => {
    socket.destroySoon();
  });
}
