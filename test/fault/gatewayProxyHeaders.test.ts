import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/gateway/errors.ts';
import { chatBody, openDoor, post, series } from './door.ts';
import { rawClient, requestText } from './rawClient.ts';
import { until } from './waiting.ts';

describe('what reaches the runtime', () => {
  it('holds no key, no cookie, no foreign host or origin, and nothing meant for this hop', async () => {
    const door = await openDoor({ keyring: { identify: () => 'team-a' } });
    const client = await rawClient(door.port);
    const body = chatBody();
    client.send(
      requestText(
        [
          'POST /api/chat HTTP/1.1',
          'host: models.example.com',
          'origin: https://evil.example.com',
          'authorization: Bearer sk-very-secret',
          'x-api-key: sk-very-secret',
          'cookie: session=sk-very-secret',
          'proxy-authorization: Basic sk-very-secret',
          'connection: keep-alive, x-private',
          'x-private: sk-very-secret',
          'x-forwarded-for: 10.0.0.1',
          'te: trailers',
          'accept-encoding: gzip',
          'user-agent: ollama-js/0.6',
          'x-stainless-os: Linux',
          `content-length: ${body.length}`,
        ],
        body,
      ),
    );
    await client.until(/HTTP\/1.1 200/);
    const [seen] = door.runtime.requests;
    expect(seen?.rawHeaders.join('\n')).not.toContain('sk-very-secret');
    expect(Object.keys(seen?.headers ?? {}).sort()).toEqual([
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
      'x-request-id',
    ]);
    expect(seen?.headers.host).toBe(`127.0.0.1:${door.runtime.port}`);
  });

  it('names the request and its trace', async () => {
    const door = await openDoor();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { 'x-request-id': 'job-17:3', traceparent, tracestate: 'a=1' };
    const answer = await fetch(`${door.url}/api/chat`, post(chatBody(), headers));
    expect(answer.headers.get('x-request-id')).toBe('job-17:3');
    expect(door.runtime.requests[0]?.headers).toMatchObject(headers);
  });

  it('is not disturbed by letters of all kinds in a header that is passed on', async () => {
    const door = await openDoor();
    const client = await rawClient(door.port);
    const body = chatBody();
    const head = ['POST /api/chat HTTP/1.1', 'host: a', 'user-agent: \xff\t\xe4', `content-length: ${body.length}`];
    client.send(Buffer.from(requestText(head, body), 'latin1'));
    await client.until(/^HTTP\/1.1 200/);
    expect(door.runtime.requests[0]?.headers['user-agent']).toBe('\xff\t\xe4');
    expect(door.pod.seen).not.toContain('Failed');
  });

  it('comes from clients that offer HTTP/2 as from any other', async () => {
    const door = await openDoor();
    const client = await rawClient(door.port);
    const body = chatBody();
    const offer = ['connection: Upgrade, HTTP2-Settings', 'upgrade: h2c', 'http2-settings: AAEAAEAA'];
    client.send(requestText(['POST /api/chat HTTP/1.1', 'host: a', ...offer, `content-length: ${body.length}`], body));
    await client.until(/^HTTP\/1.1 200/);
    expect(door.runtime.requests[0]?.headers).not.toHaveProperty('upgrade');
  });

  it('gets a request id of its own where the client’s is none', async () => {
    const door = await openDoor();
    const answer = await fetch(`${door.url}/api/chat`, post(chatBody(), { 'x-request-id': 'a b"\\' }));
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(door.runtime.requests[0]?.headers['x-request-id']).toBe(answer.headers.get('x-request-id'));
  });

  it('is asked for without the client’s query, under the runtime’s own name, without what would control it', async () => {
    const door = await openDoor();
    const body = chatBody({ keep_alive: 0, options: { num_ctx: 99, temperature: 0 } });
    const answer = await fetch(`${door.url}/api/chat?key=sk-very-secret`, post(body));
    expect(answer.headers.get('x-localmodel-removed')).toBe('keep_alive, options.num_ctx');
    expect(door.runtime.requests[0]?.url).toBe('/api/chat');
    expect(JSON.parse(door.runtime.requests[0]?.body ?? '')).toEqual({
      model: 'tiny:latest',
      messages: [{ role: 'user', content: 'tell me a secret' }],
      options: { temperature: 0 },
    });
  });
});

