import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { all, askerOf, failure, get, path, start, watch } from './asking.ts';
import { answer, errorEvent, refuse, streams } from './server.ts';

const gone = errorEvent(410, 'Expired');

describe('broken answers', () => {
  test('half a JSON in a whole answer is a failure that passes', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', path, script.handler, answer({ ok: true }));
    const object = askerOf(server).json(get);
    const stream = await script.next();
    stream.sendRaw('{"kind":"Po');
    stream.end();
    expect(await object).toEqual({ ok: true });
  });

  test('half an event at the end of a watch throws after the whole ones', async () => {
    const server = await start();
    const script = streams();
    server.on('GET', '/api/v1/pods', script.handler);
    const events = askerOf(server).stream(watch);
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
    const events = askerOf(server, { http2 }).stream(watch);
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
    expect(await all(askerOf(server).stream(watch))).toEqual([
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
      const first = askerOf(server, { http2 })
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
    const events = askerOf(server).stream(watch);
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
      for await (const _ of askerOf(server, { http2 }).stream(watch)) return;
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
    const events = askerOf(server).stream({ ...watch, signal: stop.signal });
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
    const object = askerOf(server, { clock }).json({ ...get, signal: stop.signal });
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
    const transport = askerOf(server, { onRequest: () => stop.abort(reason) });
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
    const transport = askerOf(server, { clock });
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
    const transport = askerOf(server, { maxRetries: 0 });
    const first = failure(transport.stream(watch).next());
    const stream = await script.next();
    await transport.close();
    expect(await first).toMatchObject({ reason: 'unavailable' });
    await stream.closed;
    await failure(transport.json(get));
    expect(server.requests).toHaveLength(1);
  });
});
