import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveSize, type PackOptions, writeArchive } from '../../../../src/cli/pack/archive.ts';
import { contentsOfStore } from '../../../../src/cli/pack/contents.ts';
import type { ArchiveFormat } from '../../../../src/cli/pack/documents.ts';
import { parseImageName } from '../../../../src/cli/pack/imageName.ts';
import { layersOf } from '../../../../src/cli/pack/layers.ts';
import { digestOf } from '../../../../src/models/digest.ts';
import { parseReference } from '../../../../src/models/reference.ts';
import { blobPath, type Store } from '../../../../src/models/store.ts';
import { putModel, temporaryFolder, temporaryStore } from '../../models/temporaryStore.ts';
import { filesIn, untar } from './programs.ts';

const image = (format: ArchiveFormat = 'oci', tag = 'registry.example.org/ai/phi:1') => ({
  name: parseImageName(tag),
  labels: { 'localmodels.dev/models': 'phi:1' },
  format,
  platform: { os: 'linux', architecture: 'arm64' },
});
const quiet: PackOptions = { signal: new AbortController().signal, onBytes: () => undefined };

async function pack(store: Store, names: string[], settings = image(), options = quiet) {
  const path = join(await temporaryFolder(), 'image.tar');
  const layers = layersOf(await contentsOfStore(store, names.map(parseReference)));
  const packed = await writeArchive(path, layers, settings, options);
  return { path, packed, layers };
}

async function documentsOf(path: string) {
  const folder = join(dirname(path), 'unpacked');
  await untar(path, folder);
  const files = await filesIn(folder);
  const json = (name: string) => JSON.parse(files.get(name)?.toString() ?? 'null');
  const blob = (digest: string) => files.get(`blobs/sha256/${digest.slice(7)}`);
  return { files, json, blob };
}

describe('an archive', () => {
  it('has the same bytes whenever it is made, in whatever order models are named', async () => {
    const [one, other] = [await temporaryStore(), await temporaryStore()];
    for (const [store, names] of [[one, ['a:1', 'b:2']] as const, [other, ['b:2', 'a:1']] as const])
      for (const name of names) await putModel(store, name, `weights of ${name}`);
    await utimes(blobPath(other, digestOf('weights of a:1')), new Date(0), new Date(0));
    const first = await pack(one, ['a:1', 'b:2']);
    const second = await pack(other, ['b:2', 'a:1']);
    expect(digestOf(await readFile(second.path))).toBe(digestOf(await readFile(first.path)));
    expect(second.packed).toEqual(first.packed);
  });

  it('has the size that was computed before', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'w'.repeat(3_000_000));
    for (const format of ['oci', 'docker'] as const) {
      const { path, packed, layers } = await pack(store, ['phi:1'], image(format));
      expect((await readFile(path)).length).toBe(packed.size);
      expect(archiveSize(layers, image(format))).toBe(packed.size);
    }
  });

  it('holds an image in which every digest and size is right', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const { path, packed } = await pack(store, ['phi:1']);
    const { files, json, blob } = await documentsOf(path);
    for (const [name, bytes] of files)
      if (name.startsWith('blobs/')) expect(name).toBe(`blobs/sha256/${digestOf(bytes).slice(7)}`);
    expect(json('oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
    const [entry] = json('index.json').manifests;
    expect(entry).toMatchObject({ digest: packed.digest, platform: { os: 'linux', architecture: 'arm64' } });
    const manifest = JSON.parse(blob(entry.digest)?.toString() ?? '');
    expect(blob(entry.digest)).toHaveLength(entry.size);
    const config = JSON.parse(blob(manifest.config.digest)?.toString() ?? '');
    expect(blob(manifest.config.digest)).toHaveLength(manifest.config.size);
    const layers = manifest.layers.map(({ digest }: { digest: string }) => digest);
    expect(config.rootfs.diff_ids).toEqual(layers);
    expect(config.history).toHaveLength(layers.length);
    expect(config).toMatchObject({ os: 'linux', architecture: 'arm64' });
    expect(layers).toEqual(packed.layers.map(({ digest }) => digest));
    for (const { digest, size } of manifest.layers) expect(blob(digest)).toHaveLength(size);
    expect(files.size).toBe(layers.length + 4);
  });

  it('is named for containerd and podman in full, and has the same digest under any name', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const { path, packed } = await pack(store, ['phi:1'], image('oci', 'phi'));
    const { json } = await documentsOf(path);
    expect(json('index.json').manifests[0].annotations).toEqual({
      'io.containerd.image.name': 'docker.io/library/phi:latest',
      'org.opencontainers.image.ref.name': 'latest',
    });
    expect((await pack(store, ['phi:1'])).packed.digest).toBe(packed.digest);
  });

  it('has a list for docker load only where that is asked for', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    expect((await documentsOf((await pack(store, ['phi:1'])).path)).files.has('manifest.json')).toBe(false);
    const { files, json } = await documentsOf((await pack(store, ['phi:1'], image('docker'))).path);
    const [{ Config, RepoTags, Layers }] = json('manifest.json');
    expect(RepoTags).toEqual(['registry.example.org/ai/phi:1']);
    expect([Config, ...Layers].filter((name) => !files.has(name))).toEqual([]);
    expect(JSON.parse(files.get(Config)?.toString() ?? '').rootfs.diff_ids).toHaveLength(Layers.length);
  });

  it('shares the layer of a blob with every other image that has it', async () => {
    const store = await temporaryStore();
    await putModel(store, 'a:1', 'the same weights');
    await putModel(store, 'b:1', 'the same weights');
    await putModel(store, 'c:1', 'more weights');
    const [a, b] = [await pack(store, ['a:1']), await pack(store, ['b:1', 'c:1'])];
    const digests = ({ packed }: typeof a) => packed.layers.map(({ digest }) => digest);
    expect(digests(a).filter((digest) => digests(b).includes(digest))).toHaveLength(2);
  });

  it('tells of all bytes of files while it packs', async () => {
    const store = await temporaryStore();
    const { bytes, config } = await putModel(store, 'a:1', 'w'.repeat(2_500_000));
    let told = 0;
    await pack(store, ['a:1'], image(), { ...quiet, onBytes: (piece: number) => void (told += piece) });
    expect(told).toBe(2_500_000 + config.size + bytes.length);
  });
});

