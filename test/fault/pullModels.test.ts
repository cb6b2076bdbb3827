// Pulls that end in more than what the registry has, or in less: Modelfiles, adapters, expectations, tidying.
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../src/models/digest.ts';
import { goJson } from '../../src/models/goJson.ts';
import { configMediaType, layerMediaTypes, layersOf } from '../../src/models/manifest.ts';
import { manifestBytes } from '../../src/models/modelfile.ts';
import { parseReference } from '../../src/models/reference.ts';
import { blobPath, makeFolder, type Store } from '../../src/models/store.ts';
import { listBlobs } from '../../src/models/storeBlobs.ts';
import { readManifest } from '../../src/models/storeManifests.ts';
import { descriptorOf } from '../unit/models/temporaryStore.ts';
import { llama, tinyGguf } from '../unit/models/tinyGguf.ts';
import { registryServer } from './download.ts';
import { createEagerClock } from './eagerClock.ts';
import { modelOn, pullFrom, requestCounter, sourceName, wholeModels } from './pull.ts';
import type { RegistryServer } from './registryServer.ts';

const declared = { system: 'Be short.', parameters: [{ name: 'num_ctx', value: '4096' }] };

function adapterOn(server: RegistryServer, architecture = 'llama', name = 'adapter'): Digest {
  const metadata = {
    ...llama,
    'general.type': { type: 'text', value: 'adapter' },
    'general.architecture': { type: 'text', value: architecture },
    'general.name': { type: 'text', value: name },
  } as const;
  const weights = tinyGguf({ metadata });
  const config = goJson({ model_format: 'gguf' });
  for (const bytes of [weights, config]) server.addBlob(bytes);
  return server.addManifest(
    'library/lora:v1',
    manifestBytes(descriptorOf(configMediaType, config), [descriptorOf(layerMediaTypes.adapter, weights)]),
  );
}

async function layersOfServed(store: Store, name: string, kind: 'system' | 'params' | 'adapter') {
  const raw = await readManifest(store, parseReference(name));
  const layers = raw ? layersOf(raw.manifest, kind) : [];
  return Promise.all(layers.map(({ digest }) => readFile(blobPath(store, digest), 'utf8')));
}

