import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../src/models/reference.ts';
import { forgetRevision, readRevisions, recordRevision } from '../../../src/models/revisions.ts';
import { temporaryStore } from './temporaryStore.ts';

describe('records of revisions', () => {
  it('are replaced, never doubled', async () => {
    const store = await temporaryStore();
    const record = {
      revision: 'abc123',
      models: [parseReference('m'), parseReference('hf.co/a/b:c')],
      usedAt: '2026-01-01T00:00:00.000Z',
    };
    await recordRevision(store, { ...record, usedAt: '2025-01-01T00:00:00.000Z' });
    await recordRevision(store, record);
    expect(await readRevisions(store)).toEqual({ records: [record], unreadable: 0 });
  });

  it('cannot be led out of their folder', async () => {
    const record = { revision: '../../x', models: [], usedAt: '2026-01-01T00:00:00.000Z' };
    await expect(recordRevision(await temporaryStore(), record)).rejects.toMatchObject({ reason: 'Internal' });
  });

  it('are counted where they cannot be read', async () => {
    const store = await temporaryStore();
    for (const [name, text] of Object.entries({
      a: '{',
      b: '{"revision":"b","models":["../x"],"usedAt":"2026-01-01T00:00:00.000Z"}',
    }))
      await writeFile(join(store.revisions, `${name}.json`), text);
    expect(await readRevisions(store)).toEqual({ records: [], unreadable: 2 });
  });

  it('are forgotten once and for all', async () => {
    const store = await temporaryStore();
    await recordRevision(store, { revision: 'a', models: [], usedAt: '2026-01-01T00:00:00.000Z' });
    await forgetRevision(store, 'a');
    await forgetRevision(store, 'a');
    expect((await readRevisions(store)).records).toEqual([]);
  });
});
