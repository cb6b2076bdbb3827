import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contentsOfGguf, contentsOfStore, sizeOfFiles } from '../../../../src/cli/pack/contents.ts';
import { digestOf } from '../../../../src/models/digest.ts';
import { goJson } from '../../../../src/models/goJson.ts';
import { configMediaType } from '../../../../src/models/manifest.ts';
import { manifestBytes } from '../../../../src/models/modelfile.ts';
import { parseReference } from '../../../../src/models/reference.ts';
import { blobPath } from '../../../../src/models/store.ts';
import { writeBlob } from '../../../../src/models/storeBlobs.ts';
import { writeManifest } from '../../../../src/models/storeManifests.ts';
import { descriptorOf, putModel, temporaryFolder, temporaryStore } from '../../models/temporaryStore.ts';
import { llama, tinyGguf } from '../../models/tinyGguf.ts';

const references = (...names: string[]) => names.map(parseReference);
const hashing = { signal: new AbortController().signal, onBytes: () => undefined };

describe('what is taken from a store', () => {
  it('is every blob once, in an order that no argument changes', async () => {
    const store = await temporaryStore();
    await putModel(store, 'a:1', 'weights of both');
    await putModel(store, 'b:1', 'weights of both');
    await putModel(store, 'not-asked-for', 'other weights');
    const contents = await contentsOfStore(store, references('b:1', 'a:1', 'b:1'));
    expect(contents).toEqual(await contentsOfStore(store, references('a:1', 'b:1')));
    expect(contents.models.map(({ reference }) => reference.model)).toEqual(['a', 'b']);
    expect(contents.manifests.map(({ name }) => name)).toEqual([
      'manifests/registry.ollama.ai/library/a/1',
      'manifests/registry.ollama.ai/library/b/1',
    ]);
    expect(contents.blobs).toHaveLength(2);
    expect(contents.blobs.map(({ digest }) => digest)).toEqual(contents.blobs.map(({ digest }) => digest).sort());
  });

  it('is refused with the names that are there', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi4-mini:3.8b', 'weights');
    await expect(contentsOfStore(store, references('phi4-mini'))).rejects.toMatchObject({
      reason: 'NotFound',
      message: `${store.root} has no phi4-mini:latest; it holds phi4-mini:3.8b`,
    });
    await expect(contentsOfStore(await temporaryStore(), references('phi'))).rejects.toThrow(
      /it holds no model; is it/,
    );
  });

  it('is refused, with path and cure, where a blob is missing or of another size', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi4-mini:3.8b', 'weights');
    const path = blobPath(store, digestOf('weights'));
    await writeFile(path, 'weight');
    await expect(contentsOfStore(store, references('phi4-mini:3.8b'))).rejects.toMatchObject({
      reason: 'Corrupt',
      message: `phi4-mini:3.8b is not whole: ${path} has 6 bytes instead of 7; ollama pull phi4-mini:3.8b fetches it again once the file is removed`,
    });
    await rm(path);
    await expect(contentsOfStore(store, references('phi4-mini:3.8b'))).rejects.toThrow(`${path} is missing`);
  });

  it('is refused where the model runs elsewhere, or is nothing', async () => {
    const store = await temporaryStore();
    for (const [name, config] of Object.entries({ far: { remote_host: 'https://ollama.com' }, none: {} })) {
      const bytes = goJson(config);
      await writeBlob(store, bytes);
      await writeManifest(store, parseReference(name), manifestBytes(descriptorOf(configMediaType, bytes), []));
    }
    await expect(contentsOfStore(store, references('far'))).rejects.toThrow('far:latest runs on https://ollama.com');
    await expect(contentsOfStore(store, references('none'))).rejects.toThrow('none:latest holds nothing');
  });
});

describe('a GGUF', () => {
  it('becomes a model with its projector, and is counted while it is hashed', async () => {
    const folder = await temporaryFolder();
    const [model, projector] = [join(folder, 'm.gguf'), join(folder, 'mmproj.gguf')];
    await writeFile(model, tinyGguf());
    await writeFile(projector, tinyGguf({ metadata: { ...llama, 'general.type': { type: 'text', value: 'mmproj' } } }));
    let hashed = 0;
    const onBytes = (bytes: number) => {
      hashed += bytes;
    };
    const paths = [projector, model];
    const contents = await contentsOfGguf(parseReference('mine:v1'), paths, { ...hashing, onBytes });
    expect(hashed).toBe(await sizeOfFiles(paths));
    expect(contents.blobs).toHaveLength(3);
    expect(contents.manifests.map(({ name, digest }) => [name, digest])).toEqual([
      ['manifests/registry.ollama.ai/library/mine/v1', contents.models[0]?.digest],
    ]);
  });

  it('is refused where it is none, or not there', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'm.gguf');
    await writeFile(path, 'GGML and so on');
    await expect(contentsOfGguf(parseReference('mine'), [path], hashing)).rejects.toThrow(`${path} is not a GGUF file`);
    await expect(sizeOfFiles([folder])).rejects.toThrow(`${folder} is not a file`);
    await expect(sizeOfFiles([join(folder, 'x')])).rejects.toThrow('ENOENT');
  });
});
