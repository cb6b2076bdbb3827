import { once } from 'node:events';
import { connect } from 'node:net';
import { Counter, Registry } from 'prom-client';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { type AdminServer, type AdminServerOptions, startAdminServer } from '../../../src/process/adminServer.ts';
import { silentLogger } from '../../../src/process/logger.ts';

let server: AdminServer | undefined;

async function start(options: Partial<AdminServerOptions> = {}): Promise<string> {
  server = await startAdminServer({ port: 0, host: '127.0.0.1', routes: {}, log: silentLogger, ...options });
  return `http://127.0.0.1:${server.port}`;
}

afterEach(async () => {
  await server?.close();
  server = undefined;
});

test('answers a route with its status and text', async () => {
  const url = await start({ routes: { '/readyz': () => ({ status: 503, body: '[-]synced failed\n' }) } });
  const response = await fetch(`${url}/readyz?verbose`);
  expect([response.status, await response.text()]).toEqual([503, '[-]synced failed\n']);
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
});

test('serves the registry under /metrics with the content type that Prometheus expects', async () => {
  const registry = new Registry();
  new Counter({ name: 'things_total', help: 'things', registers: [registry] }).inc(3);
  const response = await fetch(`${await start({ registry })}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toContain('things_total 3');
});

test('answers 404 elsewhere and names what there is', async () => {
  const response = await fetch(`${await start({ routes: { '/healthz': () => ({ status: 200, body: 'ok' }) } })}/`);
  expect([response.status, await response.text()]).toEqual([404, 'not found; there are /healthz\n']);
});

test('lets nobody write', async () => {
  const url = await start({ routes: { '/healthz': () => ({ status: 200, body: 'ok' }) } });
  const response = await fetch(`${url}/healthz`, { method: 'POST', body: 'x'.repeat(100_000) });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('answers HEAD without a body', async () => {
  const url = await start({ routes: { '/healthz': () => ({ status: 200, body: 'ok' }) } });
  const response = await fetch(`${url}/healthz`, { method: 'HEAD' });
  expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '2', '']);
});

test('answers 500 when a route throws, without telling why, and goes on', async () => {
  let calls = 0;
  const url = await start({
    routes: {
      '/healthz': () => {
        if (calls++ === 0) throw new Error('inner secret');
        return { status: 200, body: 'ok' };
      },
    },
  });
  const failed = await fetch(`${url}/healthz`);
  expect([failed.status, await failed.text()]).toEqual([500, 'internal error\n']);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test('refuses a request with headers beyond its bounds', async () => {
  const url = await start({ routes: { '/healthz': () => ({ status: 200, body: 'ok' }) } });
  const response = await fetch(`${url}/healthz`, { headers: { 'x-large': 'a'.repeat(10_000) } });
  expect(response.status).toBe(431);
});

test('lets kubelet in although others keep all connections in reserve', async () => {
  const url = await start({ routes: { '/healthz': () => ({ status: 200, body: 'ok' }) } });
  const { port } = new URL(url);
  const idle = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined); // it may be reset in the end
      socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
      await once(socket, 'data');
      return socket;
    }),
  );
  onTestFinished(() => idle.forEach((socket) => void socket.destroy()));
  const probe = () => fetch(`${url}/healthz`, { headers: { connection: 'close' } });
  await probe().catch(() => undefined); // is what notices it
  expect((await probe()).status).toBe(200);
});

test('rejects when the port is taken', async () => {
  await start();
  const taken = startAdminServer({ port: server?.port ?? 0, host: '127.0.0.1', routes: {}, log: silentLogger });
  await expect(taken).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('closes although a client keeps an idle connection', async () => {
  const url = await start({ routes: { '/healthz': () => ({ status: 200, body: 'ok' }) } });
  await (await fetch(`${url}/healthz`)).text();
  await server?.close();
  const { port } = new URL(url);
  server = undefined;
  const refused = new Promise((resolve) => connect(Number(port), '127.0.0.1').once('error', resolve));
  expect(await refused).toMatchObject({ code: 'ECONNREFUSED' });
});
