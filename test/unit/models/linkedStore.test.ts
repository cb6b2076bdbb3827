import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { linkModel } from '../../../src/models/linkedStore.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { blobPath } from '../../../src/models/store.ts';
import { checkBlob, listBlobs, writeBlob } from '../../../src/models/storeBlobs.ts';
import { listManifests, readManifest } from '../../../src/models/storeManifests.ts';
import { putModel, temporaryFolder, temporaryStore } from './temporaryStore.ts';

const phi = parseReference('phi4-mini:3.8b');

describe('a store over a read-only one', () => {
  it('holds the model without its weights', async () => {
    const [source, store] = [await temporaryStore(), await temporaryStore()];
    const { digest, layers } = await putModel(source, phi, 'weights');
    const raw = await readManifest(source, phi);
    if (!raw) throw new Error('the model is not there');
    await linkModel(store, source, phi, raw);
    expect((await readManifest(store, phi))?.digest).toBe(digest);
    for (const layer of layers) expect(await checkBlob(store, layer)).toBe('good');
    await writeBlob(store, Buffer.from('a layer of its own'));
    expect(await listBlobs(source)).toHaveLength(2);
    expect(await listBlobs(store)).toHaveLength(3);
  });

  it('says which blob the source lacks, and publishes nothing', async () => {
    const [source, store] = [await temporaryStore(), await temporaryStore()];
    await putModel(source, phi, 'weights');
    const raw = await readManifest(source, phi);
    if (!raw) throw new Error('the model is not there');
    await rm(blobPath(source, digestOf('weights')));
    await expect(linkModel(store, source, phi, raw)).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining(blobPath(source, digestOf('weights'))),
    });
    expect(await listManifests(store)).toEqual([]);
  });

  it('refuses a blob that is a link out of the source', async () => {
    const [source, store] = [await temporaryStore(), await temporaryStore()];
    await putModel(source, phi, 'weights');
    const raw = await readManifest(source, phi);
    if (!raw) throw new Error('the model is not there');
    const secret = join(await temporaryFolder(), 'secret');
    await writeFile(secret, 'weights');
    const blob = blobPath(source, digestOf('weights'));
    await rm(blob);
    await symlink(secret, blob);
    await expect(linkModel(store, source, phi, raw)).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining('leads out of'),
    });
    expect(await listManifests(store)).toEqual([]);
  });
});
