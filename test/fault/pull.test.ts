// Whole pulls from a registry in health: what is fetched, what is published, and what a restart costs.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/models/digest.ts';
import { downloadBlob } from '../../src/models/download.ts';
import { tryLock } from '../../src/models/fileLock.ts';
import { shortReference } from '../../src/models/reference.ts';
import { readRevisions } from '../../src/models/revisions.ts';
import { blobPath, openStore, prepareStore, type Store } from '../../src/models/store.ts';
import { partialPath } from '../../src/models/storeBlobs.ts';
import { writeManifest } from '../../src/models/storeManifests.ts';
import { type Clock, systemClock } from '../../src/process/clock.ts';
import type { PullConfig } from '../../src/puller/config.ts';
import { temporaryFolder } from '../unit/models/temporaryStore.ts';
import { owner, random, referenceOn, registryFor, registryServer } from './download.ts';
import { createEagerClock } from './eagerClock.ts';
import { type ModelOn, modelOn, type PullFixture, pullFrom, requestCounter, sourceName, wholeModels } from './pull.ts';
import type { RegistryServer } from './registryServer.ts';

const lock = async ({ config: { lockFile } }: PullFixture, digest: string) => {
  await mkdir(dirname(lockFile), { recursive: true });
  await writeFile(lockFile, JSON.stringify({ reference: 'any', digest }));
};

describe('a pull into an empty store', () => {
  it('publishes the model under a name that carries its digest, and tells what it is', async () => {
    const server = await registryServer();
    const model = modelOn(server);
    const { run, store, progress, config } = await pullFrom(server);
    await expect(run()).resolves.toMatchObject({
      reason: 'Done',
      exitCode: 0,
      reference: config.reference,
      digest: model.digest,
      servedDigest: model.digest,
      sizeBytes: model.sizeBytes,
      fetchedBytes: model.sizeBytes,
      quantization: 'Q4_K_M',
      family: 'llama',
      contextLength: 2048,
    });
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
    expect(await progress()).toMatchObject({
      phase: 'Done',
      reason: 'Done',
      fetchedBytes: model.sizeBytes,
      model: { name: sourceName(model.digest), digest: model.digest, sourceDigest: model.digest, family: 'llama' },
    });
  });

  it('fetches what is pinned, whatever the tag says by now', async () => {
    const server = await registryServer();
    const { digest } = modelOn(server);
    modelOn(server, { salt: 7 });
    const { run, store } = await pullFrom(server, { digest });
    await expect(run()).resolves.toMatchObject({ reason: 'Done', digest });
    expect(await wholeModels(store)).toEqual([sourceName(digest)]);
  });

  it('fetches what the revision has settled on, whatever the tag says by now', async () => {
    const server = await registryServer();
    const { digest } = modelOn(server);
    modelOn(server, { salt: 7 });
    const fixture = await pullFrom(server);
    await lock(fixture, digest);
    await expect(fixture.run()).resolves.toMatchObject({ reason: 'Done', digest });
  });

  it('takes no lock for granted that it cannot read', async () => {
    const server = await registryServer();
    modelOn(server);
    const fixture = await pullFrom(server);
    await lock(fixture, 'sha256:12');
    await expect(fixture.run()).resolves.toMatchObject({
      reason: 'Internal',
      message: expect.stringContaining(fixture.config.lockFile),
    });
    expect(server.requests).toEqual([]);
  });

  it('fetches only what the store lacks', async () => {
    const server = await registryServer();
    const first = modelOn(server);
    const second = modelOn(server, { name: 'library/other:latest', config: { model_type: '1B' } });
    const { run, store } = await pullFrom(server);
    await run();
    const weights = blobPath(store, first.weights.digest);
    await utimes(weights, 0, 0);
    const ending = await run({ revision: 'r2', reference: `${server.host}/library/other:latest` });
    expect(ending).toMatchObject({ reason: 'Done', fetchedBytes: second.config.size, sizeBytes: second.sizeBytes });
    expect((await stat(weights)).mtimeMs, 'in use, for who tidies by age').toBeGreaterThan(Date.UTC(2025, 0, 1));
    expect((await wholeModels(store)).sort()).toEqual(
      [sourceName(first.digest), sourceName(second.digest, 'other')].sort(),
    );
  });
});

