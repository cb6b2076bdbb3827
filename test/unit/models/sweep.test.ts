import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { formatReference } from '../../../src/models/reference.ts';
import { readRevisions, recordRevision } from '../../../src/models/revisions.ts';
import { manifestFile, type Store } from '../../../src/models/store.ts';
import { listBlobs, partialPath, writeBlob } from '../../../src/models/storeBlobs.ts';
import { listManifests } from '../../../src/models/storeManifests.ts';
import { GRACE_MS, sweep } from '../../../src/models/sweep.ts';
import { putModel, temporaryStore } from './temporaryStore.ts';

/** So late that everything that a test has just written is old. */
const later = () => Date.now() + 2 * GRACE_MS;
const options = (change: { keepRevisions?: number; now?: number; inUse?: string[] } = {}) => ({
  keepRevisions: 2,
  now: later(),
  ...change,
});
const models = async (store: Store) =>
  (await listManifests(store)).map(({ reference }) => reference && formatReference(reference));

async function revision(store: Store, name: string, day: number, weights = name) {
  const { reference } = await putModel(store, `m:${name}`, weights);
  await recordRevision(store, { revision: name, models: [reference], usedAt: `2026-01-0${day}T00:00:00.000Z` });
  return reference;
}

describe('sweep', () => {
  it('keeps the current and the previous model, and removes what only older ones need', async () => {
    const store = await temporaryStore();
    await revision(store, 'r1', 1, 'x'.repeat(1000));
    await revision(store, 'r2', 2);
    await revision(store, 'r3', 3);
    const swept = await sweep(store, options());
    expect(swept.models.map(({ tag }) => tag)).toEqual(['r1']);
    expect(swept.blobs).toEqual([digestOf('x'.repeat(1000))]);
    expect(swept.freedBytes).toBe(1000);
    expect(await models(store)).toEqual(['registry.ollama.ai/library/m:r2', 'registry.ollama.ai/library/m:r3']);
    expect((await readRevisions(store)).records.map((record) => record.revision)).toEqual(['r3', 'r2']);
    expect(await sweep(store, options())).toMatchObject({ models: [], blobs: [], freedBytes: 0 });
  });

  it('counts by last use, so that going back to an old revision keeps it', async () => {
    const store = await temporaryStore();
    const first = await revision(store, 'r1', 1);
    await revision(store, 'r2', 2);
    await revision(store, 'r3', 3);
    await recordRevision(store, { revision: 'r1', models: [first], usedAt: '2026-01-04T00:00:00.000Z' });
    expect((await sweep(store, options())).models.map(({ tag }) => tag)).toEqual(['r2']);
  });

  it('keeps an old revision that still has pods', async () => {
    const store = await temporaryStore();
    for (const [index, name] of ['r1', 'r2', 'r3', 'r4'].entries()) await revision(store, name, index + 1);
    expect((await sweep(store, options({ inUse: ['r1', 'gone'] }))).models.map(({ tag }) => tag)).toEqual(['r2']);
    expect((await readRevisions(store)).records.map((record) => record.revision)).toEqual(['r4', 'r3', 'r1']);
  });

  it('keeps blobs that a kept model shares with an old one', async () => {
    const store = await temporaryStore();
    await revision(store, 'r1', 1, 'shared');
    await revision(store, 'r2', 2, 'shared');
    const swept = await sweep(store, options({ keepRevisions: 1 }));
    expect(swept).toMatchObject({ models: [{ tag: 'r1' }], blobs: [] });
    expect(await listBlobs(store)).toContain(digestOf('shared'));
  });

  it('touches nothing young: it may be of a pull that is under way', async () => {
    const store = await temporaryStore();
    await revision(store, 'r1', 1);
    await revision(store, 'r2', 2);
    await writeBlob(store, Buffer.from('of a model to come'));
    await writeFile(partialPath(store, digestOf('p')), 'p');
    const before = await listBlobs(store);
    expect(await sweep(store, options({ keepRevisions: 1, now: Date.now() }))).toMatchObject({
      models: [],
      blobs: [],
      freedBytes: 0,
    });
    expect(await listBlobs(store)).toEqual(before);
  });

  it('counts a young manifest that no record knows among the needed', async () => {
    const store = await temporaryStore();
    await revision(store, 'r1', 1);
    const { reference } = await putModel(store, 'new', 'new weights');
    const young = new Date(later());
    await utimes(manifestFile(store, reference), young, young);
    expect(await sweep(store, options())).toMatchObject({ models: [], blobs: [] });
  });

  it('removes what crashes have left behind', async () => {
    const store = await temporaryStore();
    await revision(store, 'r1', 1);
    await writeBlob(store, Buffer.from('of no model'));
    for (const path of [partialPath(store, digestOf('p')), join(store.temp, 't'), join(store.bad, 'b')])
      await writeFile(path, '12345');
    const swept = await sweep(store, options());
    expect(swept).toMatchObject({ blobs: [digestOf('of no model')], freedBytes: 15 + 'of no model'.length });
    for (const folder of [store.partial, store.temp, store.bad]) expect(await readdir(folder)).toEqual([]);
  });

  it('removes no blob while a needed manifest cannot be read', async () => {
    const store = await temporaryStore();
    const kept = await revision(store, 'r1', 1);
    await writeFile(manifestFile(store, kept), '{');
    const before = await listBlobs(store);
    expect(await sweep(store, options())).toMatchObject({
      blobs: [],
      refused: expect.stringContaining('cannot be read'),
    });
    expect(await listBlobs(store)).toEqual(before);
  });

  it('removes a broken manifest that nobody needs', async () => {
    const store = await temporaryStore();
    await revision(store, 'r1', 1);
    const { reference } = await putModel(store, 'old', 'old weights');
    await writeFile(manifestFile(store, reference), '{');
    expect(await sweep(store, options())).toMatchObject({ models: [reference], blobs: [digestOf('old weights')] });
  });

  it('does nothing where no record says what is needed, or one cannot be read', async () => {
    const store = await temporaryStore();
    await putModel(store, 'm', 'weights');
    expect(await sweep(store, options())).toMatchObject({ models: [], refused: expect.stringContaining('no record') });
    await revision(store, 'r1', 1);
    await writeFile(join(store.revisions, 'r0.json'), '{"revision":"r0"}');
    expect(await sweep(store, options())).toMatchObject({ models: [], refused: expect.stringContaining('1 records') });
    expect(await models(store)).toHaveLength(2);
  });
});
