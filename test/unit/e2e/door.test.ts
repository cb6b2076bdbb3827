// The way into a network by a Unix socket, here with the network of this machine on both sides.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetch } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../controlplane/ports.ts';
import { doorAgent, enter, forward, openDoor } from '../../e2e/node/door.ts';

let ends: (() => unknown)[] = [];
let door = '';

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'door-test-'));
  door = join(folder, 'door.sock');
  const server = openDoor(door);
  await once(server, 'listening');
  ends = [() => rm(folder, { recursive: true }), () => server.close()];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
});

async function greeter(): Promise<number> {
  const server = createServer((request, response) => response.end(`${request.method} ${request.headers.host}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  return (server.address() as AddressInfo).port;
}

test('leads to an address by its name, for requests of one connection after another', async () => {
  const port = await greeter();
  const dispatcher = doorAgent(door);
  ends.push(() => dispatcher.close());
  for (const method of ['GET', 'DELETE']) {
    const response = await fetch(`http://localhost:${port}/`, { method, dispatcher });
    expect(await response.text()).toBe(`${method} localhost:${port}`);
  }
});

test('says what is wrong with an address that nobody listens on', async () => {
  const port = await freePort();
  await expect(enter(door, '127.0.0.1', port)).rejects.toThrow(
    `127.0.0.1:${port} cannot be reached from within the node: connect ECONNREFUSED`,
  );
});

test('forwards a port of this machine', async () => {
  const [port, here] = [await greeter(), await freePort()];
  const server = await forward(door, '127.0.0.1', port, here);
  ends.push(() => server.close());
  const response = await fetch(`http://127.0.0.1:${here}/`, { headers: { connection: 'close' } });
  expect(await response.text()).toBe(`GET 127.0.0.1:${here}`);
});
