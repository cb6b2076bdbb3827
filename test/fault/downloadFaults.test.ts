// Downloads from a registry that fails: what is tried again, after how long, what is fetched twice, and what ends the pull.
import { readdir } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { registryFor, registryServer, setUp } from './download.ts';
import {
  type Behaviour,
  cutAfter,
  drop,
  endAfter,
  freeze,
  ignoreRange,
  type RegistryCall,
  type RegistryServer,
  redirect,
  refuse,
  stallAfter,
  wrongBytes,
} from './registryServer.ts';

const aSecond = 1_000;

/** Waits for something that happens in the world outside, whatever the load of the machine. */
const eventually = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 20_000, interval: 5 });

describe('a download whose connection is cut', () => {
  it.each([
    ['before the answer', drop],
    ['behind the headers', cutAfter(0)],
    ['after one byte', cutAfter(1)],
    ['in the middle', cutAfter(2_000)],
    ['before the last byte', cutAfter(4_095)],
  ])('%s goes on where it was', async (_, behaviour) => {
    const { server, content, download, stored, layer, clock } = await setUp(40_000);
    server.next(/blobs/, behaviour, behaviour, behaviour);
    const { fetchedBytes } = await download();
    expect(await stored()).toEqual(content);
    // What had arrived is not fetched again.
    expect(fetchedBytes).toBe(layer.size);
    expect(clock.pauses).toContain(375);
  });

  it('again and again waits longer each time and gives up with the reason, keeping what it has', async () => {
    const { server, download, clock, progress, store } = await setUp(40_000);
    server.next(/blobs/, (call) => call.serve());
    server.always(/blobs/, drop);
    const ended = download({ connections: 1 });
    await expect(ended).rejects.toMatchObject({ name: 'PullError', reason: 'Unreachable' });
    await expect(ended).rejects.toThrow(server.host);
    expect(clock.pauses).toEqual([375, 750, 1_500, 3_000, 6_000, 12_000, 22_500]);
    expect(progress.at(-1)?.completedBytes).toBe(4_096);
    expect(await readdir(store.partial)).toHaveLength(2); // bytes and state, no lock
  });

  it('goes on for as long as bytes arrive in between', async () => {
    const { server, content, download, stored } = await setUp(4_000);
    server.next(/blobs/, ...Array<Behaviour>(30).fill(cutAfter(100)));
    await expect(download({ connections: 1 })).resolves.toEqual({ fetchedBytes: 4_000 });
    expect(await stored()).toEqual(content);
  });

  it('does not end because of one bad connection while another gets on', async () => {
    const { server, content, download, stored, clock } = await setUp(200_000);
    let first: RegistryCall['response'] | undefined;
    let sent = 0;
    const send = (bytes: number) => first?.write(content.subarray(sent, (sent += bytes)));
    server.always(/blobs/, (call) => {
      // More often than a download may fail in a row; meanwhile the first connection gets a little further each time.
      const breaks = first !== undefined && clock.pauses.length < 20;
      if (breaks) call.drop();
      else if (first) call.serve();
      else first = call.response.writeHead(206, { 'content-range': 'bytes 0-99999/200000', 'content-length': 100_000 });
      send(breaks || sent === 0 ? 1_000 : 100_000 - sent);
    });
    await download({ connections: 2, chunkBytes: 100_000 });
    expect(clock.pauses).toHaveLength(20);
    expect(await stored()).toEqual(content);
  });
});

