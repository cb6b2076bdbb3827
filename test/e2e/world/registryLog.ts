// What has been fetched from the registry within the node.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from './world.ts';

/** How many blobs were asked for since the node is up: each at least once per pull that found nothing in its store. */
export async function blobsFetched({ node: { layout } }: World): Promise<number> {
  const log = await readFile(join(layout.logs, 'registry.log'), 'utf8');
  return log.split('\n').filter((line) => /GET \/v2\/\S+\/blobs\//.test(line)).length;
}
