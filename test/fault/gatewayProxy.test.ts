import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chatBody, openDoor, post, series } from './door.ts';
import { rawClient, requestText } from './rawClient.ts';
import { answersChat, type RuntimeCall } from './scriptedRuntime.ts';
import { ask, stalled, until } from './waiting.ts';

const last = { model: 'tiny:latest', done: true, done_reason: 'stop', prompt_eval_count: 11, eval_count: 3 };
const usage = { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 };

describe('streams', () => {
  it('passes records byte for byte, each as it comes', async () => {
    const door = await openDoor();
    let call: RuntimeCall | undefined;
    door.runtime.script = (started) => {
      call = started;
      started.record({ message: { content: 'Grüß' } });
    };
    const answer = await ask(`${door.url}/api/chat`, chatBody());
    let text = '';
    answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    await until(() => text === '{"message":{"content":"Grüß"}}\n');
    call?.record(last);
    call?.response.end();
    await until(() => answer.complete);
    expect(text).toBe(`{"message":{"content":"Grüß"}}\n${JSON.stringify(last)}\n`);
    expect(answer.headers['content-type']).toBe('application/x-ndjson');
    await until(() => door.proxy.open === 0);
    expect(await series(door, 'localmodel_tokens_total', { direction: 'output' })).toBe(3);
    expect(door.pod.seen).toEqual(['Progress', 'Succeeded']);
  });

  const stream = (call: RuntimeCall) => {
    call.event({ choices: [{ delta: { content: 'hi' } }] });
    call.event({ choices: [], usage });
    call.event('[DONE]');
    call.response.end();
  };

  it('asks for usage, counts it, and hides it from a client that did not ask', async () => {
    const door = await openDoor();
    door.runtime.script = stream;
    const answer = await fetch(`${door.url}/v1/chat/completions`, post(chatBody({ stream: true })));
    expect(await answer.text()).toBe('data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n');
    expect(JSON.parse(door.runtime.requests[0]!.body).stream_options).toEqual({ include_usage: true });
    await until(() => door.proxy.open === 0);
    expect(await series(door, 'localmodel_tokens_total', { direction: 'input' })).toBe(11);
  });

  it('shows usage to a client that asked', async () => {
    const door = await openDoor();
    door.runtime.script = stream;
    const body = chatBody({ stream: true, stream_options: { include_usage: true } });
    const answer = await fetch(`${door.url}/v1/chat/completions`, post(body));
    expect(await answer.text()).toContain('"prompt_tokens":11');
  });

  it('reads from the runtime no faster than the client does, and loses nothing', async () => {
    const door = await openDoor();
    const sent = createHash('sha256');
    const total = 48 * 1024 * 1024;
    let written = 0;
    door.runtime.script = ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      const more = () => {
        while (written < total) {
          const piece = Buffer.alloc(256 * 1024, written % 251);
          sent.update(piece);
          written += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    const answer = await ask(`${door.url}/api/generate`, chatBody());
    await stalled(() => written);
    expect(written).toBeLessThan(total / 2);
    const received = createHash('sha256');
    for await (const piece of answer) received.update(piece as Buffer);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });
});

describe('a large body', () => {
  it.each([
    ['of a length that is told', (text: string) => text],
    ['of a length that is not', (text: string) => new Blob([text]).stream()],
  ])('%s reaches the runtime byte for byte', async (_, bodyOf) => {
    const door = await openDoor();
    const content = Array.from({ length: 300_000 }, (_, index) => `${index} Grüße`).join();
    const body = bodyOf(JSON.stringify({ model: 'assistant', stream: false, messages: [{ role: 'user', content }] }));
    const answer = await fetch(`${door.url}/api/chat`, { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(answer.status).toBe(200);
    const [seen] = door.runtime.requests;
    expect(Number(seen?.headers['content-length'])).toBe(Buffer.byteLength(seen?.body ?? ''));
    expect(JSON.parse(seen?.body ?? '').messages[0].content === content).toBe(true);
  });
});

describe('a client that leaves', () => {
  it('ends the generation', async () => {
    const door = await openDoor();
    door.runtime.script = (call) => call.record({ message: { content: 'a' } });
    const answer = await ask(`${door.url}/api/chat`, chatBody());
    answer.on('error', () => undefined).destroy();
    await until(() => door.runtime.calls[0]?.gone === true);
    await until(() => door.proxy.open === 0);
    expect(door.admission.inFlight).toBe(0);
    expect(JSON.parse(door.audited[0]!)).toMatchObject({ status: 200, outcome: 'ClientGone' });
    expect(door.pod.seen).toEqual(['Progress']);
  });

  it('ends it before the first byte too', async () => {
    const door = await openDoor();
    door.runtime.script = () => undefined;
    const client = new AbortController();
    const answer = fetch(`${door.url}/api/chat`, { ...post(chatBody()), signal: client.signal });
    await until(() => door.runtime.calls.length === 1);
    client.abort();
    await expect(answer).rejects.toThrow();
    await until(() => door.runtime.calls[0]?.gone === true && door.proxy.open === 0);
    expect(JSON.parse(door.audited[0]!)).toMatchObject({ status: 499, outcome: 'ClientGone' });
    expect(door.pod.seen).toEqual([]);
  });

  it('ends it while the runtime has not even read its request', async () => {
    const door = await openDoor();
    await door.runtime.stop();
    const sockets: Socket[] = [];
    const runtime = createServer(
      { pauseOnConnect: true },
      (socket) => void sockets.push(socket.on('error', () => undefined)),
    );
    await new Promise<void>((resolve) => runtime.listen(door.runtime.port, '127.0.0.1', resolve));
    onTestFinished(() => void runtime.close());
    const client = new AbortController();
    const body = chatBody({ messages: [{ role: 'user', content: 'a'.repeat(8_000_000) }] });
    const answer = fetch(`${door.url}/api/chat`, { ...post(body), signal: client.signal });
    await until(() => sockets.length === 1);
    client.abort();
    await expect(answer).rejects.toThrow();
    await until(() => door.proxy.open === 0);
    expect([door.admission.inFlight, JSON.parse(door.audited[0]!).outcome]).toEqual([0, 'ClientGone']);
    const [socket] = sockets;
    socket?.resume();
    await until(() => socket?.closed === true);
    expect(socket?.bytesRead).toBeLessThan(8_000_000);
  });

  it('frees its place in the queue, and the runtime never hears of it', async () => {
    const door = await openDoor({ limits: { maxInFlight: 1 } });
    door.runtime.script = () => undefined;
    const client = new AbortController();
    const first = fetch(`${door.url}/api/chat`, { ...post(chatBody()), signal: client.signal });
    await until(() => door.admission.inFlight === 1);
    const second = fetch(`${door.url}/api/chat`, { ...post(chatBody()), signal: client.signal });
    await until(() => door.admission.queued === 1);
    client.abort();
    await Promise.allSettled([first, second]);
    await until(() => door.proxy.open === 0);
    expect([door.admission.inFlight, door.admission.queued]).toEqual([0, 0]);
    expect(door.runtime.requests).toHaveLength(1);
  });

  it('is noticed behind another answer on the same connection', async () => {
    const door = await openDoor();
    door.runtime.script = () => undefined;
    const client = await rawClient(door.port);
    const body = chatBody();
    const one = requestText(['POST /api/chat HTTP/1.1', 'host: a', `content-length: ${body.length}`], body);
    client.send(one + one);
    await until(() => door.runtime.calls.length === 2);
    client.socket.destroy();
    await until(() => door.runtime.calls.every(({ gone }) => gone) && door.proxy.open === 0);
  });
});

describe('a runtime that fails', () => {
  const dialects = [
    [
      '/v1/chat/completions',
      { error: { code: 'runtime_failed', type: 'api_error', param: null, message: expect.any(String) } },
    ],
    ['/api/chat', { error: expect.stringContaining('broke off') }],
    ['/v1/messages', { type: 'error', error: { type: 'api_error', message: expect.any(String) }, request_id: 'r-1' }],
  ] as const;

  it.each(dialects)('is a clean error on %s while nothing was sent', async (path, wanted) => {
    const door = await openDoor();
    door.runtime.script = (call) => call.drop();
    const answer = await fetch(`${door.url}${path}`, post(chatBody(), { 'x-request-id': 'r-1' }));
    expect(answer.status).toBe(502);
    expect(await answer.json()).toEqual(wanted);
    expect(door.pod.seen).toEqual(['Failed']);
  });

  it('is a clean error where it is not there at all', async () => {
    const door = await openDoor();
    await door.runtime.stop();
    const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
    expect(answer.status).toBe(502);
  });

  it('is a clean error after its head, as long as no byte of the body has come', async () => {
    const door = await openDoor();
    door.runtime.script = (call) => {
      call.response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      call.response.flushHeaders();
      setImmediate(() => call.drop());
    };
    const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([502, 'application/json']);
  });

  it('breaks the connection after the first byte, so that half an answer is not taken for a whole one', async () => {
    const door = await openDoor();
    door.runtime.script = (call) => call.record({ message: { content: 'half' } });
    const client = await rawClient(door.port);
    const body = chatBody();
    client.send(requestText(['POST /api/chat HTTP/1.1', 'host: a', `content-length: ${body.length}`], body));
    await client.until(/half/);
    door.runtime.calls[0]?.drop();
    const text = await client.ended();
    expect(text).not.toMatch(/\r\n0\r\n/);
    await until(() => door.proxy.open === 0);
    expect(JSON.parse(door.audited[0]!)).toMatchObject({ status: 200, outcome: 'Broken', reason: 'RuntimeFailed' });
    expect(door.pod.seen).toEqual(['Progress', 'Failed']);
  });

  it('gives its place back every time', async () => {
    const door = await openDoor({ limits: { maxInFlight: 1, maxQueue: 0 } });
    door.runtime.script = (call) => call.drop();
    for (let round = 0; round < 5; round++)
      expect((await fetch(`${door.url}/api/chat`, post(chatBody()))).status).toBe(502);
    door.runtime.script = answersChat;
    expect((await fetch(`${door.url}/api/chat`, post(chatBody()))).status).toBe(200);
  });

  it('passes its own errors as they are, and counts only those that are its fault', async () => {
    const door = await openDoor();
    const statuses = [400, 404, 500, 503];
    door.runtime.script = (call) =>
      call.json({ error: 'in its own words' }, statuses[door.runtime.requests.length - 1]);
    for (const status of statuses) {
      const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
      expect([answer.status, await answer.json()]).toEqual([status, { error: 'in its own words' }]);
    }
    expect(door.pod.seen).toEqual(['Failed']);
  });

  it('is told apart from one that ends a stream without its last record', async () => {
    const door = await openDoor();
    door.runtime.script = (call) => {
      call.record({ message: { content: 'a' } });
      call.record({ error: 'the runner has died' });
      call.response.end();
    };
    const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
    expect(await answer.text()).toContain('the runner has died');
    expect(door.pod.seen).toEqual(['Progress', 'Failed']);
  });
});