describe('a download from a registry that refuses', () => {
  it.each([
    [500, 'Unreachable'],
    [502, 'Unreachable'],
    [408, 'Unreachable'],
  ])('with %s tries again', async (status) => {
    const { server, content, download, stored, clock } = await setUp(3_000);
    server.next(/blobs/, refuse(status), refuse(status));
    await download();
    expect(await stored()).toEqual(content);
    expect(clock.pauses).toEqual([375, 750]);
  });

  it.each([
    [401, 'Unauthorized'],
    [403, 'Unauthorized'],
    [404, 'NotFound'],
    [410, 'NotFound'],
    [412, 'NeedsNewerRuntime'],
    [416, 'Corrupt'],
  ])('with %s ends with %s at once', async (status, reason) => {
    const { server, download, clock } = await setUp(3_000);
    server.next(/blobs/, refuse(status, { body: '{"errors":[{"message":"so it is"}]}' }));
    const ended = download();
    await expect(ended).rejects.toMatchObject({ reason, statusCode: status });
    await expect(ended).rejects.toThrow('so it is');
    expect(server.requests).toHaveLength(1);
    expect(clock.pauses).toEqual([]);
  });

  it('waits as long as Retry-After says, in seconds or as a date', async () => {
    const { server, download, clock, stored, content } = await setUp(3_000);
    const date = new Date(clock.now() + 60 * aSecond).toUTCString();
    server.next(
      /blobs/,
      refuse(429, { headers: { 'retry-after': '7' } }),
      refuse(503, { headers: { 'retry-after': date } }),
    );
    await download();
    expect(await stored()).toEqual(content);
    const [first = 0, second = 0] = clock.pauses;
    expect(first).toBeGreaterThanOrEqual(7 * aSecond);
    expect(first).toBeLessThan(9 * aSecond);
    expect(second).toBeGreaterThan(50 * aSecond);
    expect(second).toBeLessThan(62 * aSecond);
  });

  it('ends where Retry-After asks for an hour', async () => {
    const { server, download } = await setUp(3_000);
    server.next(/blobs/, refuse(429, { headers: { 'retry-after': '3600' } }));
    await expect(download()).rejects.toMatchObject({ reason: 'Unreachable', retryAfterMs: 3_600_000 });
    expect(server.requests).toHaveLength(1);
  });

  it('uses fewer connections after a 429', async () => {
    const { server, content, download, stored } = await setUp(200_000);
    let open = 0;
    let most = 0;
    let refused = 0;
    const behaviour: Behaviour = (call) => {
      if (refused++ < 4) return refuse(429)(call);
      open += 1;
      most = Math.max(most, open);
      call.response.once('close', () => {
        open -= 1;
      });
      call.serve();
    };
    server.always(/blobs/, behaviour);
    await download({ connections: 8 });
    expect(await stored()).toEqual(content);
    expect(most).toBeLessThanOrEqual(4);
  });
});

describe('a download that stalls', () => {
  it.each([
    ['without an answer', freeze],
    ['in the middle of the body', stallAfter(1_000)],
  ])('%s drops the connection after 30 s and goes on', async (_, behaviour) => {
    const { server, content, download, stored, clock, lines } = await setUp(3_000);
    server.next(/blobs/, behaviour);
    const ended = download();
    await eventually(() => (behaviour === freeze ? server.requests.length === 1 : server.stalled === 1));
    const dropped = () => lines.some(({ fields }) => String(fields.err).includes('nothing of blob'));
    // The last bytes may still be on their way to us: time runs out only once they have been heard, and not for the next connection.
    await eventually(() => {
      if (!dropped()) clock.runOut(30_000);
      return dropped();
    });
    await expect(ended).resolves.toEqual({ fetchedBytes: 3_000 });
    expect(server.requests).toHaveLength(2);
    expect(await stored()).toEqual(content);
  });

  it('on one connection is finished by the others', async () => {
    const { server, content, download, stored, clock } = await setUp(3 * 1024 * 1024);
    server.next(/blobs/, stallAfter(1_000));
    const ended = download({ chunkBytes: 2 * 1024 * 1024, connections: 2 });
    // The first connection had 2 MiB to fetch; the halves of it go to the other until what is left is not worth it.
    await eventually(() => server.requests.length >= 4);
    await eventually(() => {
      clock.runOut(30_000);
      return clock.pauses.length > 0;
    });
    await ended;
    expect(await stored()).toEqual(content);
  });
});

