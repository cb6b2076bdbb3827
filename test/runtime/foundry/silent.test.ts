// A network that takes connections and says nothing: how the pull with the real core ends. It is waited for all at once, since the
// last of them takes a minute.
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { outcomes } from '../../../src/puller/outcome.ts';
import { type AtEnd, given } from '../given.ts';
import { startCatalog } from './catalog.ts';
import type { FoundryNatives } from './natives.ts';
import { createFoundryPod, type Pulled, towards } from './pod.ts';

/** As a proxy. Goes with the test file. */
async function proxyOf(server: Server, atEnd: AtEnd): Promise<Record<string, string>> {
  const sockets = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { HTTPS_PROXY: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const silentProxy = (atEnd: AtEnd) => proxyOf(createServer(), atEnd);

/** Opens tunnels that end nowhere. */
const silentTunnel = (atEnd: AtEnd) =>
  proxyOf(
    createHttpServer().on('connect', (_, socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n')),
    atEnd,
  );

async function pullThrough(natives: FoundryNatives, atEnd: AtEnd, env: Record<string, string>): Promise<Pulled> {
  const pod = await createFoundryPod(natives, atEnd);
  return pod.pull('tiny', { env });
}

async function pullFromSilentCatalog(natives: FoundryNatives, atEnd: AtEnd): Promise<Pulled & { asked: number }> {
  const catalog = await startCatalog([]);
  atEnd(catalog.close);
  catalog.silent = true;
  const pod = await createFoundryPod(natives, atEnd);
  const pulled = await pod.pull('tiny', { env: await towards(catalog, pod.folder) });
  return { ...pulled, asked: catalog.requests.length };
}

const world = given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
  const [proxy, tunnel, catalog] = await Promise.all([
    silentProxy(atEnd).then((env) => pullThrough(foundryLocal, atEnd, env)),
    silentTunnel(atEnd).then((env) => pullThrough(foundryLocal, atEnd, env)),
    pullFromSilentCatalog(foundryLocal, atEnd),
  ]);
  for (const [what, { seconds }] of Object.entries({ proxy, tunnel, catalog }))
    process.stdout.write(`Unreachable, for a ${what} that says nothing, after ${seconds.toFixed(1)} s\n`);
  return { proxy, tunnel, catalog };
});

test.each(['proxy', 'tunnel'] as const)('a %s that says nothing is told before the core is started', (which) => {
  const { exitCode, message } = world()[which];
  expect({ exitCode, message }).toMatchObject({
    exitCode: outcomes.Unreachable.exitCode,
    message: {
      reason: 'Unreachable',
      message: expect.stringMatching(
        /^the proxy 127.0.0.1:\d+ for the catalog cannot be reached: no answer within 10 s/,
      ),
    },
  });
});

test('a catalog that hears what it is asked and does not answer is given up, though the core would wait on', () => {
  const { exitCode, message, asked } = world().catalog;
  expect(asked).toBeGreaterThan(0);
  expect({ exitCode, message }).toMatchObject({
    exitCode: outcomes.Unreachable.exitCode,
    message: { reason: 'Unreachable', message: 'the catalog did not answer within 60 s' },
  });
});
