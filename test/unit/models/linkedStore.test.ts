import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { linkFrom } from '../../../src/models/linkedStore.ts';
import { layerMediaTypes } from '../../../src/models/manifest.ts';
import { blobPath, hasBlob, type Store } from '../../../src/models/store.ts';
import { checkBlob, listBlobs, writeBlob } from '../../../src/models/storeBlobs.ts';
import { descriptorOf, temporaryFolder, temporaryStore } from './temporaryStore.ts';

const weights = Buffer.from('weights');
const layer = descriptorOf(layerMediaTypes.model, weights);

async function twoStores(): Promise<{ store: Store; source: Store }> {
  const source = await temporaryStore();
  await writeBlob(source, weights);
  return { store: await temporaryStore(), source };
}

describe('a store of links', () => {
  it('holds a blob of another one for as long as that has it', async () => {
    const { store, source } = await twoStores();
    await linkFrom(store, source, layer);
    expect(await checkBlob(store, layer)).toBe('good');
    await rm(blobPath(source, digestOf(weights)));
    expect(await checkBlob(store, layer)).toBe('missing');
  });

  it('writes nothing into the other one', async () => {
    const { store, source } = await twoStores();
    await linkFrom(store, source, layer);
    await writeBlob(store, Buffer.from('a layer of its own'));
    expect(await listBlobs(store)).toHaveLength(2);
    expect(await listBlobs(source)).toHaveLength(1);
  });

  it('refuses a blob that is a link out of the other one', async () => {
    const { store, source } = await twoStores();
    const secret = join(await temporaryFolder(), 'secret');
    await writeFile(secret, 'weights');
    const blob = blobPath(source, layer.digest);
    await rm(blob);
    await symlink(secret, blob);
    await expect(linkFrom(store, source, layer)).rejects.toMatchObject({
      reason: 'Corrupt',
      message: `${blob} is a link that leads out of ${source.root}; put the file itself there`,
    });
    expect(await hasBlob(store, layer)).toBe(false);
  });
});