describe('a download from a registry that does not know ranges', () => {
  it.each([
    ['answers 200', ignoreRange],
    [
      'answers 206 with another range',
      ((call) =>
        call.request.headers.range
          ? call.serve({ headers: { 'content-range': 'bytes 0-99/40000' } })
          : call.serve()) satisfies Behaviour,
    ],
    [
      'answers 206 without Content-Range',
      ((call) =>
        call.request.headers.range
          ? void call.response.writeHead(206).end('something')
          : call.serve()) satisfies Behaviour,
    ],
  ])('and %s reads one stream', async (_, behaviour) => {
    const { server, content, download, stored, lines } = await setUp(40_000);
    server.always(/blobs/, behaviour);
    await download();
    expect(await stored()).toEqual(content);
    expect(lines.map(({ message }) => message)).toContain('registry ignores ranges, reading one stream');
  });

  it('keeps what it has when that stream is cut', async () => {
    const { server, content, download, stored, progress } = await setUp(40_000);
    server.always(/blobs/, (call) => {
      const isWhole = call.request.headers.range === undefined;
      const wholes = server.requests.filter(({ headers }) => headers.range === undefined).length;
      call.serve({ ignoreRange: true, ...(isWhole && wholes === 1 && { sends: 30_000, ending: 'cut' as const }) });
    });
    await download();
    expect(await stored()).toEqual(content);
    const completed = progress.map(({ completedBytes }) => completedBytes);
    expect(completed).toEqual(completed.toSorted((a, b) => a - b));
  });

  it('gives up where that stream never gets any further', async () => {
    const { server, download, progress } = await setUp(40_000);
    server.always(/blobs/, (call) => call.serve({ ignoreRange: true, sends: 30_000, ending: 'cut' }));
    await expect(download()).rejects.toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining(server.host),
    });
    expect(progress.at(-1)?.completedBytes).toBe(30_000);
  });

  it('resumes by reading over what is there', async () => {
    const { server, content, download, stored, stop } = await setUp(40_000);
    server.next(/blobs/, (call) => call.serve(), stallAfter(1));
    const reason = new Error('stopped');
    const first = expect(download({ connections: 1 })).rejects.toBe(reason);
    await eventually(() => server.stalled === 1);
    stop.abort(reason);
    await first;
    server.always(/blobs/, ignoreRange);
    await download({ signal: new AbortController().signal });
    expect(await stored()).toEqual(content);
  });

  it('takes a part that is shorter than asked for, and asks for the rest', async () => {
    const { server, content, download, stored } = await setUp(40_000);
    server.always(/blobs/, (call) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)/.exec(call.request.headers.range ?? '') ?? [];
      const start = Number(first);
      const end = Math.min(start + 1_000, Number(last) + 1);
      const headers = { 'content-range': `bytes ${start}-${end - 1}/40000`, 'content-length': String(end - start) };
      call.serve({ headers, body: (part) => part.subarray(0, end - start) });
    });
    await expect(download()).resolves.toEqual({ fetchedBytes: 40_000 });
    expect(await stored()).toEqual(content);
  });

  it('does not wait for what a server announces beyond what it was asked for', async () => {
    const { server, content, download, stored } = await setUp(40_000);
    server.always(/blobs/, (call) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)/.exec(call.request.headers.range ?? '') ?? [];
      const start = Number(first);
      const headers = { 'content-range': `bytes ${start}-39999/40000`, 'content-length': String(40_000 - start) };
      call.serve({ headers, body: () => content.subarray(start), sends: Number(last) + 1 - start, ending: 'stall' });
    });
    await download();
    expect(await stored()).toEqual(content);
  });
});

describe('a download of wrong bytes', () => {
  it('begins anew, and puts nothing into the store until the hash is right', async () => {
    const { server, content, download, stored } = await setUp(9_000);
    server.next(/blobs/, (call) => call.serve(), wrongBytes);
    await expect(download({ connections: 1 })).resolves.toEqual({ fetchedBytes: 18_000 });
    expect(await stored()).toEqual(content);
  });

  it('twice ends as Corrupt, names the host and leaves nothing behind', async () => {
    const { server, download, store } = await setUp(9_000);
    server.always(/blobs/, wrongBytes);
    const ended = download();
    await expect(ended).rejects.toMatchObject({ reason: 'Corrupt' });
    await expect(ended).rejects.toThrow(server.host);
    expect(await readdir(store.blobs)).toEqual([]);
    expect(await readdir(store.partial)).toEqual([]);
  });

  it('that an earlier pull has left is not held against the registry', async () => {
    const { server, content, download, stored, stop } = await setUp(40_000);
    server.next(/blobs/, wrongBytes, stallAfter(1));
    const reason = new Error('stopped');
    const first = expect(download({ connections: 1 })).rejects.toBe(reason);
    await eventually(() => server.stalled === 1);
    stop.abort(reason);
    await first;
    server.next(/blobs/, ...Array<Behaviour>(9).fill((call) => call.serve()), wrongBytes);
    await download({ connections: 1, signal: new AbortController().signal });
    expect(await stored()).toEqual(content);
  });

  it('sees by the size that the registry has something else', async () => {
    const { server, layer, download } = await setUp(40_000);
    const ended = download({ layer: { ...layer, size: 30_000 } });
    await expect(ended).rejects.toMatchObject({ reason: 'Corrupt' });
    await expect(ended).rejects.toThrow('40000 bytes');
    expect(server.sentBytes).toBeLessThan(30_000);
  });

  it('takes a body that ends early for one that was cut', async () => {
    const { server, content, download, stored } = await setUp(3_000);
    server.next(/blobs/, endAfter(1_000));
    await expect(download()).resolves.toEqual({ fetchedBytes: 3_000 });
    expect(await stored()).toEqual(content);
  });

  it('gives up on a body that never goes on', async () => {
    const { server, download } = await setUp(3_000);
    server.always(/blobs/, endAfter(0));
    await expect(download()).rejects.toThrow('ends blob');
  });
});