describe('a restart costs no request', () => {
  const cases: [string, (model: ModelOn, fixture: PullFixture) => Promise<Partial<PullConfig>>][] = [
    ['with neither pin nor lock', async () => ({})],
    ['with a pin', async ({ digest }) => ({ digest })],
    ['with a lock', async ({ digest }, fixture) => lock(fixture, digest).then(() => ({}))],
    ['when every blob is hashed', async () => ({ verify: 'OnStart' })],
    ['when its Secrets are gone', async () => ({ source: withSecret })],
  ];
  it.each(cases)('%s', async (_, changesFor) => {
    const server = await registryServer();
    const model = modelOn(server);
    const fixture = await pullFrom(server);
    await fixture.run();
    const requests = requestCounter(server);
    const ending = await fixture.run(await changesFor(model, fixture));
    expect(ending).toMatchObject({ reason: 'Done', fetchedBytes: 0, digest: model.digest, sizeBytes: model.sizeBytes });
    expect(requests()).toBe(0);
  });

  it('also where Ollama has filled the store, and the model is pinned', async () => {
    const server = await registryServer();
    const model = modelOn(server);
    const { run, store, config } = await pullFrom(server, { digest: model.digest });
    await fillLikeOllama(server, model, config.store);
    const requests = requestCounter(server);
    await expect(run()).resolves.toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    expect(requests()).toBe(0);
    expect((await wholeModels(store)).map((name) => name.includes('localmodels.dev'))).toEqual([false, true]);
  });
});

const withSecret: PullConfig['source'] = {
  kind: 'Registry',
  mirrors: [],
  plainHttp: true,
  credentials: { path: '/nowhere', kind: 'Secret', name: 'gone' },
};

/** Under the plain name, as `ollama pull` leaves it. */
async function fillLikeOllama(server: RegistryServer, model: ModelOn, root: string): Promise<void> {
  const store = openStore(root);
  await prepareStore(store);
  const { registry, clock, log } = registryFor();
  const reference = referenceOn(server);
  const signal = new AbortController().signal;
  for (const layer of [...model.layers, model.config])
    await downloadBlob({ registry, reference, layer, store, owner, signal, clock, random, log });
  await writeManifest(store, reference, (await registry.manifest(reference)).bytes);
}

describe('what a killed pull has left beside a blob', () => {
  /** As after a kill right behind the rename, and as after one right before the first byte. */
  async function leave(store: Store, digest: Digest): Promise<void> {
    const remains = { token: 'old', host: owner.host, pid: owner.pid, startedAt: 'before' };
    const [published, begun] = [digest, digestOf('another')].map((of) => partialPath(openStore(store.root), of));
    await writeFile(`${published}.json`, JSON.stringify({ version: 1, size: 1, ranges: [[0, 1]] }));
    await writeFile(`${published}.json.new`, '');
    for (const path of [published, begun]) await writeFile(`${path}.lock`, JSON.stringify(remains));
  }

  it('goes with the next pull, which fetches nothing', async () => {
    const server = await registryServer();
    const { weights } = modelOn(server);
    const { run, store } = await pullFrom(server);
    await run();
    await leave(store, weights.digest);
    await expect(run()).resolves.toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    expect(await readdir(store.partial)).toEqual([]);
  });

  it('goes with the next pull, which fetches something else', async () => {
    const server = await registryServer();
    const { weights } = modelOn(server);
    const { run, store } = await pullFrom(server);
    await run();
    await leave(store, weights.digest);
    modelOn(server, { salt: 1 });
    await expect(run({ revision: 'r2' })).resolves.toMatchObject({ reason: 'Done' });
    expect(await readdir(store.partial)).toEqual([]);
  });

  it('stays where another is at work, and so does what it has fetched of a blob that is not there', async () => {
    const server = await registryServer();
    const { weights } = modelOn(server);
    const { run, store } = await pullFrom(server);
    await run();
    const atWork = partialPath(openStore(store.root), weights.digest);
    await writeFile(atWork, 'bytes');
    const held = await tryLock({ path: `${atWork}.lock`, owner, clock: systemClock });
    const unfinished = partialPath(openStore(store.root), digestOf('another'));
    await writeFile(unfinished, 'bytes');
    await run();
    expect(await readdir(store.partial)).toEqual(
      [atWork, `${atWork}.lock`, unfinished].map((path) => basename(path)).sort(),
    );
    await held?.release();
  });
});

