import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { expect, it, onTestFinished, test } from 'vitest';
import { refuseUnreachable } from '../../../src/foundryLocal/reach.ts';
import { freePort } from '../../controlplane/ports.ts';
import { selfSigned } from '../../fault/certificate.ts';

const { signal } = new AbortController();
const failure = (message: RegExp) =>
  expect.objectContaining({ reason: 'Unreachable', message: expect.stringMatching(message) });

/** Its port, until the end of the test. */
async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const silent = () => listening(createServer((socket) => void socket.resume()));
const secure = () => listening(createTlsServer(selfSigned(), () => undefined));

/** Sends everybody to one port. */
const proxyTo = (port: number, statusCode = 200) =>
  listening(
    createHttpServer().on('connect', (_, client) => {
      client.on('error', () => undefined).write(`HTTP/1.1 ${statusCode} Told\r\n\r\n`);
      if (statusCode !== 200) return void client.end();
      const server = connect(port, '127.0.0.1');
      server.on('error', () => undefined).on('close', () => client.destroy());
      server.pipe(client).pipe(server);
    }),
  );

const far = new URL('https://catalog.example.org');

async function listener(): Promise<number> {
  const port = await freePort();
  const server = createServer((socket) => socket.end());
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return port;
}

it('is content where somebody listens', async () => {
  const target = new URL(`http://127.0.0.1:${await listener()}`);
  await expect(refuseUnreachable(target, { proxies: {}, signal })).resolves.toBeUndefined();
});

it('names what cannot be reached, and what to do', async () => {
  const target = new URL(`http://127.0.0.1:${await freePort()}`);
  await expect(refuseUnreachable(target, { proxies: {}, signal })).rejects.toEqual(
    failure(
      /^the catalog 127.0.0.1:\d+ cannot be reached: .*ECONNREFUSED.*; let the pod out to it, or bring the model/,
    ),
  );
});

it('asks the proxy where there is one, and never shows its password', async () => {
  const proxies = { httpsProxy: `http://me:secret@127.0.0.1:${await freePort()}` };
  const asking = refuseUnreachable(new URL('https://catalog.example.org'), { proxies, signal });
  await expect(asking).rejects.toEqual(failure(/^the proxy 127.0.0.1:\d+ for the catalog cannot be reached/));
  await expect(asking).rejects.not.toThrow(/secret/);
});

it('stops when it is told to', async () => {
  const target = new URL(`http://127.0.0.1:${await listener()}`);
  const stop = AbortSignal.abort(new Error('stopped'));
  await expect(refuseUnreachable(target, { proxies: {}, signal: stop })).rejects.toThrow('stopped');
});

test.each<[string, () => Promise<{ target: URL; proxy?: number }>, RegExp]>([
  [
    'a catalog',
    async () => ({ target: new URL(`https://127.0.0.1:${await silent()}`) }),
    /^the catalog 127.0.0.1:\d+ cannot be reached: no answer within 0.3 s; let the pod out/,
  ],
  ['a proxy', async () => ({ target: far, proxy: await silent() }), /^the proxy .* no answer within 0.3 s/],
  [
    'a catalog behind a proxy',
    async () => ({ target: far, proxy: await proxyTo(await silent()) }),
    /^the proxy .* no answer within 0.3 s/,
  ],
])('%s that takes the connection and says nothing is out of reach', async (_, given, words) => {
  const { target, proxy } = await given();
  const proxies = proxy === undefined ? {} : { httpsProxy: `http://127.0.0.1:${proxy}` };
  await expect(refuseUnreachable(target, { proxies, signal, limitMs: 300 })).rejects.toEqual(failure(words));
});

it('is out of reach where the connection is cut at the first word, as firewalls do', async () => {
  const port = await listening(createServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
  const asking = refuseUnreachable(new URL(`https://127.0.0.1:${port}`), { proxies: {}, signal });
  await expect(asking).rejects.toEqual(failure(/cannot be reached: .*(ECONNRESET|disconnected)/));
});

it('is content with a handshake, whosever certificate it is, directly and through a proxy', async () => {
  const port = await secure();
  const direct = refuseUnreachable(new URL(`https://127.0.0.1:${port}`), { proxies: {}, signal });
  await expect(direct).resolves.toBeUndefined();
  const proxies = { httpsProxy: `http://127.0.0.1:${await proxyTo(port)}` };
  await expect(refuseUnreachable(far, { proxies, signal })).resolves.toBeUndefined();
});

it('leaves it to the core to say what a proxy refuses', async () => {
  const proxies = { httpsProxy: `http://127.0.0.1:${await proxyTo(0, 407)}` };
  await expect(refuseUnreachable(far, { proxies, signal })).resolves.toBeUndefined();
});

it('stops while nobody answers, when it is told to', async () => {
  const stop = new AbortController();
  const target = new URL(`https://127.0.0.1:${await listening(createServer(() => stop.abort(new Error('stopped'))))}`);
  await expect(refuseUnreachable(target, { proxies: {}, signal: stop.signal })).rejects.toThrow('stopped');
});
