// The core's memory of the catalog, a file in its cache folder. Without it, or a catalog, the core knows no model at all, not even one that
// lies in its cache; and what only the catalog says of a model (whether it calls tools, what it is for) stands there alone.
import { join } from 'node:path';
import * as z from 'zod';
import { readBounded } from '../models/files.ts';

export const SNAPSHOT = 'foundry.modelinfo.json';

/** As the core has written it; handed on as it is. */
export const catalogEntry = z.looseObject({ id: z.string() });
export type CatalogEntry = z.output<typeof catalogEntry>;

const snapshot = z.object({ models: z.array(catalogEntry) });

/** A few hundred models of a kilobyte or two. */
const MAX_BYTES = 16 * 1024 * 1024;

/** What the memory in this cache folder says of a model; undefined where it says nothing, or cannot be read. */
export async function entryIn(cache: string, id: string): Promise<CatalogEntry | undefined> {
  const path = join(cache, SNAPSHOT);
  try {
    const bytes = await readBounded(path, MAX_BYTES, path);
    return snapshot.parse(JSON.parse(bytes?.toString('utf8') ?? '')).models.find((entry) => entry.id === id);
  } catch {
    return undefined;
  }
}

/**
 * A memory of this model alone, or of none: then the one in the cache is somebody's own, which needs none. The core looks for a newer one
 * all the same, in vain, and goes on with this.
 * @param now milliseconds since the epoch
 */
export const snapshotOf = (entry: CatalogEntry | undefined, now: number): string =>
  JSON.stringify({
    version: 1,
    savedAt: new Date(now).toISOString().replace('Z', '+00:00'),
    models: entry ? [entry] : [],
    detectedRegion: 'eastus',
  });
