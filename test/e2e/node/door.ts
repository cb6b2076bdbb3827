// A way from the host into the node's network: a Unix socket does not care about network namespaces. Whoever connects writes one
// line, `host:port`, reads `ok` or what is wrong, and then speaks with that address, whose name the node's own DNS resolves.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Agent } from 'undici';

/** Inside the node. */
export function openDoor(path: string): Server {
  const server = createServer((visitor) => {
    visitor.on('error', () => visitor.destroy());
    visitor.once('data', (line) => {
      visitor.pause();
      const address = /^(.+):(\d+)\n$/.exec(line.toString());
      if (!address) return void visitor.end('not an address\n');
      const target = connect({ host: address[1] ?? '', port: Number(address[2]) });
      const fail = (error: Error) => visitor.end(`${error.message}\n`);
      target.once('error', fail);
      target.once('connect', () => {
        target.off('error', fail);
        visitor.write('ok\n');
        join(visitor, target);
      });
    });
  });
  return server.listen(path);
}

/** Both ways, until either ends; when one breaks, so does the other. */
export function join(one: Socket, other: Socket): void {
  const pairs = [
    [one, other],
    [other, one],
  ] as const;
  for (const [from, to] of pairs) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }
}

/** On the host: a connection to an address of the node's network. */
export async function enter(door: string, host: string, port: number): Promise<Socket> {
  const socket = connect(door);
  try {
    await once(socket, 'connect');
    socket.write(`${host}:${port}\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const end = answer.indexOf('\n');
    const line = answer.subarray(0, end).toString();
    if (line !== 'ok') throw new Error(`${host}:${port} cannot be reached from within the node: ${line}`);
    const rest = answer.subarray(end + 1);
    if (rest.length > 0) socket.unshift(rest);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** For undici's fetch: every plain HTTP address is one of the node's network. */
export const doorAgent = (door: string): Agent =>
  new Agent({
    connect: ({ hostname, port }, callback) => {
      enter(door, hostname, Number(port) || 80).then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    },
  });

/** A port of 127.0.0.1 of the host that leads to an address of the node's network. */
export async function forward(door: string, host: string, port: number, listen: number): Promise<Server> {
  const server = createServer((client) => {
    client.on('error', () => client.destroy());
    enter(door, host, port).then(
      (socket) => join(client, socket),
      () => client.destroy(),
    );
  });
  server.listen(listen, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
