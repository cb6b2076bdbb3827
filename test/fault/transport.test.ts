import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { Auth } from '../../src/kube/auth.ts';
import { ApiError } from '../../src/kube/errors.ts';
import { createTransport, type Transport, type TransportOptions } from '../../src/kube/transport.ts';
import { systemClock } from '../../src/process/clock.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { answer, drop, errorEvent, type FaultServer, freeze, refuse, startFaultServer, streams } from './server.ts';

const path = '/api/v1/namespaces/shop/pods/web';
const get = { verb: 'get', method: 'GET', path, idempotent: true } as const;
const post = { verb: 'create', method: 'POST', path: '/api/v1/namespaces/shop/pods', idempotent: false } as const;
const watch = { verb: 'watch', method: 'GET', path: '/api/v1/pods', idempotent: true, inactivityMs: 60_000 } as const;
const gone = errorEvent(410, 'Expired');

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(options: Parameters<typeof startFaultServer>[0] = {}): Promise<FaultServer> {
  const server = await startFaultServer(options);
  open.push(server);
  return server;
}

/** Tokens count up with each one refused. */
function authTo({ url, ca }: Pick<FaultServer, 'url' | 'ca'>): Auth & { issued: number } {
  const tls = ca ? { ca } : {};
  let current = { headers: { authorization: 'Bearer token-1' }, tls };
  return {
    server: url,
    issued: 1,
    credentials: async () => current,
    refuse(refused) {
      if (refused !== current) return;
      this.issued += 1;
      current = { headers: { authorization: `Bearer token-${this.issued}` }, tls };
    },
  };
}

function transportTo(server: Pick<FaultServer, 'url' | 'ca'>, options: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport({
    auth: authTo(server),
    clock: systemClock,
    random: () => 0.5,
    userAgent: 'local-model-operator/test',
    ...options,
  });
  open.push(transport);
  return transport;
}

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const documents: T[] = [];
  for await (const document of stream) documents.push(document);
  return documents;
}

