// Free TCP ports on 127.0.0.1.
import { createServer } from 'node:net';

// Below the range from which Linux and macOS take the ports of outgoing connections: while a server is being restarted, a
// client that keeps knocking could otherwise be given the server's own port as its source and hold it.
const lowest = 20_000;
const highest = 32_000;

/** A port on which nothing listens now; not the same as one of `taken`. Somebody else may still be quicker. */
export async function freePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port on 127.0.0.1 between ${lowest} and ${highest}`);
}

export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort(ports));
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
