// Requests that mean something else than they say: for two readers, for the allow-list, for the keys.
import { describe, expect, it, vi } from 'vitest';
import { createKeyring } from '../../src/gateway/auth.ts';
import { silentLogger } from '../../src/process/logger.ts';
import { mountedSecret } from '../unit/gateway/mountedSecret.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { attacked, body, head, patience, refusedWith, statusOf } from './attack.ts';
import { chatBody, openDoor, post, series } from './door.ts';
import { rawClient, requestText } from './rawClient.ts';

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
