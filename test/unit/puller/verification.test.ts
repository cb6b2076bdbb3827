import { rm, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/models/digest.ts';
import { type Descriptor, layerMediaTypes } from '../../../src/models/manifest.ts';
import { servedName } from '../../../src/models/servedName.ts';
import { blobPath, type Store } from '../../../src/models/store.ts';
import { writeBlob } from '../../../src/models/storeBlobs.ts';
import { readManifest, writeManifest } from '../../../src/models/storeManifests.ts';
import { createProgress } from '../../../src/puller/progress.ts';
import { badBlobs } from '../../../src/puller/verification.ts';
import { descriptorOf, putModel, temporaryStore } from '../models/temporaryStore.ts';
import { createVirtualClock } from '../virtualClock.ts';

const weights = Buffer.alloc(1_100_000, 7);
const large = descriptorOf(layerMediaTypes.model, weights);
const small = descriptorOf(layerMediaTypes.template, Buffer.from('small'));

let store: Store;
let checked: Set<Digest>;

beforeEach(async () => {
  store = await temporaryStore();
  checked = new Set();
  for (const bytes of [weights, Buffer.from('small')]) await writeBlob(store, bytes);
});

const progress = createProgress({ revision: 'r', reference: 't', clock: createVirtualClock(), sinks: [] });

const bad = (blobs: Descriptor[], verify: 'OnPull' | 'OnStart' = 'OnPull') =>
  badBlobs(store, blobs, { verify, checked, progress, signal: new AbortController().signal });

/** As a pull of ours leaves it. */
async function vouch() {
  const { reference, digest } = await putModel(store, 'tiny:latest', 'x', [large, small]);
  const raw = await readManifest(store, reference);
  await writeManifest(store, servedName('source', reference, digest), raw?.bytes ?? Buffer.alloc(0));
}

const damage = ({ digest, size }: Descriptor) => writeFile(blobPath(store, digest), Buffer.alloc(size, 1));

describe('blobs of a store', () => {
  it('are hashed where no pull of ours has written a model with them', async () => {
    await putModel(store, 'tiny:latest', 'x', [large, small]);
    await damage(large);
    expect(await bad([large, small])).toEqual([large]);
    expect([...checked]).toEqual([small.digest]);
  });

  it('are believed where one has, unless they are small', async () => {
    await vouch();
    await damage(large);
    await damage(small);
    expect(await bad([large, small])).toEqual([small]);
  });

  it('are all hashed at every start, if that is wanted', async () => {
    await vouch();
    await damage(large);
    expect(await bad([large, small], 'OnStart')).toEqual([large]);
  });

  it('are not hashed twice in one run', async () => {
    checked.add(large.digest);
    await damage(large);
    expect(await bad([large], 'OnStart')).toEqual([]);
  });

  it('that are missing are nobody to be blamed for', async () => {
    await rm(blobPath(store, large.digest));
    expect(await bad([large, small])).toEqual([]);
  });

  it('are not believed because of a name whose manifest is another', async () => {
    const { reference } = await putModel(store, 'tiny:latest', 'x', [large]);
    const raw = await readManifest(store, reference);
    await writeManifest(store, servedName('source', reference, digestOf('other')), raw?.bytes ?? Buffer.alloc(0));
    await damage(large);
    expect(await bad([large])).toEqual([large]);
  });
});
