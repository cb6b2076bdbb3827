import { describe, expect, test } from 'vitest';
import type { ApiError } from '../../src/kube/errors.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { all, askerOf, authTo, failure, get, path, post, start, watch } from './asking.ts';
import { answer, drop, freeze, refuse, startFaultServer, streams } from './server.ts';

describe('connections', () => {
  test('carries calls that follow each other over one TLS connection', async () => {
    const server = await start({ tls: true });
    server.on('GET', path, answer({ ok: true }));
    const transport = askerOf(server, { http2: false });
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
    const transport = askerOf(server);
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
    const transport = askerOf(server, { http2: false, maxConnections: 3 });
    await Promise.all(Array.from({ length: 20 }, () => transport.json(get)));
    expect(server.requests).toHaveLength(20);
    expect(server.connections).toBeLessThanOrEqual(3);
  });

  test('after GOAWAY the open watch goes on, and the next call goes elsewhere', async () => {
    const server = await start({ http2: true });
    const script = streams();
    server.on('GET', path, answer({ ok: true }));
    server.on('GET', '/api/v1/pods', script.handler);
    const transport = askerOf(server);
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
    const transport = askerOf(server, { http2: false, auth });
    await transport.json(get);
    const { headers, tls } = await auth.credentials();
    auth.credentials = async () => ({ headers, tls: { ...tls } });
    await transport.json(get);
    expect(server.connections).toBe(2);
  });

  test('refuses a server whose authority it does not know', async () => {
    const { url } = await start({ tls: true });
    const error = await failure(askerOf({ url }, { maxRetries: 0 }).json(get));
    expect(error).toMatchObject({ reason: 'unavailable', transient: true });
    expect(error.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  });
});

describe('limits', () => {
  test.each([{ http2: false }, { http2: true }])('gives a frozen server up at the deadline: %o', async ({ http2 }) => {
    const server = await start({ http2 });
    server.on('GET', path, freeze, answer({ ok: true }));
    const clock = createVirtualClock();
    const transport = askerOf(server, { clock, http2 });
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
    const events = askerOf(server, { clock }).stream({ ...watch, inactivityMs: 60_000 });
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
    const first = failure(askerOf(server, { clock, deadlineMs: 7_000 }).stream(watch).next());
    await clock.until(() => server.requests.length === 1);
    await clock.advance(7_000);
    expect(await first).toMatchObject({ reason: 'timeout' });
  });

  test('refuses an answer, and a line of a watch, that is larger than the bound', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', path, answer({ text: 'x'.repeat(2_000) }));
    server.on('GET', '/api/v1/pods', script.handler);
    const transport = askerOf(server, { maxAnswer: 1_000 });
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
    const transport = askerOf(server, { auth });
    const answers = await Promise.all(Array.from({ length: 10 }, () => transport.json(get)));
    expect(answers).toEqual(Array(10).fill({ ok: true }));
    expect(auth.issued).toBe(2);
  });

  test('tries a refused watch once more with new ones', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', '/api/v1/pods', refuse(401, 'Unauthorized'), script.handler);
    const events = all(askerOf(server).stream(watch));
    (await script.next()).end();
    expect(await events).toEqual([]);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  test('does not go on asking when the new ones are refused as well', async () => {
    const server = await start();
    server.on('GET', path, refuse(401, 'Unauthorized'));
    expect(await failure(askerOf(server).json(get))).toMatchObject({ reason: 'unauthorized', statusCode: 401 });
    expect(server.requests).toHaveLength(2);
  });

  test('leaves the connection that was refused to the next call', async () => {
    const server = await start();
    const message = 'x'.repeat(100_000); // too much to arrive unread
    server.on('GET', path, refuse(401, 'Unauthorized', { message }), answer({ ok: true }));
    const transport = askerOf(server, { http2: false, maxConnections: 1 });
    expect(await transport.json(get)).toEqual({ ok: true });
    expect(server.connections).toBe(1);
  });

  test('says why there are none, and asks nothing of the server', async () => {
    const server = await start();
    const auth = { ...authTo(server), credentials: () => Promise.reject(new Error('exec plugin cloud-login failed')) };
    const error = await failure(askerOf(server, { auth }).json(get));
    expect(error).toMatchObject({ reason: 'unauthorized' });
    expect(error.message).toContain('exec plugin cloud-login failed');
    expect(server.requests).toEqual([]);
  });

  test('does not wait for them beyond the deadline', async () => {
    const server = await start();
    const clock = createVirtualClock();
    const auth = { ...authTo(server), credentials: () => new Promise<never>(() => undefined) };
    const error = failure(askerOf(server, { auth, clock }).json(get));
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
    const created = askerOf(server, { clock }).json({ ...post, body: { kind: 'Pod' } });
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
    const error = await failure(askerOf(server).json({ ...get, deadlineMs: 120_000 }));
    expect(error).toMatchObject({ reason: 'unavailable', retryAfterMs: 31_000 });
    expect(server.requests).toHaveLength(1);
  });

  test('leaves it to the caller to wait beyond the deadline', async () => {
    const server = await start();
    server.on('GET', path, refuse(429, 'TooManyRequests', { headers: { 'retry-after': '5' } }));
    const error = await failure(askerOf(server).json({ ...get, deadlineMs: 4_000 }));
    expect(error).toMatchObject({ reason: 'throttled', retryAfterMs: 5_000 });
  });

  test('asks again after a 500 and after a cut socket, when the call is idempotent', async () => {
    const server = await start();
    server.on('GET', path, refuse(500, 'InternalError'), drop, answer({ ok: true }));
    expect(await askerOf(server).json(get)).toEqual({ ok: true });
  });

  test('does not repeat what may have been done already', async () => {
    const server = await start();
    server.on('POST', post.path, drop);
    expect(await failure(askerOf(server).json({ ...post, body: {} }))).toMatchObject({ reason: 'unavailable' });
    expect(server.requests).toHaveLength(1);
  });

  test('gives up after the retries it has, pausing longer each time', async () => {
    const server = await start();
    server.on('GET', path, refuse(503, 'ServiceUnavailable'));
    const clock = createVirtualClock();
    const startedAt = clock.monotonic();
    let error: ApiError | undefined;
    void failure(askerOf(server, { clock, maxRetries: 3 }).json(get)).then((thrown) => {
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
    expect(await failure(askerOf(server).json(get))).toMatchObject({ reason: 'notFound' });
    expect(server.requests).toHaveLength(1);
  });

  test('says where nobody listens', async () => {
    const server = await startFaultServer();
    await server.close();
    const error = await failure(askerOf(server, { maxRetries: 1 }).json(get));
    expect(error).toMatchObject({ reason: 'unavailable', statusCode: undefined });
    expect(error.message).toContain('ECONNREFUSED');
  });
});

test('tells of each attempt with its verb and status, and of one that got no answer', async () => {
  const server = await start();
  server.on('GET', path, drop, refuse(503, 'ServiceUnavailable'), answer({ ok: true }));
  const seen: unknown[] = [];
  await askerOf(server, { onRequest: ({ verb, status }) => seen.push([verb, status]) }).json(get);
  expect(seen).toEqual([
    ['get', undefined],
    ['get', 503],
    ['get', 200],
  ]);
});
