// Binding a server to an address, and no word of it before it is bound.
import type { Server } from 'node:net';

/** To a port, where 0 asks for any free one, or to the path of a Unix socket. Rejects when the address is not to be had. */
export function listen(server: Server, address: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** The port to which it is bound. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server is not bound to a port');
  return address.port;
}
