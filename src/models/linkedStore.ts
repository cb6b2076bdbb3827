// A small writable store over a read-only one: its manifests and small blobs are its own, the weights are links.
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Digest } from './digest.ts';
import { fileError, PullError } from './errors.ts';
import { blobsOf, type Descriptor, type RawManifest } from './manifest.ts';
import { type Reference, shortReference } from './reference.ts';
import { blobPath, missingBlobs, type Store } from './store.ts';
import { linkBlob } from './storeBlobs.ts';
import { writeManifest } from './storeManifests.ts';

/**
 * A link of the source's own may not lead to other mounts of the pod: what is looked at here is opened elsewhere.
 * Throws a PullError `Corrupt` where `path` leads out of `root`.
 */
export async function refuseEscape(root: string, path: string): Promise<void> {
  try {
    const [top, real] = [await realpath(root), await realpath(path)];
    if (real.startsWith(top.endsWith(sep) ? top : `${top}${sep}`)) return;
  } catch (error) {
    throw fileError(error, `follow ${path}`);
  }
  throw new PullError('Corrupt', `${path} is a link that leads out of ${root}`);
}

async function linkable(source: Store, digest: Digest): Promise<string> {
  const path = blobPath(source, digest);
  await refuseEscape(source.root, path);
  return path;
}

/** Makes one blob of `source` one of `store`, as a link. Throws a PullError `Corrupt` where it leads out of the source. */
export const linkFrom = async (store: Store, source: Store, blob: Descriptor): Promise<void> =>
  linkBlob(store, blob, await linkable(source, blob.digest));

/**
 * Makes a model of `source` one of `store` without copying a weight: links first, the manifest last.
 * Throws a PullError `Corrupt` where the source lacks a blob, holds one of another size, or leads out of itself.
 */
export async function linkModel(
  store: Store,
  source: Store,
  name: Reference,
  { manifest, bytes }: RawManifest,
): Promise<void> {
  const blobs = blobsOf(manifest);
  const [missing] = await missingBlobs(source, blobs);
  if (missing)
    throw new PullError(
      'Corrupt',
      `${source.root} does not hold all of ${shortReference(name)}: ${blobPath(source, missing.digest)} is missing or not ${missing.size} bytes long`,
    );
  for (const blob of blobs) await linkFrom(store, source, blob);
  await writeManifest(store, name, bytes);
}
