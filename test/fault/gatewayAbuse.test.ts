// Clients that mean harm, each against a gateway of its own: the right word for each, nothing of it at the runtime, and
// afterwards a gateway that serves as before.
import { describe, expect, it, vi } from 'vitest';
import { attacked, body, head, MiB, patience, refusedWith, statusOf } from './attack.ts';
import { openDoor, post, series } from './door.ts';
import { type RawClient, rawClient, requestText } from './rawClient.ts';

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

describe('what is no HTTP, behind requests that are', () => {
  const chat = requestText(head(`content-length: ${body.length}`), body);
  const noise = 'this is no request\r\n\r\n';

  it('cuts the connection while an answer comes, and adds nothing to it', async () => {
    const door = await openDoor();
    door.runtime.script = (call) => call.record({ message: { content: 'a' } });
    const client = await rawClient(door.port);
    client.send(chat);
    await client.until(/"content":"a"/);
    client.send(noise);
    expect((await client.ended()).match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200']);
    await vi.waitFor(() => expect(door.proxy.open).toBe(0), patience);
  });

  it.each([1, 2])('cuts the connection while answers are due, %i of them, and is none', async (count) => {
    const door = await openDoor();
    door.runtime.script = () => undefined;
    const client = await rawClient(door.port);
    client.send(chat.repeat(count));
    await vi.waitFor(() => expect(door.runtime.calls).toHaveLength(count), patience);
    client.send(noise);
    expect(await client.ended()).toBe('');
    await vi.waitFor(() => expect(door.proxy.open).toBe(0), patience);
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
      // What they got is what is told of them, and each is told once.
      const told = door.audited.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome !== 'Answered');
      expect(new Set(told.map(({ status, outcome, reason }) => `${status} ${outcome} ${reason}`))).toEqual(
        new Set(['408 Refused RequestTimeout']),
      );
      expect(told).toHaveLength(50);
      expect(await series(door, 'localmodel_rejections_total', { reason: 'RequestTimeout' })).toBe(50);
      expect(await series(door, 'localmodel_requests_total', { code: '408' })).toBe(50);
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
