// Pulls into a store whose disk is full, or nearly: what still works, what goes to make room, and what never does.
import { mkdir, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { goJson } from '../../src/models/goJson.ts';
import { layerMediaTypes } from '../../src/models/manifest.ts';
import { manifestBytes } from '../../src/models/modelfile.ts';
import type { Store } from '../../src/models/store.ts';
import { registryServer } from './download.ts';
import { createEagerClock } from './eagerClock.ts';
import { modelOn, pullFrom, sourceName, wholeModels } from './pull.ts';
import { type Behaviour, cutAfter, drop } from './registryServer.ts';
import { smallFileSystem } from './smallFileSystem.ts';

const BLOB = /GET .*\/blobs\//;

describe('a disk without room', () => {
  it('is noticed before the first byte', async () => {
    const server = await registryServer();
    const config = server.addBlob(goJson({ model_format: 'gguf' }));
    const size = 2 ** 52;
    const manifest = manifestBytes({ mediaType: 'application/vnd.docker.container.image.v1+json', ...config }, [
      { mediaType: layerMediaTypes.model, digest: `sha256:${'0'.repeat(64)}`, size },
    ]);
    server.addManifest('library/tiny:latest', manifest);
    const { run, store } = await pullFrom(server);
    const ending = await run();
    expect(ending).toMatchObject({ reason: 'DiskFull', exitCode: 41 });
    expect(ending.message).toMatch(new RegExp(`^needs 4.0 PiB, .* free on ${store.root}$`));
    expect(server.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
  });

  const tmpfs = smallFileSystem(afterAll);
  it('that another fills up meanwhile keeps what has arrived', async ({ skip }) => {
    skip(!tmpfs, 'a small file system cannot be mounted here');
    const server = await registryServer();
    modelOn(server, { size: 600_000 });
    const { run, store } = await pullFrom(server, { store: join(tmpfs ?? '', 'models') });
    server.next(BLOB, async (call) => {
      await writeFile(join(tmpfs ?? '', 'other'), Buffer.alloc(700_000));
      call.serve();
    });
    await expect(run()).resolves.toMatchObject({ reason: 'DiskFull', exitCode: 41, message: /no space is left/ });
    expect(await wholeModels(store)).toEqual([]);
    await truncate(join(tmpfs ?? '', 'other'), 0);
    await expect(run()).resolves.toMatchObject({ reason: 'Done' });
    expect(await wholeModels(store)).toHaveLength(1);
  });
});

describe('a disk that is full', () => {
  const tmpfs = smallFileSystem(afterAll);
  const fillUp = async () => {
    const other = await open(join(tmpfs ?? '', 'other'), 'a');
    await expect(other.writeFile(Buffer.alloc(2 ** 20))).rejects.toThrow('ENOSPC');
    await other.close();
  };

  it('keeps no pod from a model that is whole on it', async ({ skip }) => {
    skip(!tmpfs, 'a small file system cannot be mounted here');
    const server = await registryServer();
    modelOn(server);
    const { run, lines } = await pullFrom(server, { store: join(tmpfs ?? '', 'models'), tidy: { keepRevisions: 2 } });
    await expect(run()).resolves.toMatchObject({ reason: 'Done' });
    await fillUp();
    await expect(run()).resolves.toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    expect(lines.map(({ message }) => message)).toContain('use of the store not recorded');
    // Of another revision nobody would know that it needs the model.
    await expect(run({ revision: 'r2' })).resolves.toMatchObject({ reason: 'DiskFull' });
  });
});

describe('a store that is ours alone, with room for two models', () => {
  const tmpfs = smallFileSystem(afterAll);
  const HOUR = 3_600_000;

  /** Each its own model of 400 KB under the same name, an hour and more after the one before. */
  async function setUp() {
    const server = await registryServer();
    const store = join(tmpfs ?? '', 'models');
    const fixture = await pullFrom(server, { store, tidy: { keepRevisions: 2 } });
    onTestFinished(() => rm(store, { recursive: true }));
    let hours = 0;
    const lockOf = (number: number) => join(dirname(fixture.config.lockFile), `r${number}.json`);
    const pull = (number: number) => {
      const model = modelOn(server, { size: 400_000, salt: number });
      hours += 2;
      const clock = createEagerClock(Date.now() + hours * HOUR);
      const ending = fixture.run({ revision: `r${number}`, lockFile: lockOf(number) }, { clock });
      return ending.then((words) => ({ ...words, digest: model.digest }));
    };
    const half = (number: number) => {
      const { weights } = modelOn(server, { size: 400_000, salt: number });
      const isIt = new RegExp(`GET .*/blobs/${weights.digest}`);
      server.next(isIt, cutAfter(300_000), ...Array<Behaviour>(8).fill(drop));
      return expect(pull(number)).resolves.toMatchObject({ reason: 'Unreachable' });
    };
    return { ...fixture, pull, half, lockOf };
  }
  const partialsIn = async ({ partial }: Store) =>
    (await readdir(partial)).filter((name) => !/\.(json|lock)$/.test(name));

  it('takes a third where the first is needed no more', async ({ skip }) => {
    skip(!tmpfs, 'a small file system cannot be mounted here');
    const { pull, store } = await setUp();
    await pull(1);
    const { digest: second } = await pull(2);
    const third = await pull(3);
    expect(third).toMatchObject({ reason: 'Done' });
    expect(await wholeModels(store)).toEqual([second, third.digest].map((digest) => sourceName(digest)).toSorted());
  });

  it('does not take it from a revision with pods', async ({ skip }) => {
    skip(!tmpfs, 'a small file system cannot be mounted here');
    const { pull, store, lockOf } = await setUp();
    const { digest: first } = await pull(1);
    await mkdir(dirname(lockOf(1)), { recursive: true });
    await writeFile(lockOf(1), JSON.stringify({ digest: first }));
    const { digest: second } = await pull(2);
    await expect(pull(3)).resolves.toMatchObject({ reason: 'DiskFull' });
    expect(await wholeModels(store)).toEqual([first, second].map((digest) => sourceName(digest)).toSorted());
  });

  it('takes it in place of a download that nobody wants any more, and leaves its own alone', async ({ skip }) => {
    skip(!tmpfs, 'a small file system cannot be mounted here');
    const { pull, half, store } = await setUp();
    await pull(1);
    await half(2);
    expect(await partialsIn(store)).toHaveLength(1);
    await half(3);
    const [own, ...others] = await partialsIn(store);
    expect(others).toEqual([]);
    // Short of room again, and by nothing that could go.
    await writeFile(join(tmpfs ?? '', 'other'), Buffer.alloc(300_000));
    await expect(pull(3)).resolves.toMatchObject({ reason: 'DiskFull' });
    expect(await partialsIn(store)).toEqual([own]);
    await rm(join(tmpfs ?? '', 'other'));
    const { reason, fetchedBytes } = await pull(3);
    expect(reason).toBe('Done');
    expect(fetchedBytes).toBeLessThan(150_000);
  });
});
