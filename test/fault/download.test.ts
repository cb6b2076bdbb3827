// Downloads from a registry that works: ranges, hashing, what is left behind, and what is not fetched again.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBandwidth } from '../../src/models/bandwidth.ts';
import { downloadBlob } from '../../src/models/download.ts';
import { blobPath, openStore } from '../../src/models/store.ts';
import { contentOf, owner, random, setUp } from './download.ts';
import { stallAfter } from './registryServer.ts';

describe('download', () => {
  it('fetches a blob in ranges over several connections', async () => {
    const { server, content, download, stored, ranges } = await setUp(40_000);
    await expect(download()).resolves.toEqual({ fetchedBytes: 40_000 });
    expect(await stored()).toEqual(content);
    expect(ranges().sort()).toContain('bytes=4096-8191');
    expect(server.sentBytes).toBe(40_000);
    // What is compressed could not be cut into ranges.
    expect(new Set(server.requests.map(({ headers }) => headers['accept-encoding']))).toEqual(new Set(['identity']));
    expect(server.connections).toBeGreaterThan(1);
    expect(server.connections).toBeLessThanOrEqual(3);
  });

  it('hashes a large blob in a thread while it arrives', async () => {
    const { content, download, stored } = await setUp(5 * 1024 * 1024 + 17);
    await download({ chunkBytes: 512 * 1024 });
    expect(await stored()).toEqual(content);
  });

  it('asks for a small blob with one request without a range', async () => {
    const { content, download, stored, ranges } = await setUp(900);
    await download();
    expect(await stored()).toEqual(content);
    expect(ranges()).toEqual([undefined]);
  });

  it('takes an empty blob', async () => {
    const { server, download, stored } = await setUp(0);
    await expect(download()).resolves.toEqual({ fetchedBytes: 0 });
    expect(await stored()).toHaveLength(0);
    expect(server.requests).toHaveLength(0);
  });

  it('does not fetch what is there', async () => {
    const { server, store, layer, content, download } = await setUp();
    await writeFile(blobPath(store, layer.digest), content);
    await expect(download()).resolves.toEqual({ fetchedBytes: 0 });
    expect(server.requests).toHaveLength(0);
  });

  it('fetches again what lies there with another size', async () => {
    const { store, layer, content, download, stored } = await setUp();
    await writeFile(blobPath(store, layer.digest), content.subarray(0, 99));
    await expect(download()).resolves.toEqual({ fetchedBytes: 40_000 });
    expect(await stored()).toEqual(content);
  });

  it('leaves nothing beside the blob', async () => {
    const { store, download } = await setUp();
    await download();
    expect(await readdir(store.partial)).toEqual([]);
  });

  it('tells progress up to the last byte, never backwards', async () => {
    const { progress, download } = await setUp();
    await download();
    const completed = progress.map(({ completedBytes }) => completedBytes);
    expect(completed).toEqual(completed.toSorted((a, b) => a - b));
    expect(progress.at(0)).toEqual({ completedBytes: 0, fetchedBytes: 0 });
    expect(progress.at(-1)).toEqual({ completedBytes: 40_000, fetchedBytes: 40_000 });
  });

  it('keeps to a cap of bytes per second', async () => {
    const { clock, download } = await setUp(40_000);
    await download({ bandwidth: createBandwidth(10_000, clock) });
    // A quarter of a second is free, so that short pauses are not lost speed.
    expect(clock.monotonic()).toBeGreaterThan(3_700);
  });

  it('ends with the reason of its signal and keeps what has arrived', async () => {
    const { server, stop, download, progress, stored, content } = await setUp(40_000);
    server.next(/blobs/, (call) => call.serve(), stallAfter(10), stallAfter(10), stallAfter(10));
    const reason = new Error('stopped');
    const ended = expect(download()).rejects.toBe(reason);
    await expect.poll(() => server.stalled, { timeout: 10_000 }).toBe(3);
    stop.abort(reason);
    await ended;
    const had = progress.at(-1)?.completedBytes ?? 0;
    expect(had).toBeGreaterThanOrEqual(4_096);
    await expect(download({ signal: new AbortController().signal })).resolves.toEqual({ fetchedBytes: 40_000 - had });
    expect(await stored()).toEqual(content);
  });

  it('leaves no lock and no partial file of its own when nothing has arrived', async () => {
    const { server, store, download } = await setUp();
    server.always(/blobs/, ({ response }) => void response.writeHead(404).end());
    await expect(download()).rejects.toMatchObject({ reason: 'NotFound' });
    expect(await readdir(store.partial)).toEqual([]);
  });
});

describe('downloads of one blob side by side', () => {
  it('end with one good blob, each in a file of its own', async () => {
    const { registry, layer, store, server, content, stored, clock, log, download } = await setUp(40_000);
    const other = openStore(store.root, 'other');
    const common = { registry, layer, owner, clock, random, log, chunkBytes: 4_096, connections: 2 };
    const reference = { host: server.host, namespace: 'library', model: 'tiny', tag: 'latest' };
    const signal = new AbortController().signal;
    await Promise.all([download(), downloadBlob({ ...common, reference, store: other, signal })]);
    expect(await stored()).toEqual(content);
    expect(await readdir(store.partial)).toEqual([]);
  });

  it('do not take over what another one is at work on', async () => {
    const { server, store, layer, content, download, stored, registry, clock, log, stop } = await setUp(40_000);
    server.next(/blobs/, stallAfter(5), stallAfter(5), stallAfter(5));
    const reason = new Error('stopped');
    const first = expect(download()).rejects.toBe(reason);
    await expect.poll(() => server.stalled, { timeout: 10_000 }).toBe(3);
    const signal = new AbortController().signal;
    const reference = { host: server.host, namespace: 'library', model: 'tiny', tag: 'latest' };
    const common = { registry, layer, owner, clock, random, log, chunkBytes: 4_096, reference, signal };
    await expect(downloadBlob({ ...common, store: openStore(store.root, 'other') })).resolves.toEqual({
      fetchedBytes: 40_000,
    });
    stop.abort(reason);
    await first;
    expect(await stored()).toEqual(content);
  });

  it('remove what a dead one has left of the blob', async () => {
    const { store, layer, download } = await setUp();
    const left = join(store.partial, `sha256-${layer.digest.slice(7)}.someone`);
    await writeFile(left, contentOf(3));
    await writeFile(`${left}.json`, 'not a state');
    await download();
    expect(await readdir(store.partial)).toEqual([]);
  });
});