describe('a tag that moves', () => {
  it('means one thing per revision, on one store', async () => {
    const server = await registryServer();
    const old = modelOn(server);
    const { run, store } = await pullFrom(server);
    await run();
    const moved = modelOn(server, { salt: 9 });
    await expect(run()).resolves.toMatchObject({ digest: old.digest });
    await expect(run({ revision: 'r2' })).resolves.toMatchObject({ digest: moved.digest });
    await expect(run()).resolves.toMatchObject({ digest: old.digest });
    expect((await wholeModels(store)).sort()).toEqual([sourceName(old.digest), sourceName(moved.digest)].sort());
  });

  it('between two pulls of one revision at the same time does not part them', async () => {
    const server = await registryServer();
    const first = modelOn(server);
    const folder = await temporaryFolder();
    const pods = [await pullFrom(server, {}, folder), await pullFrom(server, {}, folder)];
    // It moves as soon as somebody has asked.
    server.next(/GET .*manifests\/latest/, (call) => {
      call.serve();
      modelOn(server, { salt: 3 });
    });
    const endings = await Promise.all(pods.map(({ run }) => run({}, { clock: systemClock })));
    expect(endings).toMatchObject([
      { reason: 'Done', digest: first.digest },
      { reason: 'Done', digest: first.digest },
    ]);
  });
});

describe('two pulls on one store at the same time', () => {
  it('fail where one tidies away what the other publishes in that moment, and the next attempt mends it', async () => {
    const server = await registryServer();
    const { weights, digest } = modelOn(server);
    const { run, store } = await pullFrom(server);
    const clock = createEagerClock();
    const published = () =>
      existsSync(store.manifests) && readdirSync(store.manifests, { recursive: true }).join().includes(digest.slice(7));
    const tidying: Clock = {
      ...clock,
      now() {
        if (published()) rmSync(blobPath(store, weights.digest), { force: true });
        return clock.now();
      },
    };
    const ending = await run({}, { clock: tidying });
    expect(ending).toMatchObject({ reason: 'Internal', message: expect.stringContaining('another pull has tidied') });
    expect(await run()).toMatchObject({ reason: 'Done', fetchedBytes: weights.size });
  });

  it('download once, and the other waits', async () => {
    const server = await registryServer();
    const model = modelOn(server, { size: 400_000 });
    const folder = await temporaryFolder();
    const pods = [await pullFrom(server, {}, folder), await pullFrom(server, { revision: 'r2' }, folder)];
    const endings = await Promise.all(pods.map(({ run }) => run({}, { clock: systemClock })));
    expect(endings).toMatchObject([{ reason: 'Done' }, { reason: 'Done' }]);
    expect(endings.reduce((sum, { fetchedBytes = 0 }) => sum + fetchedBytes, 0)).toBe(model.sizeBytes);
    expect(await wholeModels(openStore(pods[0]?.config.store ?? ''))).toEqual([sourceName(model.digest)]);
  });
});

describe('the record of a revision', () => {
  it('names all models that its pods need', async () => {
    const server = await registryServer();
    const model = modelOn(server);
    const { run, store } = await pullFrom(server, { derived: { system: 'Be short.', parameters: [] } });
    await run();
    const { records } = await readRevisions(store);
    expect(records).toMatchObject([
      { revision: 'r1', settled: [{ reference: `${server.host}/library/tiny:latest`, digest: model.digest }] },
    ]);
    expect(records[0]?.models.map(shortReference)).toEqual(
      await wholeModels(store).then((names) => names.toReversed()),
    );
  });
});

describe('what the termination message tells', () => {
  it('is in the progress file too, for the gateway', async () => {
    const server = await registryServer();
    modelOn(server);
    const { run, config } = await pullFrom(server);
    const { message } = await run();
    expect(JSON.parse(await readFile(config.progressFile, 'utf8'))).toMatchObject({ reason: 'Done', message });
    expect(message).toMatch(/^\S+ KiB verified, fetched \S+ KiB, in /);
  });
});
