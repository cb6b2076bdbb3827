// A gateway that misbehaves on script, on the loopback.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type GatewayScript = (request: IncomingMessage, response: ServerResponse) => void;

export interface GatewayServer {
  /** Such as http://127.0.0.1:41000. */
  readonly origin: string;
  /** What it does with the next requests. */
  script: GatewayScript;
  /** `GET /status`, one per request. */
  readonly requests: readonly string[];
  readonly openConnections: number;
  close(): Promise<void>;
}

export const answering =
  (document: unknown, status = 200): GatewayScript =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };

export async function startGateway(script: GatewayScript = answering({})): Promise<GatewayServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    started.script(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const started: GatewayServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script,
    requests,
    get openConnections() {
      return sockets.size;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return started;
}