describe('a download that is redirected', () => {
  const withStorage = async () => {
    const storage = await registryServer();
    const parts = await setUp(40_000);
    storage.addBlob(parts.content);
    parts.server.always(/blobs/, (call) => redirect(`${storage.url}${call.request.path}?signature=1`)(call));
    return { ...parts, storage };
  };

  it('asks the registry once and then goes straight to the storage', async () => {
    const { server, storage, content, download, stored } = await withStorage();
    await download({ connections: 1 });
    expect(await stored()).toEqual(content);
    expect(server.requests).toHaveLength(1);
    expect(storage.requests).toHaveLength(10);
  });

  it.each([401, 403, 404, 500])('asks the registry again when the storage answers %s', async (status) => {
    const { server, storage, content, download, stored } = await withStorage();
    storage.next(
      /blobs/,
      (call) => call.serve(),
      (call) => call.serve(),
      refuse(status),
    );
    await download({ connections: 1 });
    expect(await stored()).toEqual(content);
    expect(server.requests).toHaveLength(2);
  });

  it('in a circle ends at once', async () => {
    const { server, download, clock } = await setUp(3_000);
    server.always(/blobs/, (call) => redirect(`${server.url}${call.request.path}`)(call));
    const ended = download();
    await expect(ended).rejects.toMatchObject({ reason: 'Unreachable' });
    await expect(ended).rejects.toThrow('redirects more than 5 times');
    expect(server.requests).toHaveLength(6);
    expect(clock.pauses).toEqual([]);
  });
});

describe('a download by way of mirrors', () => {
  const withMirror = async (fault: (mirror: RegistryServer) => void) => {
    const mirror = await registryServer();
    const parts = await setUp(40_000);
    mirror.addBlob(parts.content);
    fault(mirror);
    const { registry, clock, lines } = registryFor({ mirrors: [mirror.url] });
    const download = (changes = {}) => parts.download({ registry, clock, ...changes });
    return { ...parts, mirror, download, clock, lines };
  };

  it('takes all from a mirror that works', async () => {
    const { server, mirror, content, download, stored } = await withMirror(() => undefined);
    await download();
    expect(await stored()).toEqual(content);
    expect(server.requests).toHaveLength(0);
    expect(mirror.sentBytes).toBe(40_000);
  });

  it.each<[string, Behaviour]>([
    ['is not there', drop],
    ['has it not', refuse(404)],
    ['wants credentials', refuse(401)],
    ['is ill', refuse(500)],
    ['has another size', (call) => call.serve({ headers: { 'content-range': 'bytes 0-4095/41000' } })],
  ])('passes over one that %s, and does not ask it for each part', async (_, behaviour) => {
    const { mirror, content, download, stored, clock } = await withMirror((it) => it.always(/./, behaviour));
    await download({ connections: 1 });
    expect(await stored()).toEqual(content);
    expect(mirror.requests.length).toBe(1);
    expect(clock.pauses).toEqual([]);
  });

  it('takes wrong bytes of a mirror from the own host instead', async () => {
    const { server, content, download, stored } = await withMirror((it) => it.always(/./, wrongBytes));
    await expect(download()).resolves.toEqual({ fetchedBytes: 80_000 });
    expect(await stored()).toEqual(content);
    expect(server.sentBytes).toBe(40_000);
  });

  it('leaves a mirror that answers and then sends nothing', async () => {
    const { server, content, download, stored } = await withMirror((it) => it.always(/./, cutAfter(0)));
    await download({ connections: 1 });
    expect(await stored()).toEqual(content);
    expect(server.sentBytes).toBe(40_000);
  });
});
