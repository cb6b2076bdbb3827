// Everything of one kind at one point in the API server's history, read page by page.
import type { Client, ListOptions } from './client.ts';
import { ApiError } from './errors.ts';
import type { ResourceVersion } from './resourceVersion.ts';
import type { KubeObject, Resource } from './types.ts';

export interface SnapshotQuery<T> {
  client: Pick<Client, 'pages'>;
  resource: Resource;
  query: ListOptions;
  /** Applied page by page, so that a large cluster is never held untrimmed. */
  trim: (object: T) => T;
}

export interface ObjectsAt<T> {
  items: T[];
  resourceVersion: ResourceVersion;
}

/**
 * A consistent list: it asks for no resourceVersion, so it is never older than what anybody has seen before. When the page
 * token expires under it (410, compaction), it asks again for all in one page, which cannot expire. Throws ApiError.
 */
export async function takeSnapshot<T extends KubeObject>(snapshot: SnapshotQuery<T>): Promise<ObjectsAt<T>> {
  try {
    return await readPages(snapshot);
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'gone')) throw error;
    const { limit: _, ...query } = snapshot.query;
    return readPages({ ...snapshot, query });
  }
}

async function readPages<T extends KubeObject>({
  client,
  resource,
  query,
  trim,
}: SnapshotQuery<T>): Promise<ObjectsAt<T>> {
  const items: T[] = [];
  let resourceVersion: ResourceVersion | undefined;
  for await (const page of client.pages<T>(resource, query)) {
    // The first page's: should later pages be newer, a watch from here shows some changes twice, but misses none.
    resourceVersion ??= page.metadata.resourceVersion;
    for (const item of page.items) items.push(trim(item));
  }
  if (!resourceVersion) throw new Error(`the list of ${resource.plural} has no resourceVersion`);
  return { items, resourceVersion };
}