describe('a declared Modelfile', () => {
  it('is served as a model of its own, over the same weights', async () => {
    const server = await registryServer();
    const model = modelOn(server);
    const { run, store, progress } = await pullFrom(server, { derived: declared });
    const { digest, servedDigest, fetchedBytes, reason } = await run();
    expect({ reason, digest, fetchedBytes }).toEqual({
      reason: 'Done',
      digest: model.digest,
      fetchedBytes: model.sizeBytes,
    });
    const name = `localmodels.dev/derived/tiny:${servedDigest?.slice(7)}`;
    expect((await progress())?.model).toMatchObject({ name, digest: servedDigest, sourceDigest: model.digest });
    expect(await layersOfServed(store, name, 'system')).toEqual(['Be short.']);
    const [params] = await layersOfServed(store, name, 'params');
    expect(JSON.parse(params ?? '')).toEqual({ num_ctx: 4096, stop: ['<|end|>'], temperature: 0.5 });
    expect(await wholeModels(store)).toEqual([name, sourceName(model.digest)]);
  });

  it('is built once, and a changed one is another model', async () => {
    const server = await registryServer();
    modelOn(server);
    const { run, store } = await pullFrom(server, { derived: declared });
    const first = await run();
    const blobs = await listBlobs(store);
    const requests = requestCounter(server);
    expect((await run()).servedDigest).toBe(first.servedDigest);
    expect(await listBlobs(store)).toEqual(blobs);
    const changed = await run({ derived: { ...declared, system: 'Be long.' } });
    expect(changed.servedDigest).not.toBe(first.servedDigest);
    expect(requests()).toBe(0);
    expect(await wholeModels(store)).toHaveLength(3);
  });

  it('with a parameter that Ollama does not know is refused, and nothing is published', async () => {
    const server = await registryServer();
    modelOn(server);
    const { run, store } = await pullFrom(server, {
      derived: { parameters: [{ name: 'temprature', value: '1' }] },
    });
    await expect(run()).resolves.toMatchObject({ reason: 'InvalidReference', exitCode: 20, message: /temperature/ });
    expect(await wholeModels(store)).toEqual([]);
  });

  it('brings its adapter', async () => {
    const server = await registryServer();
    const model = modelOn(server);
    const digest = adapterOn(server);
    const adapters = [{ name: `${server.host}/library/lora:v1` }];
    const { run, store } = await pullFrom(server, { derived: { parameters: [], adapters } });
    const { servedDigest, reason } = await run();
    expect(reason).toBe('Done');
    expect(await wholeModels(store)).toEqual([
      `localmodels.dev/derived/tiny:${servedDigest?.slice(7)}`,
      ...[sourceName(digest, 'lora'), sourceName(model.digest)],
    ]);
    const requests = requestCounter(server);
    expect(await run()).toMatchObject({ reason: 'Done', servedDigest, fetchedBytes: 0 });
    expect(requests()).toBe(0);
  });

  it('brings the adapter that the revision has settled on, whatever its tag says by now', async () => {
    const server = await registryServer();
    modelOn(server);
    const digest = adapterOn(server);
    const derived = { parameters: [], adapters: [{ name: `${server.host}/library/lora:v1` }] };
    const first = await pullFrom(server, { derived });
    const { servedDigest, digest: base, adapters } = await first.run();
    expect(adapters).toEqual([digest]);
    adapterOn(server, 'llama', 'moved');
    const second = await pullFrom(server, { derived });
    await mkdir(dirname(second.config.lockFile), { recursive: true });
    await writeFile(second.config.lockFile, JSON.stringify({ reference: 'tiny', digest: base, adapters }));
    await expect(second.run()).resolves.toMatchObject({ reason: 'Done', servedDigest, adapters: [digest] });
  });

  it('with an adapter for another architecture is refused', async () => {
    const server = await registryServer();
    modelOn(server);
    adapterOn(server, 'qwen2');
    const adapters = [{ name: `${server.host}/library/lora:v1` }];
    const { run, store } = await pullFrom(server, { derived: { parameters: [], adapters } });
    await expect(run()).resolves.toMatchObject({ reason: 'ExpectationMismatch', exitCode: 25, message: /qwen2/ });
    expect(await wholeModels(store)).toEqual([]);
  });
});

describe('parameters of the model itself', () => {
  const params = { num_ctx: 16_384, num_thread: 7, temperature: 0.5 };

  it('that go before the settings of the server are put right', async () => {
    const server = await registryServer();
    const model = modelOn(server, { params });
    const { run, store } = await pullFrom(server, { launch: { maxContext: 4096, threads: 2 } });
    const { reason, digest, servedDigest } = await run();
    expect({ reason, digest }).toEqual({ reason: 'Done', digest: model.digest });
    const [layer] = await layersOfServed(store, `localmodels.dev/derived/tiny:${servedDigest?.slice(7)}`, 'params');
    expect(JSON.parse(layer ?? '')).toEqual({ num_ctx: 4096, num_thread: 2, temperature: 0.5 });
  });

  it('that say the same are served as they are', async () => {
    const server = await registryServer();
    const model = modelOn(server, { params });
    const { run } = await pullFrom(server, { launch: { maxContext: 16_384, threads: 7 } });
    await expect(run()).resolves.toMatchObject({ reason: 'Done', servedDigest: model.digest });
  });
});