describe('what reaches the client', () => {
  it('is the answer without the headers of the hop behind', async () => {
    const door = await openDoor();
    door.runtime.script = ({ response }) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        connection: 'keep-alive, x-internal',
        'x-internal': '1',
        'x-kept': '2',
      });
      response.end('{"done":true}');
    };
    const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
    expect([answer.headers.get('x-kept'), answer.headers.get('x-internal')]).toEqual(['2', null]);
    expect(answer.headers.get('connection')).toBe('keep-alive');
  });

  it('is the head alone for HEAD', async () => {
    const door = await openDoor();
    door.runtime.script = ({ response }) => response.writeHead(200, { 'content-length': '19' }).end();
    for (const path of ['/', '/api/version', '/v1/models', '/api/tags']) {
      const client = await rawClient(door.port);
      client.send(requestText([`HEAD ${path} HTTP/1.1`, 'host: a', 'connection: close']));
      const text = await client.ended();
      expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(text).toMatch(/content-length: [1-9]/i);
      expect(text.split('\r\n\r\n')[1]).toBe('');
    }
    expect(door.runtime.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['HEAD /api/version']);
  });

  it('serves many requests on one connection', async () => {
    const door = await openDoor();
    const client = await rawClient(door.port);
    const body = chatBody();
    const one = requestText(['POST /api/chat HTTP/1.1', 'host: a', `content-length: ${body.length}`], body);
    for (let round = 1; round <= 20; round++) {
      client.send(one);
      await until(() => client.text.split('"done":true').length === round + 1);
    }
    expect(door.front.connections).toBe(1);
  });

  it('is understood by a client of HTTP/1.0', async () => {
    const door = await openDoor();
    const client = await rawClient(door.port);
    const body = chatBody();
    client.send(requestText(['POST /api/chat HTTP/1.0', `content-length: ${body.length}`], body));
    const text = await client.ended();
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(text).not.toMatch(/transfer-encoding/i);
    expect(JSON.parse(text.split('\r\n\r\n')[1] ?? '')).toMatchObject({ done: true });
  });
});

describe('100-continue', () => {
  const head = (length: number, more: string[] = []) =>
    requestText(['POST /api/chat HTTP/1.1', 'host: a', 'expect: 100-continue', `content-length: ${length}`, ...more]);

  it('is given to a client whose body is wanted', async () => {
    const door = await openDoor();
    const client = await rawClient(door.port);
    const body = chatBody();
    client.send(head(body.length));
    await client.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
    client.send(body);
    await client.until(/HTTP\/1.1 200/);
  });

  it('is not given to one that is refused, and the connection ends', async () => {
    const refusing = {
      identify: () => {
        throw new GatewayError('Unauthorized', 'no');
      },
    };
    const door = await openDoor({ keyring: refusing });
    const client = await rawClient(door.port);
    client.send(head(100));
    const text = await client.ended();
    expect(text).toMatch(/^HTTP\/1.1 401/);
    const large = await rawClient((await openDoor()).port);
    large.send(head(11 * 1024 * 1024));
    expect(await large.ended()).toMatch(/^HTTP\/1.1 413/);
  });
});

