// A client that writes bytes as the test says, and reads what comes, whether or not it is HTTP.
import { connect, type Socket } from 'node:net';
import { onTestFinished, vi } from 'vitest';

export interface RawClient {
  readonly socket: Socket;
  /** All that has come. */
  readonly text: string;
  readonly closed: boolean;
  /** False: the other side reads no faster. */
  send(bytes: string | Uint8Array): boolean;
  /** Waits until so much has come that it matches. */
  until(pattern: RegExp): Promise<string>;
  /** Waits for the end of the connection, whoever closes it. */
  ended(): Promise<string>;
}

const patience = { timeout: 20_000, interval: 5 };

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', () => undefined); // a reset is one of the ways to be refused
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const text = () => Buffer.concat(chunks).toString('latin1');
  return {
    socket,
    get text() {
      return text();
    },
    get closed() {
      return closed;
    },
    send: (bytes) => socket.write(bytes),
    until: (pattern) =>
      vi.waitFor(() => {
        if (!pattern.test(text())) throw new Error(`${pattern} has not come; so far: ${text().slice(0, 500)}`);
        return text();
      }, patience),
    ended: () =>
      vi.waitFor(() => {
        if (!closed) throw new Error(`still open; so far: ${text().slice(0, 500)}`);
        return text();
      }, patience),
  };
}

/** A request as text; lines end as they should. */
export const requestText = (lines: readonly string[], body = ''): string => `${lines.join('\r\n')}\r\n\r\n${body}`;
