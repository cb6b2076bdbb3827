// Requests with a body, aborted at any moment: over HTTP/2 that has made the process eat all memory of the machine.
import { afterEach, expect, test } from 'vitest';
import { createTransport } from '../../src/kube/transport.ts';
import { systemClock } from '../../src/process/clock.ts';
import { answer, drop, freeze, startFaultServer } from './server.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/shop/leases/operator';
const get = { verb: 'get', method: 'GET', path, idempotent: true } as const;
const put = {
  verb: 'update',
  method: 'PUT',
  path,
  idempotent: true,
  body: { spec: { holderIdentity: 'me' } },
} as const;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function lease() {
  const server = await startFaultServer({ http2: true });
  const tls = { ca: server.ca ?? '' };
  const transport = createTransport({
    auth: { server: server.url, credentials: async () => ({ headers: {}, tls }), refuse: () => undefined },
    clock: systemClock,
    random: () => 0,
    userAgent: 'local-model-operator/test',
  });
  open.push(server, transport);
  server.on('GET', path, answer({ ok: true }));
  server.on('PUT', path, answer({ ok: true }));
  return { server, transport };
}

/** Turns of the event loop, none to a few, between the request and its abort. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('writes share a dozen connections', async () => {
  const { server, transport } = await lease();
  await Promise.all(Array.from({ length: 60 }, () => transport.json(put)));
  expect(server.requests).toHaveLength(60);
  expect(server.connections).toBeLessThanOrEqual(12);
  await transport.json(put);
  expect(server.requests.at(-1)?.connection).toBeLessThanOrEqual(12);
});

test('an answer that is too large, or cut short, is told, and the next write goes on', async () => {
  const { server, transport } = await lease();
  server.on('PUT', path, answer({ much: 'x'.repeat(10_000) }));
  await expect(transport.json({ ...put, maxAnswer: 1_000 })).rejects.toMatchObject({ reason: 'invalid' });
  server.on('PUT', path, drop);
  await expect(transport.json({ ...put, idempotent: false })).rejects.toMatchObject({ reason: 'unavailable' });
  server.on('PUT', path, answer({ ok: true }));
  expect(await transport.json(put)).toEqual({ ok: true });
});

test('a frozen server holds a write until its deadline, and the next one goes by a new connection', async () => {
  const { server, transport } = await lease();
  await transport.json(put);
  server.on('PUT', path, freeze);
  await expect(transport.json({ ...put, deadlineMs: 50 })).rejects.toMatchObject({ reason: 'timeout' });
  server.on('PUT', path, answer({ ok: true }));
  await transport.json(put);
  expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
});

test('closing cuts a write that waits, and lets none begin', async () => {
  const { server, transport } = await lease();
  const reached = Promise.withResolvers<void>();
  server.on('PUT', path, () => reached.resolve());
  const waiting = transport.json({ ...put, idempotent: false }).catch((error: unknown) => error);
  await reached.promise;
  await transport.close();
  expect(await waiting).toMatchObject({ reason: 'unavailable' });
  await expect(transport.json({ ...put, idempotent: false })).rejects.toThrow('the transport is closed');
  expect(server.requests).toHaveLength(1);
});

test('what has a body goes over HTTP/1.1, where it can be aborted at any moment', async () => {
  const { server, transport } = await lease();
  await transport.json(get);
  await transport.json(put);
  // Ahead of the aborts: were it HTTP/2, they would not end, nor would this test.
  expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  for (let round = 0; round < 40; round++) {
    const controller = new AbortController();
    const renewal = transport.json({ ...put, signal: controller.signal }).catch((error: unknown) => error);
    await turns(round % 4);
    controller.abort(new Error('stopping'));
    await renewal;
  }
  expect(await transport.json(put)).toEqual({ ok: true });
  expect(await transport.json(get)).toEqual({ ok: true });
});
