import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { chatBody, openDoor, post, series } from './door.ts';
import { rawClient, requestText } from './rawClient.ts';
import type { RuntimeCall } from './scriptedRuntime.ts';
import { ask, stalled, until } from './waiting.ts';

const last = { model: 'tiny:latest', done: true, done_reason: 'stop', prompt_eval_count: 11, eval_count: 3 };

describe('time limits', () => {
  it('are a 504 before the first byte', async () => {
    const clock = createVirtualClock();
    const door = await openDoor({ clock, limits: { requestTimeoutSeconds: 30 } });
    door.runtime.script = () => undefined;
    const answer = fetch(`${door.url}/v1/chat/completions`, post(chatBody()));
    await until(() => door.runtime.calls.length === 1);
    await clock.advance(30_000);
    expect((await answer).status).toBe(504);
    expect(await (await answer).json()).toMatchObject({ error: { code: 'runtime_timeout' } });
    await until(() => door.runtime.calls[0]?.gone === true);
    expect(door.pod.seen).toEqual(['Failed']);
  });

  it('include the queue, and a wait there is nobody’s failure', async () => {
    const clock = createVirtualClock();
    const door = await openDoor({ clock, limits: { maxInFlight: 1, requestTimeoutSeconds: 30 } });
    door.runtime.script = () => undefined;
    const client = new AbortController();
    const first = fetch(`${door.url}/api/chat`, { ...post(chatBody()), signal: client.signal }).catch(() => undefined);
    await until(() => door.admission.inFlight === 1);
    const second = fetch(`${door.url}/api/chat`, post(chatBody()));
    await until(() => door.admission.queued === 1);
    await clock.advance(20_000);
    client.abort();
    await until(() => door.runtime.calls.length === 2);
    await clock.advance(10_000);
    expect((await second).status).toBe(504);
    await first;
    expect(door.pod.seen).toEqual([]);
  });

  it('cut a stream after it', async () => {
    const clock = createVirtualClock();
    const door = await openDoor({ clock, limits: { requestTimeoutSeconds: 30 } });
    door.runtime.script = (call) => call.record({ message: { content: 'a' } });
    const answer = await ask(`${door.url}/api/chat`, chatBody());
    const failed = new Promise((resolve) => answer.on('error', resolve));
    answer.resume();
    await clock.advance(30_000);
    await failed;
    await until(() => door.runtime.calls[0]?.gone === true && door.proxy.open === 0);
    expect(JSON.parse(door.audited[0]!)).toMatchObject({ outcome: 'Broken', reason: 'RuntimeTimeout' });
  });

  it('cut off a client that does not read what is there', async () => {
    const clock = createVirtualClock();
    const door = await openDoor({ clock, limits: { requestTimeoutSeconds: 30 } });
    door.runtime.script = ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(Buffer.alloc(16 * 1024 * 1024, 0x20));
    };
    const client = await rawClient(door.port);
    client.socket.pause();
    const body = chatBody();
    client.send(requestText(['POST /api/chat HTTP/1.1', 'host: a', `content-length: ${body.length}`], body));
    await until(() => door.runtime.calls.length === 1);
    await stalled(() => door.runtime.calls[0]?.response.writableLength);
    await clock.advance(30_000);
    await until(() => door.proxy.open === 0);
    expect(door.admission.inFlight).toBe(0);
    expect(door.pod.seen).not.toContain('Failed');
  });
});

describe('admission', () => {
  it('answers 429 with the seconds a slot usually takes', async () => {
    const door = await openDoor({ limits: { maxInFlight: 1, maxQueue: 0 } });
    door.runtime.script = () => undefined;
    void fetch(`${door.url}/api/chat`, post(chatBody())).catch(() => undefined);
    await until(() => door.admission.inFlight === 1);
    const answer = await fetch(`${door.url}/v1/chat/completions`, post(chatBody()));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await answer.json()).toMatchObject({ error: { code: 'queue_full' } });
    await until(() => door.proxy.open === 1);
    expect(await series(door, 'localmodel_rejections_total', { reason: 'QueueFull' })).toBe(1);
  });

  it('answers 504 when the wait is over', async () => {
    const clock = createVirtualClock();
    const door = await openDoor({ clock, limits: { maxInFlight: 1, queueTimeoutSeconds: 5 } });
    door.runtime.script = () => undefined;
    void fetch(`${door.url}/api/chat`, post(chatBody())).catch(() => undefined);
    await until(() => door.admission.inFlight === 1);
    const waiting = fetch(`${door.url}/api/chat`, post(chatBody()));
    await until(() => door.admission.queued === 1);
    await clock.advance(5000);
    expect((await waiting).status).toBe(504);
  });

  it('answers 503 with the reason while the model is not served', async () => {
    const door = await openDoor();
    door.pod.state = 'NotReady';
    const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.json()).toEqual({ error: expect.stringContaining('the runtime is loading the model') });
    expect(door.runtime.requests).toEqual([]);
  });

  it('answers 503 and closes the connection while draining, and finishes what runs', async () => {
    const door = await openDoor();
    let call: RuntimeCall | undefined;
    door.runtime.script = (started) => {
      call = started;
      started.record({ message: { content: 'a' } });
    };
    const running = await ask(`${door.url}/api/chat`, chatBody());
    door.pod.state = 'Draining';
    for (const path of ['/api/chat', '/api/show']) {
      const answer = await fetch(`${door.url}${path}`, post(chatBody()));
      expect([answer.status, answer.headers.get('connection')]).toEqual([503, 'close']);
    }
    const list = await fetch(`${door.url}/v1/models`);
    expect(list.status).toBe(503);
    const closed = door.front.close();
    call?.record(last);
    call?.response.end();
    let text = '';
    for await (const piece of running.setEncoding('utf8')) text += piece;
    expect(text).toContain('"done":true');
    await closed;
    expect(door.proxy.open).toBe(0);
  });

  it('lets light requests pass while all places are taken', async () => {
    const door = await openDoor({ limits: { maxInFlight: 1, maxQueue: 0 } });
    door.runtime.script = (call) => {
      if (call.request.url === '/api/version') call.json({ version: '0.32.15' });
    };
    void fetch(`${door.url}/api/chat`, post(chatBody())).catch(() => undefined);
    await until(() => door.admission.inFlight === 1);
    expect(await (await fetch(`${door.url}/api/version`)).json()).toEqual({ version: '0.32.15' });
    expect(door.pod.seen).toEqual([]);
  });

  it('caps light requests too', async () => {
    const door = await openDoor();
    door.runtime.script = () => undefined;
    const pending = Array.from({ length: 8 }, () => fetch(`${door.url}/api/version`).catch(() => undefined));
    await until(() => door.runtime.calls.length === 8);
    expect((await fetch(`${door.url}/api/version`)).status).toBe(429);
    for (const call of door.runtime.calls) call.json({});
    await Promise.all(pending);
    door.runtime.script = (call) => call.json({});
    expect((await fetch(`${door.url}/api/version`)).status).toBe(200);
  });
});