describe('answers of the gateway’s own', () => {
  it('list just the served names', async () => {
    const door = await openDoor();
    const get = async (path: string) => (await fetch(`${door.url}${path}`)).json();
    expect(await get('/v1/models')).toMatchObject({ data: [{ id: 'assistant' }, { id: 'tiny' }] });
    expect(await get('/v1/models/assistant')).toMatchObject({ id: 'assistant' });
    expect(await get('/v1/models/gpt-4')).toMatchObject({
      error: { message: expect.stringContaining('"assistant", "tiny"') },
    });
    expect(await get('/api/tags')).toMatchObject({ models: [{ name: 'assistant' }, { name: 'tiny' }] });
    expect(await get('/api/ps')).toMatchObject({ models: [{ model: 'assistant' }, { model: 'tiny' }] });
    expect(await (await fetch(door.url)).text()).toBe('Ollama is running');
    expect(door.runtime.requests).toEqual([]);
  });

  it('are the ids that may be used, for Foundry Local', async () => {
    const door = await openDoor({ kind: 'FoundryLocal' });
    expect(await (await fetch(`${door.url}/models/loaded`)).json()).toEqual(['assistant', 'tiny']);
  });

  it('are a 503 before the model’s name is known', async () => {
    const door = await openDoor();
    door.pod.known = false;
    expect((await fetch(`${door.url}/v1/models`)).status).toBe(503);
  });

  it('name the right models to who asks for another', async () => {
    const door = await openDoor();
    const answer = await fetch(`${door.url}/v1/chat/completions`, post('{"model":"gpt-4"}'));
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      error: { code: 'model_not_found', message: expect.stringContaining('"assistant"') },
    });
  });

  it('say why models are not changed here', async () => {
    const door = await openDoor();
    const answer = await fetch(`${door.url}/api/pull`, post('{"model":"llama3"}'));
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({ error: expect.stringContaining('LocalModelDeployment') });
    expect(door.runtime.requests).toEqual([]);
  });

  it('refuse a POST without a body', async () => {
    const door = await openDoor();
    expect((await fetch(`${door.url}/api/chat`, { method: 'POST' })).status).toBe(400);
  });
});

describe('what is told of a request', () => {
  it('is who asked what, and never a word of it', async () => {
    const door = await openDoor({ keyring: { identify: () => 'team-a' } });
    await (await fetch(`${door.url}/api/chat`, post(chatBody(), { authorization: 'Bearer sk-very-secret' }))).text();
    await until(() => door.audited.length === 1);
    expect(JSON.parse(door.audited[0] ?? '')).toEqual({
      time: expect.any(String),
      audit: 'request',
      requestId: expect.any(String),
      client: 'team-a',
      method: 'POST',
      route: '/api/chat',
      model: 'assistant',
      status: 200,
      outcome: 'Answered',
      inputTokens: 3,
      outputTokens: 2,
      queueSeconds: expect.any(Number),
      totalSeconds: expect.any(Number),
    });
    const all = `${door.audited.join()}${JSON.stringify(door.log)}${await door.metrics.registry.metrics()}`;
    for (const secret of ['tell me a secret', 'hello', 'sk-very-secret']) expect(all).not.toContain(secret);
    expect(await series(door, 'localmodel_client_tokens_total', { client: 'team-a', direction: 'output' })).toBe(2);
    expect(await series(door, 'localmodel_requests_total', { route: '/api/chat', code: '200' })).toBe(1);
  });

  it('keeps what clients make up out of the labels', async () => {
    const door = await openDoor();
    await fetch(`${door.url}/made/up`);
    await fetch(`${door.url}/api/chat`, post('{"model":"made-up"}'));
    await until(() => door.audited.length === 2);
    expect(await door.metrics.registry.metrics()).not.toContain('made');
    expect(await series(door, 'localmodel_requests_total', { route: 'other', code: '404' })).toBe(1);
  });
});

it('answers what it knows to a client that still sends its body', async () => {
  const door = await openDoor({ limits: { maxBodyBytes: 1000 } });
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(`${door.url}/api/chat`, { method: 'POST', agent: false }, ({ statusCode }) =>
      resolve(statusCode),
    );
    request.on('error', reject);
    request.end(Buffer.alloc(2 * 1024 * 1024, 0x20));
  });
  expect(status).toBe(413);
});
