// A small writable store over a read-only one: its manifests and small blobs are its own, the weights are links.
import { PullError } from './errors.ts';
import { blobsOf, type RawManifest } from './manifest.ts';
import { type Reference, shortReference } from './reference.ts';
import { blobPath, missingBlobs, type Store } from './store.ts';
import { linkBlob } from './storeBlobs.ts';
import { writeManifest } from './storeManifests.ts';

/**
 * Makes a model of `source` one of `store` without copying a weight: links first, the manifest last.
 * Throws a PullError `Corrupt` where the source lacks a blob, or holds one of another size.
 */
export async function linkModel(store: Store, source: Store, name: Reference, { manifest, bytes }: RawManifest) {
  const blobs = blobsOf(manifest);
  const [missing] = await missingBlobs(source, blobs);
  if (missing)
    throw new PullError(
      'Corrupt',
      `${source.root} does not hold all of ${shortReference(name)}: ${blobPath(source, missing.digest)} is missing or not ${missing.size} bytes long`,
    );
  for (const blob of blobs) await linkBlob(store, blob, blobPath(source, blob.digest));
  await writeManifest(store, name, bytes);
}
