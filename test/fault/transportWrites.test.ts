// Requests with a body, aborted at any moment: over HTTP/2 that has made the process eat all memory of the machine.
import { afterEach, expect, test } from 'vitest';
import { createTransport } from '../../src/kube/transport.ts';
import { systemClock } from '../../src/process/clock.ts';
import { answer, startFaultServer } from './server.ts';

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
