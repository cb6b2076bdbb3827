// Clients that mean harm, each against a gateway of its own: the right word for each, nothing of it at the runtime, and
// afterwards a gateway that serves as before.
import { describe, expect, it, vi } from 'vitest';
import { createKeyring } from '../../src/gateway/auth.ts';
import { silentLogger } from '../../src/process/logger.ts';
import { mountedSecret } from '../unit/gateway/mountedSecret.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { chatBody, type DoorOptions, type OpenDoor, openDoor, post, series } from './door.ts';
import { type RawClient, rawClient, requestText } from './rawClient.ts';

const patience = { timeout: 25_000, interval: 10 };
const MiB = 1024 * 1024;

const rss = () => process.memoryUsage().rss;

/** Bytes that this process may have grown by: server, attackers and test framework together. */
const MOST_GROWTH = 160 * MiB;

/** Runs an attack, and looks at what is left of the gateway. */
async function attacked(options: DoorOptions, attack: (door: OpenDoor) => Promise<void>): Promise<OpenDoor> {
  const door = await openDoor(options);
  await (await fetch(`${door.url}/api/chat`, post(chatBody()))).text();
  const before = rss();
  await attack(door);
  expect(rss() - before).toBeLessThan(MOST_GROWTH);
  expect(door.runtime.requests).toHaveLength(1);
  const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
  expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ done: true })]);
  expect([door.admission.inFlight, door.admission.queued]).toEqual([0, 0]);
  return door;
}

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);

/** Sends it, and reads until the answer is there and the connection closed. */
async function refusedWith(port: number, bytes: string): Promise<{ status: number; body: unknown }> {
  const client = await rawClient(port);
  client.send(bytes);
  const text = await client.ended();
  return { status: statusOf(text), body: JSON.parse(text.split('\r\n\r\n')[1] ?? '') };
}

const body = chatBody();
const head = (...more: string[]) => ['POST /api/chat HTTP/1.1', 'host: a', 'content-type: application/json', ...more];

describe('connections', () => {
  it('1,000 that say nothing leave room for one that does, and are sent away', async () => {
    await attacked({ frontLimits: { headersTimeout: 3000, requestTimeout: 3000 } }, async (door) => {
      const idle = await Promise.all(Array.from({ length: 1000 }, () => rawClient(door.port)));
      await vi.waitFor(() => expect(door.front.connections).toBeGreaterThanOrEqual(1000), patience);
      expect((await fetch(`${door.url}/api/tags`)).status).toBe(200);
      await vi.waitFor(() => expect(idle.every(({ closed }) => closed)).toBe(true), patience);
      expect(new Set(idle.map(({ text }) => statusOf(text)))).toEqual(new Set([408]));
    });
  });

  it('too many make room for others when they are idle', async () => {
    const door = await openDoor({ frontLimits: { maxConnections: 10 } });
    const clients: RawClient[] = [];
    for (let i = 0; i < 10; i++) {
      const client = await rawClient(door.port);
      client.send(requestText(['GET /api/tags HTTP/1.1', 'host: a']));
      await client.until(/"models"/);
      clients.push(client);
    }
    const refused = await rawClient(door.port);
    await refused.ended();
    await vi.waitFor(() => expect(clients.every(({ closed }) => closed)).toBe(true), patience);
    expect((await fetch(`${door.url}/api/tags`)).status).toBe(200);
  });
});