describe('an archive that cannot be made', () => {
  const attempt = async (store: Store, output: string, options = quiet) => {
    const layers = layersOf(await contentsOfStore(store, [parseReference('phi:1')]));
    return writeArchive(output, layers, image(), options);
  };

  it('is refused with the name of the bad blob, and leaves what was there', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const path = blobPath(store, digestOf('weights'));
    await writeFile(path, 'wEights');
    const folder = await temporaryFolder();
    const output = join(folder, 'image.tar');
    await writeFile(output, 'an older one');
    await expect(attempt(store, output)).rejects.toMatchObject({
      reason: 'Corrupt',
      message: `${path} does not match its digest ${digestOf('weights')}: its bytes make ${digestOf('wEights')}; ollama pull phi:1 fetches it again once the file is removed`,
    });
    expect(await readdir(folder)).toEqual(['image.tar']);
    expect(await readFile(output, 'utf8')).toBe('an older one');
  });

  it('is refused where a file ends early', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const layers = layersOf(await contentsOfStore(store, [parseReference('phi:1')]));
    await writeFile(blobPath(store, digestOf('weights')), 'wei');
    const folder = await temporaryFolder();
    await expect(writeArchive(join(folder, 'image.tar'), layers, image(), quiet)).rejects.toThrow(
      'ends after 3 of 7 bytes',
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing when it is stopped half-way', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'w'.repeat(5_000_000));
    const folder = await temporaryFolder();
    const stop = new AbortController();
    const stopping = attempt(store, join(folder, 'image.tar'), { signal: stop.signal, onBytes: () => stop.abort() });
    await expect(stopping).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('says where it cannot be written', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const folder = await temporaryFolder();
    await expect(attempt(store, folder)).rejects.toThrow(`cannot write ${folder}: it is there and not a file`);
    await expect(attempt(store, join(folder, 'no', 'image.tar'))).rejects.toThrow(
      /cannot write .*no.image\.tar: ENOENT/,
    );
  });

  it('is refused before the first byte where the disk has no room', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const layers = layersOf(await contentsOfStore(store, [parseReference('phi:1')]));
    const huge = layers.map((layer) => ({ ...layer, size: 2 ** 52 }));
    const folder = await temporaryFolder();
    await expect(writeArchive(join(folder, 'image.tar'), huge, image(), quiet)).rejects.toMatchObject({
      reason: 'DiskFull',
      message: expect.stringMatching(/^needs 12.0 PiB, .* free in /),
    });
    expect(await readdir(folder)).toEqual([]);
  });
});