describe('a model that is not what was asked for', () => {
  it('is not published, tells all that differs, and is not fetched again once the expectation is mended', async () => {
    const server = await registryServer();
    const model = modelOn(server);
    const { run, store } = await pullFrom(server);
    const ending = await run({ expect: { quantization: 'Q8_0', family: 'qwen2', minContext: 8192 } });
    expect(ending).toMatchObject({ reason: 'ExpectationMismatch', exitCode: 25 });
    expect(ending.message).toMatch(/Q4_K_M, not Q8_0.*llama, not qwen2.*2048 tokens/);
    expect(await wholeModels(store)).toEqual([]);
    const mended = await run({ expect: { quantization: 'q4_k_m', family: 'llama', minContext: 2048 } });
    expect(mended).toMatchObject({ reason: 'Done', fetchedBytes: 0, digest: model.digest });
  });

  it.each([
    ['that needs a newer runtime', { requires: '0.99.0' }, 'NeedsNewerRuntime', 23],
    ['that runs elsewhere', { remote_host: 'https://ollama.com' }, 'NotFound', 21],
  ])('%s is refused before its weights are fetched', async (_, config, reason, exitCode) => {
    const server = await registryServer();
    const model = modelOn(server, { config });
    const { run, store } = await pullFrom(server);
    await expect(run()).resolves.toMatchObject({ reason, exitCode, fetchedBytes: model.config.size });
    expect(server.requests.filter(({ path }) => path.includes(model.weights.digest))).toEqual([]);
    expect(await wholeModels(store)).toEqual([]);
  });

  it('because its header cannot be read is served all the same, unless something is expected of it', async () => {
    const server = await registryServer();
    modelOn(server, { header: Buffer.from('GGUFx') });
    const { run, lines } = await pullFrom(server);
    await expect(run()).resolves.toMatchObject({ reason: 'Done', quantization: 'Q4_K_M' });
    expect(lines.map(({ message }) => message)).toContain('header of the weights cannot be read');
    await expect(run({ expect: { minContext: 10 } })).resolves.toMatchObject({ reason: 'ExpectationMismatch' });
  });
});

describe('tidying', () => {
  const hour = 3_600_000;

  /** Three revisions with a model each, far apart, since pauses are hours on a clock that skips them; the last one tidies, or not. */
  async function threeRevisions(inUse: readonly string[] = [], tidy = true) {
    const server = await registryServer();
    const fixture = await pullFrom(server);
    const lockFolder = join(fixture.config.lockFile, '..');
    await makeFolder(lockFolder);
    for (const revision of inUse) await writeFile(join(lockFolder, `${revision}.json`), '{}');
    const digests: Digest[] = [];
    for (const [index, revision] of ['one', 'two', 'three'].entries()) {
      digests.push(modelOn(server, { salt: index + 1 }).digest);
      const clock = createEagerClock(Date.now() + 1_000 * (index + 1) * hour);
      const lockFile = join(lockFolder, 'none.json');
      await fixture.run({ revision, lockFile, ...(tidy && { tidy: { keepRevisions: 2 } }) }, { clock });
    }
    return { ...fixture, digests, names: digests.map((digest) => sourceName(digest)).sort() };
  }

  it('of a claim that is ours keeps the models of this revision and the one before', async () => {
    const { store, digests } = await threeRevisions();
    expect(await wholeModels(store)).toEqual(
      digests
        .slice(1)
        .map((digest) => sourceName(digest))
        .sort(),
    );
    expect(await readdir(store.revisions)).toEqual(['three.json', 'two.json']);
  });

  it('keeps what a revision that still has pods needs', async () => {
    const { store, names } = await threeRevisions(['one']);
    expect(await wholeModels(store)).toEqual(names);
  });

  it('of a claim that the user brought does not happen', async () => {
    const { store, names } = await threeRevisions([], false);
    expect(await wholeModels(store)).toEqual(names);
  });

  it('does not happen while another pull is at work', async () => {
    const server = await registryServer();
    modelOn(server);
    const { run, store } = await pullFrom(server, { tidy: { keepRevisions: 1 } });
    await run();
    await makeFolder(store.partial);
    const leftover = join(store.partial, `sha256-${'a'.repeat(64)}.other`);
    await writeFile(leftover, 'half');
    await utimes(leftover, 1, 1);
    const other = { token: 'other', host: 'another-node', pid: 1 };
    await writeFile(store.lockFile, JSON.stringify(other));
    await run();
    expect(await readdir(store.partial)).toHaveLength(1);

    await rm(store.lockFile);
    await run();
    expect(await readdir(store.partial)).toEqual([]);
  });
});
