// What goes into an image: models with their manifests as they are, and every blob that they name, once.
import { stat } from 'node:fs/promises';
import { blobName, type Digest, shortDigest } from '../../models/digest.ts';
import { fileError, PullError } from '../../models/errors.ts';
import { digestOfFile } from '../../models/fileDigest.ts';
import { readGguf } from '../../models/gguf.ts';
import { type GgufFile, modelOfGguf } from '../../models/ggufModel.ts';
import {
  blobsOf,
  type Descriptor,
  MAX_CONFIG_BYTES,
  parseConfig,
  type RawManifest,
  sizeOf,
} from '../../models/manifest.ts';
import { manifestPath, type Reference, shortReference } from '../../models/reference.ts';
import { blobPath, blobSize, type Store } from '../../models/store.ts';
import { readBlob } from '../../models/storeBlobs.ts';
import { listManifests, readManifest } from '../../models/storeManifests.ts';

/** Bytes that are in memory already, or a file that is read piece by piece. */
export type Content = { readonly bytes: Uint8Array } | { readonly path: string };

export interface PackedFile {
  /** In the image, without a slash at the front. */
  readonly name: string;
  readonly size: number;
  readonly content: Content;
  /** What its bytes must hash to. */
  readonly digest: Digest;
  /** Says how a bad file can be mended; for messages. */
  readonly cure: string;
}

export interface PackedModel {
  readonly reference: Reference;
  /** Of its manifest: what spec.model.digest pins. */
  readonly digest: Digest;
  /** Of all its blobs. */
  readonly size: number;
}

export interface Contents {
  /** In the order of their names, whatever the order they were asked for in. */
  readonly models: readonly PackedModel[];
  /** In the order of their digests. */
  readonly blobs: readonly PackedFile[];
  readonly manifests: readonly PackedFile[];
}

interface Found {
  readonly reference: Reference;
  readonly raw: Pick<RawManifest, 'manifest' | 'bytes' | 'digest'>;
  readonly blobs: readonly PackedFile[];
}

const byName =
  <T>(name: (item: T) => string) =>
  (a: T, b: T) =>
    Buffer.compare(Buffer.from(name(a)), Buffer.from(name(b)));

const fileOf = ({ digest, size }: Pick<Descriptor, 'digest' | 'size'>, content: Content, cure: string): PackedFile => ({
  name: `blobs/${blobName(digest)}`,
  size,
  content,
  digest,
  cure,
});

function contentsOf(found: readonly Found[]): Contents {
  const models = [...new Map(found.map((model) => [manifestPath(model.reference), model])).values()].sort(
    byName(({ reference }) => manifestPath(reference)),
  );
  const blobs = new Map(models.flatMap((model) => model.blobs).map((blob) => [blob.digest, blob]));
  return {
    models: models.map(({ reference, raw }) => ({ reference, digest: raw.digest, size: sizeOf(raw.manifest) })),
    blobs: [...blobs.values()].sort(byName(({ digest }) => digest)),
    manifests: models.map(({ reference, raw: { bytes, digest } }) => ({
      name: `manifests/${manifestPath(reference)}`,
      size: bytes.length,
      content: { bytes },
      digest,
      cure: '',
    })),
  };
}

const SHOWN_NAMES = 20;

async function namesIn(store: Store): Promise<string> {
  const names = (await listManifests(store)).flatMap((stored) =>
    'raw' in stored ? shortReference(stored.reference) : [],
  );
  if (names.length === 0) return 'it holds no model; is it the folder with manifests and blobs in it?';
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return `it holds ${names.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}

async function refuseRemote(store: Store, name: string, { manifest }: RawManifest): Promise<void> {
  const { config } = manifest;
  const host =
    config && parseConfig(await readBlob(store, config, MAX_CONFIG_BYTES), `the config of ${name}`).remote_host;
  if (host) throw new PullError('NotFound', `${name} runs on ${host}, so there is nothing to pack`);
  if (manifest.layers.length === 0)
    throw new PullError('NotFound', `${name} holds nothing: its manifest has no layers`);
}

/** Presence and size only: what the bytes are is seen while they are packed. */
async function foundIn(store: Store, reference: Reference): Promise<Found> {
  const name = shortReference(reference);
  const raw = await readManifest(store, reference);
  if (!raw) throw new PullError('NotFound', `${store.root} has no ${name}; ${await namesIn(store)}`);
  const cure = `ollama pull ${name} fetches it again once the file is removed`;
  const blobs = blobsOf(raw.manifest);
  for (const blob of blobs) {
    const path = blobPath(store, blob.digest);
    const size = await blobSize(store, blob.digest);
    if (size === blob.size) continue;
    const problem = size === undefined ? 'is missing' : `has ${size} bytes instead of ${blob.size}`;
    throw new PullError('Corrupt', `${name} is not whole: ${path} ${problem}; ${cure}`);
  }
  await refuseRemote(store, name, raw);
  return { reference, raw, blobs: blobs.map((blob) => fileOf(blob, { path: blobPath(store, blob.digest) }, cure)) };
}

/** Throws a PullError: NotFound with the names that the store has, Corrupt for a model that is not whole. */
export async function contentsOfStore(store: Store, references: readonly Reference[]): Promise<Contents> {
  const found: Found[] = [];
  for (const reference of references) found.push(await foundIn(store, reference));
  return contentsOf(found);
}

export interface HashOptions {
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** Bytes of all of them. Throws a PullError for what is no file. */
export async function sizeOfFiles(paths: readonly string[]): Promise<number> {
  let total = 0;
  for (const path of paths) {
    try {
      const stats = await stat(path);
      if (!stats.isFile()) throw new PullError('NotFound', `${path} is not a file`);
      total += stats.size;
    } catch (error) {
      throw fileError(error, `read ${path}`);
    }
  }
  return total;
}

/**
 * A GGUF as a model, with its projectors and adapters: manifest and config are those that the pull would make of the bare
 * files, so the digest is the same. Hashes the files, because a blob's name comes before its bytes.
 * Throws a PullError: Corrupt for what is no GGUF, NotFound where the files make no model.
 */
export async function contentsOfGguf(
  reference: Reference,
  paths: readonly string[],
  { signal, onBytes }: HashOptions,
): Promise<Contents> {
  const headers = [];
  for (const path of paths) headers.push({ path, header: await readGguf(path, signal) });
  const files: GgufFile[] = [];
  for (const file of headers) files.push({ ...file, ...(await digestOfFile(file.path, { signal, onBytes })) });
  const model = modelOfGguf(reference, files);
  const cure = 'it was changed while it was packed; begin again';
  const weights = files.map((file) => fileOf(file, { path: file.path }, cure));
  const own = model.blobs.map(({ digest, bytes }) => fileOf({ digest, size: bytes.length }, { bytes }, ''));
  return contentsOf([{ reference, raw: model, blobs: [...weights, ...own] }]);
}

/** How a file is called in messages. */
export const titleOf = ({ name, content, digest }: PackedFile): string =>
  'path' in content ? content.path : `${name} (${shortDigest(digest)})`;