describe('connections', () => {
  test('carries calls that follow each other over one TLS connection', async () => {
    const server = await start({ tls: true });
    server.on('GET', path, answer({ ok: true }));
    const transport = transportTo(server, { http2: false });
    for (let call = 0; call < 20; call++) await transport.json(get);
    expect(server.requests).toHaveLength(20);
    // The second is undici's: a socket becomes free a turn of the event loop after its answer.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  test('carries concurrent calls and a watch over one HTTP/2 connection', async () => {
    const server = await start({ http2: true });
    const script = streams();
    server.on('GET', path, answer({ ok: true }));
    server.on('GET', '/api/v1/pods', script.handler);
    const transport = transportTo(server);
    const events = transport.stream(watch);
    const first = events.next();
    (await script.next()).send({ type: 'ADDED' });
    expect(await first).toEqual({ done: false, value: { type: 'ADDED' } });
    await Promise.all(Array.from({ length: 20 }, () => transport.json(get)));
    expect(server.connections).toBe(1);
  });

  test('opens no more HTTP/1.1 connections than it may', async () => {
    const server = await start();
    server.on('GET', path, answer({ ok: true }));
    const transport = transportTo(server, { http2: false, maxConnections: 3 });
    await Promise.all(Array.from({ length: 20 }, () => transport.json(get)));
    expect(server.requests).toHaveLength(20);
    expect(server.connections).toBeLessThanOrEqual(3);
  });

  test('after GOAWAY the open watch goes on, and the next call goes elsewhere', async () => {
    const server = await start({ http2: true });
    const script = streams();
    server.on('GET', path, answer({ ok: true }));
    server.on('GET', '/api/v1/pods', script.handler);
    const transport = transportTo(server);
    const events = transport.stream<{ n: number }>(watch);
    const before = events.next();
    const stream = await script.next();
    stream.send({ n: 1 });
    await before;
    server.goAway();
    stream.send({ n: 2 }); // arrives behind the GOAWAY
    expect((await events.next()).value).toEqual({ n: 2 });
    await transport.json(get);
    stream.send({ n: 3 });
    stream.end();
    expect(await all(events)).toEqual([{ n: 3 }]);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  test('opens new connections when the client certificate or the authority changes', async () => {
    const server = await start({ tls: true });
    server.on('GET', path, answer({ ok: true }));
    const auth = authTo(server);
    const transport = transportTo(server, { http2: false, auth });
    await transport.json(get);
    const { headers, tls } = await auth.credentials();
    auth.credentials = async () => ({ headers, tls: { ...tls } });
    await transport.json(get);
    expect(server.connections).toBe(2);
  });

  test('refuses a server whose authority it does not know', async () => {
    const { url } = await start({ tls: true });
    const error = await failure(transportTo({ url }, { maxRetries: 0 }).json(get));
    expect(error).toMatchObject({ reason: 'unavailable', transient: true });
    expect(error.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  });
});

describe('limits', () => {
  test.each([{ http2: false }, { http2: true }])('gives a frozen server up at the deadline: %o', async ({ http2 }) => {
    const server = await start({ http2 });
    server.on('GET', path, freeze, answer({ ok: true }));
    const clock = createVirtualClock();
    const transport = transportTo(server, { clock, http2 });
    const error = failure(transport.json({ ...get, deadlineMs: 5_000 }));
    await clock.until(() => server.requests.length === 1);
    await clock.advance(4_999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(await error).toMatchObject({ reason: 'timeout', message: `get ${path}: no answer in time` });
    await transport.json(get);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
    expect(clock.pending).toBe(0);
  });

  test('gives a watch up that shows no sign of life, but not one whose consumer is slow', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', '/api/v1/pods', script.handler);
    const clock = createVirtualClock();
    const events = transportTo(server, { clock }).stream({ ...watch, inactivityMs: 60_000 });
    const first = events.next();
    const stream = await script.next();
    stream.send({ n: 1 });
    await first;
    await clock.advance(600_000);
    stream.send({ n: 2 });
    expect((await events.next()).value).toEqual({ n: 2 });
    const third = failure(events.next());
    await clock.advance(60_000);
    expect(await third).toMatchObject({ reason: 'timeout', call: { verb: 'watch' } });
    await stream.closed;
  });

  test('gives a watch up whose answer does not begin', async () => {
    const server = await start();
    server.on('GET', '/api/v1/pods', freeze);
    const clock = createVirtualClock();
    const first = failure(transportTo(server, { clock, deadlineMs: 7_000 }).stream(watch).next());
    await clock.until(() => server.requests.length === 1);
    await clock.advance(7_000);
    expect(await first).toMatchObject({ reason: 'timeout' });
  });

  test('refuses an answer, and a line of a watch, that is larger than the bound', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', path, answer({ text: 'x'.repeat(2_000) }));
    server.on('GET', '/api/v1/pods', script.handler);
    const transport = transportTo(server, { maxAnswer: 1_000 });
    expect(await failure(transport.json(get))).toMatchObject({ reason: 'invalid', transient: false });
    const first = failure(transport.stream(watch).next());
    const stream = await script.next();
    stream.sendRaw(`{"text":"${'x'.repeat(2_000)}`);
    expect(await first).toMatchObject({ reason: 'invalid' });
    await stream.closed;
    expect(server.requests).toHaveLength(2);
  });
});

describe('credentials', () => {
  test('gets new ones exactly once when many calls at once are refused with the old', async () => {
    const server = await start();
    server.on('GET', path, ({ request, json }) =>
      request.headers.authorization === 'Bearer token-1' ? json({}, { status: 401 }) : json({ ok: true }),
    );
    const auth = authTo(server);
    const transport = transportTo(server, { auth });
    const answers = await Promise.all(Array.from({ length: 10 }, () => transport.json(get)));
    expect(answers).toEqual(Array(10).fill({ ok: true }));
    expect(auth.issued).toBe(2);
  });

  test('tries a refused watch once more with new ones', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', '/api/v1/pods', refuse(401, 'Unauthorized'), script.handler);
    const events = all(transportTo(server).stream(watch));
    (await script.next()).end();
    expect(await events).toEqual([]);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  test('does not go on asking when the new ones are refused as well', async () => {
    const server = await start();
    server.on('GET', path, refuse(401, 'Unauthorized'));
    expect(await failure(transportTo(server).json(get))).toMatchObject({ reason: 'unauthorized', statusCode: 401 });
    expect(server.requests).toHaveLength(2);
  });

  test('leaves the connection that was refused to the next call', async () => {
    const server = await start();
    const message = 'x'.repeat(100_000); // too much to arrive unread
    server.on('GET', path, refuse(401, 'Unauthorized', { message }), answer({ ok: true }));
    const transport = transportTo(server, { http2: false, maxConnections: 1 });
    expect(await transport.json(get)).toEqual({ ok: true });
    expect(server.connections).toBe(1);
  });

  test('says why there are none, and asks nothing of the server', async () => {
    const server = await start();
    const auth = { ...authTo(server), credentials: () => Promise.reject(new Error('exec plugin cloud-login failed')) };
    const error = await failure(transportTo(server, { auth }).json(get));
    expect(error).toMatchObject({ reason: 'unauthorized' });
    expect(error.message).toContain('exec plugin cloud-login failed');
    expect(server.requests).toEqual([]);
  });

  test('does not wait for them beyond the deadline', async () => {
    const server = await start();
    const clock = createVirtualClock();
    const auth = { ...authTo(server), credentials: () => new Promise<never>(() => undefined) };
    const error = failure(transportTo(server, { auth, clock }).json(get));
    await clock.advance(30_000);
    expect(await error).toMatchObject({ reason: 'timeout' });
  });
});

describe('retries', () => {
  test('waits as long as Retry-After says before it asks again, whatever the verb', async () => {
    const server = await start();
    server.on(
      'POST',
      post.path,
      refuse(429, 'TooManyRequests', { headers: { 'retry-after': '7' } }),
      answer({ ok: true }),
    );
    const clock = createVirtualClock();
    const created = transportTo(server, { clock }).json({ ...post, body: { kind: 'Pod' } });
    await clock.until(() => clock.pending === 2); // the deadline and the pause
    await clock.advance(7_000);
    expect(server.requests).toHaveLength(1);
    await clock.advance(100);
    expect(await created).toEqual({ ok: true });
    expect(server.requests.map(({ body }) => body)).toEqual([{ kind: 'Pod' }, { kind: 'Pod' }]);
  });

  test('leaves it to the caller to wait for longer than half a minute', async () => {
    const server = await start();
    server.on('GET', path, refuse(503, 'ServiceUnavailable', { headers: { 'retry-after': '31' } }));
    expect(await failure(transportTo(server).json(get))).toMatchObject({ reason: 'unavailable', retryAfterMs: 31_000 });
    expect(server.requests).toHaveLength(1);
  });

  test('leaves it to the caller to wait beyond the deadline', async () => {
    const server = await start();
    server.on('GET', path, refuse(429, 'TooManyRequests', { headers: { 'retry-after': '5' } }));
    const error = await failure(transportTo(server).json({ ...get, deadlineMs: 4_000 }));
    expect(error).toMatchObject({ reason: 'throttled', retryAfterMs: 5_000 });
  });

  test('asks again after a 500 and after a cut socket, when the call is idempotent', async () => {
    const server = await start();
    server.on('GET', path, refuse(500, 'InternalError'), drop, answer({ ok: true }));
    expect(await transportTo(server).json(get)).toEqual({ ok: true });
  });

  test('does not repeat what may have been done already', async () => {
    const server = await start();
    server.on('POST', post.path, drop);
    expect(await failure(transportTo(server).json({ ...post, body: {} }))).toMatchObject({ reason: 'unavailable' });
    expect(server.requests).toHaveLength(1);
  });

  test('gives up after the retries it has, pausing longer each time', async () => {
    const server = await start();
    server.on('GET', path, refuse(503, 'ServiceUnavailable'));
    const clock = createVirtualClock();
    const startedAt = clock.monotonic();
    let error: ApiError | undefined;
    void failure(transportTo(server, { clock, maxRetries: 3 }).json(get)).then((thrown) => {
      error = thrown;
    });
    for (const pauseMs of [100, 200, 400]) {
      await clock.until(() => clock.pending === 2);
      await clock.advance(pauseMs);
    }
    await clock.until(() => error !== undefined);
    expect(clock.monotonic() - startedAt).toBe(700);
    expect(server.requests).toHaveLength(4);
  });

  test('does not retry what no repetition can mend', async () => {
    const server = await start();
    server.on('GET', path, refuse(404, 'NotFound'));
    expect(await failure(transportTo(server).json(get))).toMatchObject({ reason: 'notFound' });
    expect(server.requests).toHaveLength(1);
  });

  test('says where nobody listens', async () => {
    const server = await startFaultServer();
    await server.close();
    const error = await failure(transportTo(server, { maxRetries: 1 }).json(get));
    expect(error).toMatchObject({ reason: 'unavailable', statusCode: undefined });
    expect(error.message).toContain('ECONNREFUSED');
  });
});

describe('broken answers', () => {
  test('half a JSON in a whole answer is a failure that passes', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', path, script.handler, answer({ ok: true }));
    const object = transportTo(server).json(get);
    const stream = await script.next();
    stream.sendRaw('{"kind":"Po');
    stream.end();
    expect(await object).toEqual({ ok: true });
  });

  test('half an event at the end of a watch throws after the whole ones', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', '/api/v1/pods', script.handler);
    const events = transportTo(server).stream(watch);
    const first = events.next();
    const stream = await script.next();
    stream.send({ n: 1 });
    expect((await first).value).toEqual({ n: 1 });
    stream.sendRaw('{"type":"MODI');
    stream.end();
    expect(await failure(events.next())).toMatchObject({ reason: 'unavailable', call: { verb: 'watch' } });
  });

  test.each([{ http2: false }, { http2: true }])('a socket cut in a watch throws: %o', async ({ http2 }) => {
    const server = await start({ http2 });
    const script = streams();
    server.on('GET', '/api/v1/pods', script.handler);
    const events = transportTo(server, { http2 }).stream(watch);
    const first = events.next();
    const stream = await script.next();
    stream.send({ n: 1 });
    await first;
    const second = failure(events.next());
    stream.destroy();
    expect(await second).toMatchObject({ reason: 'unavailable', transient: true });
  });

  test('puts events together that arrive in pieces, within a character too, and several at once', async () => {
    const server = await start();
    server.on('GET', '/api/v1/pods', async ({ stream }) => {
      const { send, sendRaw, sendBytes, end } = stream();
      const bytes = Buffer.from('{"name":"žluťoučký"}\n');
      sendBytes(bytes.subarray(0, 10));
      sendBytes(bytes.subarray(10));
      sendRaw('{"n":1}\n\n{"n":2}\n{"n"');
      sendRaw(':3}\n');
      send(gone);
      end();
    });
    expect(await all(transportTo(server).stream(watch))).toEqual([
      { name: 'žluťoučký' },
      { n: 1 },
      { n: 2 },
      { n: 3 },
      gone,
    ]);
  });
});

describe('letting go', () => {
  test.each([{ http2: false }, { http2: true }])(
    'an abort frees a watch whose answer has not begun: %o',
    async ({ http2 }) => {
      const server = await start({ http2 });
      const left: Promise<void>[] = [];
      server.on('GET', '/api/v1/pods', ({ closed }) => void left.push(closed));
      const stop = new AbortController();
      const first = transportTo(server, { http2 })
        .stream({ ...watch, signal: stop.signal })
        .next();
      await createVirtualClock().until(() => left.length === 1);
      const reason = new Error('shutting down');
      stop.abort(reason);
      await expect(first).rejects.toBe(reason);
      await left[0];
    },
  );

  test('return frees a watch whose answer has not begun', async () => {
    const server = await start();
    const left: Promise<void>[] = [];
    server.on('GET', '/api/v1/pods', ({ closed }) => void left.push(closed));
    const events = transportTo(server).stream(watch);
    const first = events.next();
    await createVirtualClock().until(() => left.length === 1);
    expect(await events.return()).toEqual({ done: true, value: undefined });
    expect(await first).toEqual({ done: true, value: undefined });
    await left[0];
  });

  test.each([{ http2: false }, { http2: true }])('leaving the loop frees the watch: %o', async ({ http2 }) => {
    const server = await start({ http2 });
    const script = streams();
    server.on('GET', '/api/v1/pods', script.handler);
    const consumed = (async () => {
      for await (const _ of transportTo(server, { http2 }).stream(watch)) return;
    })();
    const stream = await script.next();
    stream.send({ n: 1 });
    await consumed;
    await stream.closed;
  });

  test('an abort between two events ends the watch with the reason of the abort', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', '/api/v1/pods', script.handler);
    const stop = new AbortController();
    const events = transportTo(server).stream({ ...watch, signal: stop.signal });
    const first = events.next();
    const stream = await script.next();
    stream.send({ n: 1 });
    await first;
    const reason = new Error('shutting down');
    stop.abort(reason);
    await expect(events.next()).rejects.toBe(reason);
    await stream.closed;
  });

  test('an abort during a pause before a retry ends the call at once', async () => {
    const server = await start();
    server.on('GET', path, refuse(429, 'TooManyRequests', { headers: { 'retry-after': '7' } }));
    const clock = createVirtualClock();
    const stop = new AbortController();
    const object = transportTo(server, { clock }).json({ ...get, signal: stop.signal });
    await clock.until(() => clock.pending === 2);
    stop.abort();
    await expect(object).rejects.toBe(stop.signal.reason);
    expect(clock.pending).toBe(0);
  });

  test('an abort as the answer arrives, before anybody reads it, harms nothing else', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', path, script.handler);
    const stop = new AbortController();
    const reason = new Error('shutting down');
    const transport = transportTo(server, { onRequest: () => stop.abort(reason) });
    const object = expect(transport.json({ ...get, signal: stop.signal })).rejects.toBe(reason);
    const stream = await script.next();
    await object;
    await stream.closed;
  });

  test('calls and watches that are over leave nothing on the signal and the clock of their caller', async () => {
    const server = await start();
    server.on('GET', path, answer({ ok: true }));
    server.on('GET', '/api/v1/pods', ({ stream }) => stream().end());
    const clock = createVirtualClock();
    const { signal } = new AbortController();
    const transport = transportTo(server, { clock });
    await transport.json({ ...get, signal });
    await all(transport.stream({ ...watch, signal }));
    transport.stream({ ...watch, signal }); // which nobody ever asks for anything
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('close cuts what is still open, and nothing can be asked afterwards', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', '/api/v1/pods', script.handler);
    const transport = transportTo(server, { maxRetries: 0 });
    const first = failure(transport.stream(watch).next());
    const stream = await script.next();
    await transport.close();
    expect(await first).toMatchObject({ reason: 'unavailable' });
    await stream.closed;
    await failure(transport.json(get));
    expect(server.requests).toHaveLength(1);
  });
});

test('tells of each attempt with its verb and status, and of one that got no answer', async () => {
  const server = await start();
  server.on('GET', path, drop, refuse(503, 'ServiceUnavailable'), answer({ ok: true }));
  const seen: unknown[] = [];
  await transportTo(server, { onRequest: ({ verb, status }) => seen.push([verb, status]) }).json(get);
  expect(seen).toEqual([
    ['get', undefined],
    ['get', 503],
    ['get', 200],
  ]);
});