describe('requests without waiting for answers', () => {
  it('thousands on one connection are answered one after another', async () => {
    await attacked({}, async (door) => {
      const client = await rawClient(door.port);
      client.send(requestText(['GET /v1/models HTTP/1.1', 'host: a']).repeat(5000));
      await vi.waitFor(() => expect(client.text.split('HTTP/1.1 200').length - 1).toBe(5000), patience);
      expect(client.closed).toBe(false);
    });
  });

  it('take no more places than those of many clients', async () => {
    const door = await openDoor({ limits: { maxInFlight: 1, maxQueue: 2 } });
    door.runtime.script = () => undefined;
    const client = await rawClient(door.port);
    client.send(requestText(head(`content-length: ${body.length}`), body).repeat(100));
    await vi.waitFor(() => expect(door.proxy.open).toBe(100), patience);
    await vi.waitFor(() => expect(door.admission.queued).toBe(2), patience);
    expect(door.admission.inFlight).toBe(1);
    door.runtime.script = (call) => call.json({ done: true });
    door.runtime.calls[0]?.json({ done: true });
    await vi.waitFor(() => expect(client.text.split('HTTP/1.1 ').length - 1).toBe(100), patience);
    const statuses = [...client.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
    expect(statuses).toEqual([200, 200, 200, ...Array.from({ length: 97 }, () => 429)]);
  });
});

describe('slow clients', () => {
  const quick = { headersTimeout: 1000, requestTimeout: 1500 };

  it('that never finish their headers get a 408', async () => {
    await attacked({ frontLimits: quick }, async (door) => {
      const slow = await Promise.all(Array.from({ length: 50 }, () => rawClient(door.port)));
      for (const client of slow) client.send('POST /api/chat HTTP/1.1\r\nhost: a\r\nx-slow: ');
      for (const client of slow) expect(statusOf(await client.ended())).toBe(408);
      expect(await series(door, 'localmodel_rejections_total', { reason: 'RequestTimeout' })).toBe(50);
    });
  });

  it('that never finish their body get a 408, and take no place while they dawdle', async () => {
    await attacked({ frontLimits: quick, limits: { maxInFlight: 1, maxQueue: 0 } }, async (door) => {
      const slow = await Promise.all(Array.from({ length: 50 }, () => rawClient(door.port)));
      for (const client of slow) client.send(requestText(head('content-length: 1000'), '{"model":'));
      await vi.waitFor(() => expect(door.proxy.open).toBe(50), patience);
      expect([door.admission.inFlight, door.admission.queued]).toEqual([0, 0]);
      for (const client of slow) expect(statusOf(await client.ended())).toBe(408);
      await vi.waitFor(() => expect(door.proxy.open).toBe(0), patience);
    });
  });
});

describe('large requests', () => {
  it('of 100 MB are answered with 413, whether they say so or not', async () => {
    await attacked({}, async (door) => {
      const piece = Buffer.alloc(MiB, 0x20);
      const chunk = Buffer.concat([Buffer.from(`${MiB.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
      for (const [line, bytes] of [
        ['content-length: 104857600', piece],
        ['transfer-encoding: chunked', chunk],
      ] as const) {
        const client = await rawClient(door.port);
        client.send(requestText(head(line)));
        for (let sent = 0; sent < 100 && !client.closed; sent++) {
          if (!client.send(bytes)) await nextRoom(client);
        }
        expect(statusOf(await client.ended())).toBe(413);
      }
    });
  });

  it('that together take too much memory wait for nobody: some get 429', async () => {
    const size = 9 * MiB;
    await attacked({}, async (door) => {
      const clients = await Promise.all(Array.from({ length: 12 }, () => rawClient(door.port)));
      const almostAll = Buffer.alloc(size - 1, 0x20);
      // Each holds back its last byte, so that all bodies lie there at once.
      for (const client of clients) {
        client.send(requestText(head(`content-length: ${size}`)));
        client.send(almostAll);
      }
      await vi.waitFor(() => {
        const refused = clients.filter(({ text }) => statusOf(text) === 429);
        expect(refused.length).toBeGreaterThanOrEqual(5);
      }, patience);
      for (const client of clients) client.socket.destroy();
      await vi.waitFor(() => expect(door.proxy.open).toBe(0), patience);
    });
  });

  it.each([
    ['one header of 64 KiB', [`x-long: ${'a'.repeat(65_536)}`]],
    ['thousands of headers', Array.from({ length: 5000 }, (_, i) => `x-${i}: 1`)],
  ])('%s: 431', async (_, more) => {
    const door = await attacked({}, async ({ port }) => {
      const { status, body: answer } = await refusedWith(port, requestText(head(...more)));
      expect([status, answer]).toEqual([431, { error: expect.objectContaining({ code: 'headers_too_large' }) }]);
    });
    expect(await series(door, 'localmodel_rejections_total', { reason: 'HeadersTooLarge' })).toBe(1);
  });

  it('a path of 64 KiB: 431', async () => {
    await attacked({}, async ({ port }) => {
      const bytes = requestText([`GET /${'a'.repeat(65_536)} HTTP/1.1`, 'host: a']);
      expect((await refusedWith(port, bytes)).status).toBe(431);
    });
  });
});

/** Resolves when the socket takes more, or is closed. */
const nextRoom = ({ socket }: RawClient) =>
  new Promise<void>((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });

describe('bodies that are none', () => {
  it.each([
    ['half a JSON', '{"model":"assistant"'],
    ['two values', `${body}{}`],
    ['an array', '[]'],
    ['nested a thousand deep', `{"model":"assistant","a":${'['.repeat(1000)}${']'.repeat(1000)}}`],
    ['no UTF-8', '{"model":"assistant","a":"\xff"}'],
    ['no text', '\0\0\0'],
    ['nothing', ''],
  ])('%s: 400', async (_, bytes) => {
    await attacked({}, async (door) => {
      const sent = Buffer.from(bytes, 'latin1');
      const answer = await fetch(`${door.url}/api/chat`, { ...post(''), body: sent });
      expect([answer.status, await answer.json()]).toEqual([400, { error: expect.any(String) }]);
    });
  });

  it.each([
    ['a size that is no number', 'zz\r\n'],
    ['more than the size says', '2\r\nabcdef\r\n'],
    ['a size beyond any number', 'ffffffffffffffffff\r\n'],
    ['a size without its carriage return', '2\nab\n'],
  ])('chunks with %s: 400', async (_, chunks) => {
    await attacked({}, async ({ port }) => {
      const { status } = await refusedWith(port, requestText(head('transfer-encoding: chunked'), chunks));
      expect(status).toBe(400);
    });
  });
});

describe('requests that two readers would read differently', () => {
  const smuggled = 'GET /api/pull HTTP/1.1\r\nhost: a\r\n\r\n';
  const length = `content-length: ${body.length}`;
  it.each([
    ['a length and chunks', requestText(head(length, 'transfer-encoding: chunked'), `0\r\n\r\n${smuggled}`)],
    ['chunks and a length', requestText(head('transfer-encoding: chunked', length), `0\r\n\r\n${smuggled}`)],
    ['two lengths', requestText(head(length, 'content-length: 5'), body)],
    ['two lengths in one', requestText(head(`content-length: ${body.length}, 5`), body)],
    ['a length with a sign', requestText(head(`content-length: +${body.length}`), body)],
    ['a length in hex', requestText(head('content-length: 0x10'), body)],
    ['chunks under another name', requestText(head('transfer-encoding: xchunked'), smuggled)],
    ['chunks that are not last', requestText(head('transfer-encoding: chunked, identity'), `0\r\n\r\n${smuggled}`)],
    ['a space before the colon', requestText(head('content-length : 5'), body)],
    ['a folded header', requestText(head('x-folded: a\r\n b: c', length), body)],
    ['a header that begins with a space', requestText(['POST /api/chat HTTP/1.1', ' host: a', length], body)],
    ['lines that end without a carriage return', `POST /api/chat HTTP/1.1\nhost: a\n${length}\n\n${body}`],
    ['a header with a bare line feed', requestText(head(`x-a: b\nx-b: c`, length), body)],
    ['a header with a zero byte', requestText(head('x-a: b\0c', length), body)],
    ['no host', requestText(['POST /api/chat HTTP/1.1', length], body)],
    ['no method', requestText(['/api/chat'])],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('%s: 400, and the connection ends', async (_, bytes) => {
    await attacked({}, async (door) => {
      const client = await rawClient(door.port);
      client.send(Buffer.from(bytes, 'latin1'));
      const text = await client.ended();
      expect(statusOf(text)).toBe(400);
      expect(text.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1);
    });
  });
});

describe('ways around the allow-list', () => {
  const targets = [
    ['//api/pull', 404],
    ['/api//pull', 404],
    ['/api/./pull', 404],
    ['/api/chat/../pull', 404],
    ['/api/%70ull', 404],
    ['/api%2fpull', 404],
    ['/api/chat%2f..%2fpull', 404],
    ['/API/PULL', 404],
    ['/api/pull/', 403],
    ['/api/pull?x=1', 403],
    ['/api/pull;x=1', 404],
    ['/api/pull\\..', 404],
    ['http://127.0.0.1:11434/api/pull', 400],
    ['*', 400],
    ['/models/load/phi', 403],
    ['/models/unload/phi', 403],
    ['/api/blobs/sha256:00', 403],
    ['/shutdown', 403],
    ['/metrics', 404],
    ['/v1/models/..%2f..%2fapi%2fpull', 404],
  ] as const;

  it.each(targets)('%s: %i', async (target, status) => {
    await attacked({}, async ({ port }) => {
      for (const method of ['POST', 'GET', 'DELETE', 'pull', 'OPTIONS']) {
        const client = await rawClient(port);
        client.send(requestText([`${method} ${target} HTTP/1.1`, 'host: a', 'connection: close']));
        const got = statusOf(await client.ended());
        // What the parser does not know as a method is refused before the path is looked at.
        expect(got).toBe(method === 'pull' ? 400 : status);
      }
    });
  });

  it('CONNECT and TRACE lead nowhere, and an upgrade is not taken', async () => {
    await attacked({}, async ({ port }) => {
      expect((await refusedWith(port, requestText(['CONNECT 127.0.0.1:11434 HTTP/1.1', 'host: a']))).status).toBe(404);
      const closing = ['host: a', 'connection: close'];
      expect((await refusedWith(port, requestText(['TRACE / HTTP/1.1', ...closing]))).status).toBe(404);
      const upgrade = ['host: a', 'connection: upgrade, close', 'upgrade: websocket'];
      expect((await refusedWith(port, requestText(['GET /ws HTTP/1.1', ...upgrade]))).status).toBe(404);
    });
  });
});

describe('guessing keys', () => {
  it('tells nothing but 401, and does not disturb who has one', async () => {
    const { directory } = await mountedSecret({ 'team-a': 'sk-0123456789abcdef' });
    const keyring = createKeyring({ directory, secretName: 'keys', log: silentLogger, clock: createVirtualClock() });
    await keyring.start();
    const door = await openDoor({ keyring });
    const good = post(chatBody(), { authorization: 'Bearer sk-0123456789abcdef' });
    const guesses = [
      '',
      'sk',
      'sk-0123456789abcde',
      'sk-0123456789abcdef0',
      'SK-0123456789ABCDEF',
      'team-a',
      'a'.repeat(8000),
    ];
    const words = new Set<string>();
    for (const guess of guesses) {
      const ways: Record<string, string>[] = [
        { authorization: `Bearer ${guess}` },
        { 'x-api-key': guess },
        { authorization: `Basic ${guess}` },
      ];
      for (const headers of ways) {
        const answer = await fetch(`${door.url}/api/chat`, post(chatBody(), headers));
        expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
        words.add(await answer.text());
      }
    }
    expect([...words].sort()).toEqual([
      '{"error":"an API key is needed: Authorization: Bearer KEY, or x-api-key: KEY"}\n',
      '{"error":"this API key is not known"}\n',
    ]);
    for (const path of ['/', '/v1/models', '/api/pull', '/nowhere'])
      expect((await fetch(`${door.url}${path}`)).status).toBe(401);
    expect(door.runtime.requests).toEqual([]);
    expect((await fetch(`${door.url}/api/chat`, good)).status).toBe(200);
    await vi.waitFor(() => expect(door.audited).toHaveLength(guesses.length * 3 + 5), patience);
    expect(JSON.parse(door.audited.at(-1) ?? '')).toMatchObject({ client: 'team-a', status: 200 });
    expect(await series(door, 'localmodel_rejections_total', { reason: 'Unauthorized' })).toBe(guesses.length * 3 + 4);
  });
});
