// Puts a model into an Ollama store: blobs, config and manifest, as `ollama create` would have.

import type { Digest } from '../../../src/models/digest.ts';
import {
  configMediaType,
  type Descriptor,
  type LayerKind,
  layerMediaTypes,
  manifestMediaType,
} from '../../../src/models/manifest.ts';
import { parseReference, type Reference, shortReference } from '../../../src/models/reference.ts';
import { openStore, prepareStore, type Store } from '../../../src/models/store.ts';
import { writeBlob } from '../../../src/models/storeBlobs.ts';
import { writeManifest } from '../../../src/models/storeManifests.ts';

export interface ModelParts {
  gguf: Uint8Array;
  adapter?: Uint8Array;
  template?: string;
  system?: string;
  /** Default: `calmParameters`. */
  params?: Record<string, unknown>;
  messages?: readonly { role: string; content: string }[];
  license?: string;
  /** Over the default config. */
  config?: Record<string, unknown>;
}

export interface WrittenModel {
  readonly reference: Reference;
  /** As Ollama's API names it. */
  readonly name: string;
  /** Of the manifest. */
  readonly digest: Digest;
  readonly manifest: Buffer;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** Digest of the weights. */
  readonly weights: Digest;
}

/** One thread, since idle ones spin; the same answer each time. */
export const calmParameters = { temperature: 0, seed: 1, num_predict: 32, num_thread: 1 } as const;

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** `reference` as people write it, such as `tiny` or `127.0.0.1:5000/library/tiny:v1`. */
export async function writeModel(folder: string, reference: string, parts: ModelParts): Promise<WrittenModel> {
  const store = openStore(folder);
  await prepareStore(store);
  const layers = await writeLayers(store, parts);
  const [weights] = layers;
  if (!weights) throw new Error('a model has weights');
  const config = await descriptor(store, configMediaType, configOf(parts, layers));
  const manifest = json({ schemaVersion: 2, mediaType: manifestMediaType, config, layers });
  const parsed = parseReference(reference);
  const digest = await writeManifest(store, parsed, manifest);
  const name = shortReference(parsed);
  return { reference: parsed, name, digest, manifest, config, layers, weights: weights.digest };
}

async function descriptor(store: Store, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  return { mediaType, digest: await writeBlob(store, bytes), size: bytes.length };
}

async function writeLayers(store: Store, parts: ModelParts): Promise<Descriptor[]> {
  const { gguf, adapter, template, system, params = calmParameters, messages, license } = parts;
  const contents: Partial<Record<LayerKind, Uint8Array | string | undefined>> = {
    model: gguf,
    adapter,
    template,
    system,
    params: json(params),
    messages: messages && json(messages),
    license,
  };
  const layers: Descriptor[] = [];
  for (const kind of Object.keys(contents) as LayerKind[]) {
    const content = contents[kind];
    if (content !== undefined) layers.push(await descriptor(store, layerMediaTypes[kind], Buffer.from(content)));
  }
  return layers;
}

function configOf({ gguf, config }: ModelParts, layers: readonly Descriptor[]): Buffer {
  const family = Buffer.from(gguf).includes('bert.block_count') ? 'bert' : 'llama';
  return json({
    model_format: 'gguf',
    model_family: family,
    model_families: [family],
    model_type: '76K',
    file_type: 'F16',
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    ...config,
  });
}
