// Pulls from a registry and a cache that fail: for each the exit code, the words, and what the store holds then.
import { chmod, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { shortDigest } from '../../src/models/digest.ts';
import { blobPath, type Store } from '../../src/models/store.ts';
import type { PullSource } from '../../src/puller/config.ts';
import { temporaryFolder } from '../unit/models/temporaryStore.ts';
import { registryServer } from './download.ts';
import { createEagerClock } from './eagerClock.ts';
import { modelOn, pullFrom, requestCounter, sourceName, wholeModels } from './pull.ts';
import {
  type Behaviour,
  cutAfter,
  drop,
  endAfter,
  freeze,
  ignoreRange,
  redirect,
  refuse,
  stallAfter,
  wrongBytes,
} from './registryServer.ts';

const MANIFEST = /GET .*\/manifests\//;
const BLOB = /GET .*\/blobs\//;

async function setUp(size?: number) {
  const server = await registryServer();
  const model = modelOn(server, { ...(size && { size }) });
  return { server, model, ...(await pullFrom(server)) };
}

describe('a connection that is cut', () => {
  it.each<[string, RegExp, Behaviour]>([
    ['before the manifest', MANIFEST, drop],
    ['behind the headers of the manifest', MANIFEST, cutAfter(0)],
    ['in the manifest', MANIFEST, cutAfter(100)],
    ['before a blob', BLOB, drop],
    ['behind the headers of a blob', BLOB, cutAfter(0)],
    ['in a blob', BLOB, cutAfter(10)],
  ])('%s costs another try and nothing else', async (_, pattern, behaviour) => {
    const { server, model, run, store } = await setUp();
    server.next(pattern, behaviour, behaviour, behaviour);
    await expect(run()).resolves.toMatchObject({ reason: 'Done', exitCode: 0, fetchedBytes: model.sizeBytes });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
  });

  it.each([
    ['the manifest', MANIFEST],
    ['blobs', BLOB],
  ])('for ever at %s ends as Unreachable, and the next pull goes on', async (_, pattern) => {
    const { server, model, run, store } = await setUp();
    const well = { is: false };
    server.always(pattern, (call) => (well.is ? call.serve() : call.drop()));
    const ending = await run();
    expect(ending).toMatchObject({
      reason: 'Unreachable',
      exitCode: 40,
      message: expect.stringContaining(server.host),
    });
    expect(await wholeModels(store)).toEqual([]);
    well.is = true;
    await expect(run()).resolves.toMatchObject({ reason: 'Done' });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
  });
});

describe('a registry that sends something else', () => {
  it('as a blob ends as Corrupt and publishes nothing', async () => {
    const { server, model, run, store } = await setUp();
    server.always(new RegExp(model.weights.digest), wrongBytes);
    const ending = await run();
    expect(ending).toMatchObject({ reason: 'Corrupt', exitCode: 42 });
    expect(ending.message).toContain(shortDigest(model.weights.digest));
    expect(await wholeModels(store)).toEqual([]);
  });

  it('as a manifest ends as Corrupt', async () => {
    const { server, run, store } = await setUp();
    server.always(MANIFEST, (call) => call.serve({ body: () => Buffer.from('{"schemaVersion":2,"layers":[{}]}') }));
    await expect(run()).resolves.toMatchObject({ reason: 'Corrupt', exitCode: 42, message: /layers/ });
    expect(await wholeModels(store)).toEqual([]);
  });

  it('than the pin says ends as DigestMismatch, names both, and publishes nothing', async () => {
    const server = await registryServer();
    const pinned = modelOn(server, { byTagAlone: true });
    const { digest } = modelOn(server, { salt: 5, byTagAlone: true });
    const { run, store } = await pullFrom(server, { digest: pinned.digest });
    const ending = await run();
    expect(ending).toMatchObject({ reason: 'DigestMismatch', exitCode: 24 });
    expect(ending.message).toContain(digest);
    expect(ending.message).toContain(pinned.digest);
    expect(await wholeModels(store)).toEqual([]);
    expect(await readdir(store.blobs)).toEqual([]);
  });

  it('as half a blob, and says that was all, ends as Unreachable', async () => {
    const { server, model, run, store } = await setUp();
    server.always(new RegExp(model.weights.digest), endAfter(0));
    await expect(run()).resolves.toMatchObject({ reason: 'Unreachable', exitCode: 40 });
    expect(await wholeModels(store)).toEqual([]);
  });

  it('as the whole where a range was asked for is read as one stream', async () => {
    const { server, model, run, store } = await setUp();
    server.next(new RegExp(model.weights.digest), cutAfter(10_000));
    server.always(BLOB, ignoreRange);
    await expect(run()).resolves.toMatchObject({ reason: 'Done' });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
  });
});

describe('a registry that refuses', () => {
  it.each([
    [401, 'Unauthorized', 22],
    [403, 'Unauthorized', 22],
    [404, 'NotFound', 21],
    [412, 'NeedsNewerRuntime', 23],
    [429, 'Unreachable', 40],
    [500, 'Unreachable', 40],
  ])('with %i ends as %s', async (status, reason, exitCode) => {
    const { server, run, store } = await setUp();
    server.always(MANIFEST, refuse(status, { body: '{"errors":[{"message":"so it is"}]}' }));
    const ending = await run();
    expect(ending).toMatchObject({ reason, exitCode, message: /so it is/ });
    expect(ending.message).toContain(server.host);
    expect(await wholeModels(store)).toEqual([]);
  });

  it.each([429, 500])('with %i for a while is waited for', async (status) => {
    const { server, model, run, store } = await setUp();
    const patience = refuse(status, { headers: { 'retry-after': '2' } });
    server.next(MANIFEST, patience);
    server.next(BLOB, patience, patience);
    await expect(run()).resolves.toMatchObject({ reason: 'Done' });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
  });

  it('by sending us in circles ends as Unreachable', async () => {
    const { server, run } = await setUp();
    server.always(MANIFEST, redirect('/v2/library/tiny/manifests/latest'));
    await expect(run()).resolves.toMatchObject({
      reason: 'Unreachable',
      exitCode: 40,
      message: /redirects more than 5/,
    });
  });
});

describe('a registry that falls silent', () => {
  it.each<[string, RegExp, Behaviour]>([
    ['at the manifest', MANIFEST, freeze],
    ['in a blob', BLOB, stallAfter(5)],
  ])('%s is asked again after 30 s', async (_, pattern, behaviour) => {
    const { server, model, run, store } = await setUp();
    const clock = createEagerClock();
    server.next(pattern, behaviour);
    const ended = run({}, { clock });
    const asked = () => server.requests.some(({ method, path }) => pattern.test(`${method} ${path}`));
    await vi.waitUntil(() => asked() && clock.held > 0, { timeout: 20_000, interval: 5 });
    // Pauses move this clock too, so it may take more than one step.
    const steps = setInterval(() => clock.runOut(30_000), 20);
    onTestFinished(() => clearInterval(steps));
    await expect(ended).resolves.toMatchObject({ reason: 'Done' });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
  });
});

describe('a store that cannot be written', () => {
  it('ends as ReadOnlyStore and names the folder', async () => {
    const server = await registryServer();
    modelOn(server);
    // Permissions mean nothing to root, so root gets a file system that takes no folders.
    const folder = process.getuid?.() === 0 ? '/sys/kernel' : await temporaryFolder();
    if (folder !== '/sys/kernel') await chmod(folder, 0o555);
    const { run } = await pullFrom(server, { store: join(folder, 'models') });
    const ending = await run();
    expect(ending).toMatchObject({ reason: 'ReadOnlyStore', exitCode: 26 });
    expect(ending.message).toContain(folder);
    expect(server.requests).toEqual([]);
  });
});

describe('a damaged blob in the cache', () => {
  const damage = async (store: Store, digest: Parameters<typeof blobPath>[1]) => {
    const path = blobPath(store, digest);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
    await writeFile(path, bytes);
  };

  async function cached() {
    const fixture = await setUp();
    await fixture.run();
    return { ...fixture, requests: requestCounter(fixture.server) };
  }

  it('is found at every start where every start hashes, and is fetched again alone', async () => {
    const { model, run, store, requests } = await cached();
    await damage(store, model.weights.digest);
    await expect(run({ verify: 'OnStart' })).resolves.toMatchObject({
      reason: 'Done',
      fetchedBytes: model.weights.size,
    });
    expect(requests()).toBe(1);
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
    expect(await readdir(store.bad)).toEqual([]);
  });

  it('that is large is not looked for where a start does not hash', async () => {
    const fixture = await setUp(1_500_000);
    const { model, run, store } = fixture;
    await run();
    const requests = requestCounter(fixture.server);
    await damage(store, model.weights.digest);
    await expect(run()).resolves.toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    expect(requests()).toBe(0);
  });

  it('that is cut short is found at every start', async () => {
    const { model, run, store } = await cached();
    await truncate(blobPath(store, model.weights.digest), 100);
    await expect(run()).resolves.toMatchObject({ reason: 'Done', fetchedBytes: model.weights.size });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
  });

  it.each<[string, typeof damage]>([
    ['has another byte', damage],
    ['is cut short', (store, digest) => truncate(blobPath(store, digest), 100)],
  ])(
    'that %s and cannot be fetched again ends as Corrupt, names it, and keeps doing so until it can',
    async (_, spoil) => {
      const { server, model, run, store } = await cached();
      const well = { is: false };
      server.always(/./, (call) => (well.is ? call.serve() : call.drop()));
      await spoil(store, model.weights.digest);
      for (const verify of ['OnStart', 'OnPull'] as const) {
        const ending = await run({ verify });
        expect(ending).toMatchObject({ reason: 'Corrupt', exitCode: 42 });
        expect(ending.message).toContain(blobPath(store, model.weights.digest));
        expect(ending.message).toContain(server.host);
        expect(await readdir(store.bad)).toHaveLength(1);
      }
      well.is = true;
      await expect(run()).resolves.toMatchObject({ reason: 'Done' });
      expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
    },
  );

  it('that nobody here has ever hashed is found where starts do not hash', async () => {
    const { model, run, store, server } = await cached();
    // As another program would have left it: the blob, and no model of ours that needs it.
    await damage(store, model.weights.digest);
    const other = await pullFrom(server, { store: store.root, revision: 'r2' });
    await rm(store.manifests, { recursive: true });
    await expect(other.run()).resolves.toMatchObject({ reason: 'Done', fetchedBytes: model.weights.size });
    await expect(run()).resolves.toMatchObject({ reason: 'Done', fetchedBytes: 0 });
  });
});

describe('a pull that is stopped', () => {
  it('ends soon with a code that is tried again, and the next one goes on', async () => {
    const { server, model, run, store } = await setUp(60_000);
    const stop = new AbortController();
    server.next(new RegExp(model.weights.digest), stallAfter(30_000));
    const ended = run({}, { signal: stop.signal });
    await vi.waitUntil(() => server.stalled > 0, { timeout: 20_000, interval: 5 });
    await vi.waitUntil(async () => (await readdir(store.partial)).length > 0, { timeout: 20_000, interval: 5 });
    stop.abort('SIGTERM');
    await expect(ended).resolves.toMatchObject({ reason: 'Internal', exitCode: 70, message: /stopped by SIGTERM/ });
    expect(await wholeModels(store)).toEqual([]);
    expect(await readdir(join(store.root, '.local-model'))).not.toContain('lock');
    const ending = await run();
    expect(ending).toMatchObject({ reason: 'Done' });
    expect(ending.fetchedBytes).toBeLessThanOrEqual(model.sizeBytes);
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
  });
});

describe('a Secret that is not there', () => {
  const registry: Extract<PullSource, { kind: 'Registry' }> = { kind: 'Registry', mirrors: [], plainHttp: true };
  it.each([
    ['credentials', '.dockerconfigjson of Secret pull-secret'],
    ['identity', 'id_ed25519 of Secret pull-secret'],
    ['ca', 'ca.crt of Secret pull-secret'],
  ])('(%s) is named, and nothing is tried without it', async (member, words) => {
    const { server, run } = await setUp();
    const path = await temporaryFolder();
    const mount = { path, kind: 'Secret', name: 'pull-secret', ...(member === 'ca' && { key: 'ca.crt' }) };
    const ending = await run({ source: { ...registry, [member]: mount } });
    expect(ending).toMatchObject({ reason: 'SecretMissing', exitCode: 27 });
    expect(ending.message).toContain(words);
    expect(server.requests).toEqual([]);
  });

  it('is never repeated in a message when it holds something else', async () => {
    const { run, lines } = await setUp();
    const path = await temporaryFolder();
    await writeFile(join(path, '.dockerconfigjson'), 'hunter2');
    const ending = await run({ source: { ...registry, credentials: { path, kind: 'Secret', name: 'pull-secret' } } });
    expect(ending).toMatchObject({ reason: 'SecretMissing', message: /pull-secret/ });
    expect(JSON.stringify([ending, lines])).not.toContain('hunter2');
  });
});

describe('a name that nobody can read', () => {
  it('ends as InvalidReference and says which part is wrong', async () => {
    const { server, run } = await setUp();
    const ending = await run({ reference: 'a.b/c' });
    expect(ending).toMatchObject({ reason: 'InvalidReference', exitCode: 20, message: /namespace/ });
    expect(server.requests).toEqual([]);
  });
});
