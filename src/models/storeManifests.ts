// Manifests of a store: read with bounds, written last and whole.
import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type Digest, shortDigest } from './digest.ts';
import { syncFolder, writeDurably } from './durable.ts';
import { errorCode, fileError, PullError } from './errors.ts';
import { namesIn, readBounded } from './files.ts';
import { blobsOf, MAX_MANIFEST_BYTES, parseManifest, type RawManifest } from './manifest.ts';
import { formatReference, type Reference, referenceOfPath, shortReference } from './reference.ts';
import { servedName } from './servedName.ts';
import { manifestFile, missingBlobs, type Store, tempPath } from './store.ts';

/** Undefined where the store has no such model. Throws a PullError `Corrupt` for what cannot be read. */
export async function readManifest(store: Store, reference: Reference): Promise<RawManifest | undefined> {
  const path = manifestFile(store, reference);
  const bytes = await readBounded(path, MAX_MANIFEST_BYTES, path);
  return bytes && parseManifest(bytes, path);
}

/**
 * Publishes a model. The very last step: a manifest whose blobs are not all there with their size is refused (Internal), so
 * that at no moment the store holds one.
 */
export async function writeManifest(store: Store, reference: Reference, bytes: Uint8Array): Promise<Digest> {
  const { manifest, digest } = parseManifest(bytes, `the manifest of ${formatReference(reference)}`);
  const [missing] = await missingBlobs(store, blobsOf(manifest));
  if (missing)
    throw new PullError('Internal', `${shortReference(reference)} is not whole: blob ${shortDigest(missing.digest)}`);
  const path = manifestFile(store, reference);
  const current = await readBounded(path, MAX_MANIFEST_BYTES, path).catch(() => undefined);
  if (!current?.equals(bytes)) await writeDurably(tempPath(store, 'manifest'), path, bytes);
  return digest;
}

/** Removes the name, and the folders that it leaves empty. Its blobs stay, for the sweep. */
export async function removeManifest(store: Store, reference: Reference): Promise<void> {
  const path = manifestFile(store, reference);
  try {
    await rm(path, { force: true });
    await syncFolder(dirname(path));
    for (let folder = dirname(path); folder !== store.manifests; folder = dirname(folder)) await rmdir(folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw fileError(error, `remove ${path}`);
  }
}

/**
 * The manifest with that digest under whatever name; undefined where there is none. First the names that carry digests, then
 * `reference`, then all: stores that Ollama itself or people have filled are found too.
 */
export async function findManifest(
  store: Store,
  digest: Digest,
  reference: Reference,
): Promise<{ readonly reference: Reference; readonly raw: RawManifest } | undefined> {
  for (const name of [servedName('source', reference, digest), reference]) {
    const raw = await readManifest(store, name).catch(() => undefined);
    if (raw?.digest === digest) return { reference: name, raw };
  }
  for (const stored of await listManifests(store)) if ('raw' in stored && stored.raw.digest === digest) return stored;
  return undefined;
}

export type StoredManifest =
  | { readonly reference: Reference; readonly path: string; readonly raw: RawManifest }
  /** A file in a manifest's place that cannot be read as one; without a reference where even its name is none. */
  | { readonly reference?: Reference | undefined; readonly path: string; readonly problem: PullError };

/** manifests/host/namespace/model/tag: Ollama looks exactly that deep. */
const DEPTH = 4;

async function filesBelow(folder: string, depth: number): Promise<string[]> {
  const paths = (await namesIn(folder)).map((name) => join(folder, name));
  const found = await Promise.all(
    paths.map(async (path) => {
      const stats = await stat(path).catch(() => undefined);
      if (stats?.isDirectory()) return depth > 1 ? filesBelow(path, depth - 1) : [];
      return stats?.isFile() && depth === 1 ? [path] : [];
    }),
  );
  return found.flat();
}

async function readStored(store: Store, path: string): Promise<StoredManifest> {
  const reference = referenceOfPath(relative(store.manifests, path));
  if (!reference) return { path, problem: new PullError('InvalidReference', `${path} is not the name of a model`) };
  try {
    const bytes = await readBounded(path, MAX_MANIFEST_BYTES, path);
    if (!bytes) throw new PullError('Corrupt', `${path} is missing`);
    return { reference, path, raw: parseManifest(bytes, path) };
  } catch (error) {
    return { reference, path, problem: error instanceof PullError ? error : new PullError('Internal', String(error)) };
  }
}

/** Everything that Ollama would take for a manifest, readable or not, in the order of the paths. */
export async function listManifests(store: Store): Promise<StoredManifest[]> {
  const stored: StoredManifest[] = [];
  for (const path of await filesBelow(store.manifests, DEPTH)) stored.push(await readStored(store, path));
  return stored;
}
