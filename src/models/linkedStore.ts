// A store whose weights are links into another one, which is only read: an image or a volume.
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileError, PullError } from './errors.ts';
import type { Descriptor } from './manifest.ts';
import { blobPath, type Store } from './store.ts';
import { linkBlob } from './storeBlobs.ts';

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
  throw new PullError('Corrupt', `${path} is a link that leads out of ${root}; put the file itself there`);
}

/** Makes one blob of `source` one of `store`, as a link. Throws a PullError `Corrupt` where it leads out of the source. */
export async function linkFrom(store: Store, source: Store, blob: Descriptor): Promise<void> {
  const path = blobPath(source, blob.digest);
  await refuseEscape(source.root, path);
  await linkBlob(store, blob, path);
}
