// A store in a folder that goes when the test ends.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { goJson } from '../../../src/models/goJson.ts';
import { configMediaType, type Descriptor, layerMediaTypes } from '../../../src/models/manifest.ts';
import { manifestBytes } from '../../../src/models/modelfile.ts';
import { parseReference, type Reference } from '../../../src/models/reference.ts';
import { openStore, prepareStore, type Store } from '../../../src/models/store.ts';
import { writeBlob } from '../../../src/models/storeBlobs.ts';
import { writeManifest } from '../../../src/models/storeManifests.ts';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'models-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryStore(writer = 'test'): Promise<Store> {
  const store = openStore(join(await temporaryFolder(), 'store'), writer);
  await prepareStore(store);
  return store;
}

export const descriptorOf = (mediaType: string, content: Buffer): Descriptor => ({
  mediaType,
  digest: digestOf(content),
  size: content.length,
});

/** Writes a model of small blobs: weights first, then the other layers. */
export async function putModel(store: Store, name: string | Reference, weights: string, extra: Descriptor[] = []) {
  const reference = typeof name === 'string' ? parseReference(name) : name;
  const content = Buffer.from(weights);
  const config = goJson({ model_format: 'gguf', model_family: 'llama', file_type: 'Q4_K_M' });
  for (const bytes of [content, config]) await writeBlob(store, bytes);
  const layers = [descriptorOf(layerMediaTypes.model, content), ...extra];
  const bytes = manifestBytes(descriptorOf(configMediaType, config), layers);
  const digest = await writeManifest(store, reference, bytes);
  return { reference, digest, bytes, layers, config: descriptorOf(configMediaType, config) };
}
