import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { recordRevision } from '../../../src/models/revisions.ts';
import type { Store } from '../../../src/models/store.ts';
import type { PullConfig } from '../../../src/puller/config.ts';
import { wantedModels } from '../../../src/puller/settled.ts';
import { temporaryStore } from '../models/temporaryStore.ts';

const [pin, locked, recorded, lora] = ['pin', 'lock', 'record', 'lora'].map((text) => digestOf(text));

async function setUp(changes: Partial<PullConfig> = {}) {
  const store = await temporaryStore();
  const config: PullConfig = {
    runtime: 'Ollama',
    runtimeVersion: '0.32.15',
    revision: 'r1',
    reference: 'tiny:1b',
    verify: 'OnPull',
    source: { kind: 'Registry', mirrors: [], plainHttp: false },
    store: store.root,
    lockFile: join(store.root, 'lock', 'r1.json'),
    progressFile: '',
    terminationMessagePath: '',
    ...changes,
  };
  return { store, config };
}

async function lockTo({ lockFile }: PullConfig, text: string) {
  await mkdir(dirname(lockFile), { recursive: true });
  await writeFile(lockFile, text);
}

const record = (store: Store, reference = 'registry.ollama.ai/library/tiny:1b', revision = 'r1') =>
  recordRevision(store, {
    revision,
    models: [],
    settled: [{ reference, digest: recorded ?? pin ?? 'sha256:' }],
    usedAt: '2026-01-01T00:00:00.000Z',
  });

const baseDigest = async (store: Store, config: PullConfig) => (await wantedModels(config, store))[0].digest;

describe('what a name means', () => {
  it('is open where nobody has settled it', async () => {
    const { store, config } = await setUp();
    expect(await wantedModels(config, store)).toEqual([{ reference: parseReference('tiny:1b'), digest: undefined }]);
  });

  it('is what the pin says, before lock and record', async () => {
    const { store, config } = await setUp({ digest: pin });
    await lockTo(config, JSON.stringify({ digest: locked }));
    await record(store);
    expect(await baseDigest(store, config)).toBe(pin);
  });

  it('is what the lock says, before the record', async () => {
    const { store, config } = await setUp();
    await lockTo(config, JSON.stringify({ reference: 'tiny:1b', digest: locked }));
    await record(store);
    expect(await baseDigest(store, config)).toBe(locked);
  });

  it('is what this revision has met before on this store', async () => {
    const { store, config } = await setUp();
    await record(store);
    expect(await baseDigest(store, config)).toBe(recorded);
  });

  it.each([
    ['another revision', 'registry.ollama.ai/library/tiny:1b', 'r0'],
    ['another name', 'registry.example/library/tiny:1b', 'r1'],
  ])('is not what %s has met', async (_, reference, revision) => {
    const { store, config } = await setUp();
    await record(store, reference, revision);
    expect(await baseDigest(store, config)).toBeUndefined();
  });

  it('is what the lock says for adapters too, in their order, also where the model itself is pinned', async () => {
    const adapters = [{ name: 'me/lora:v1', digest: lora }, { name: 'tiny:1b' }];
    const { store, config } = await setUp({ digest: pin, derived: { parameters: [], adapters } });
    await lockTo(config, JSON.stringify({ digest: locked, adapters: [recorded, locked] }));
    await record(store);
    expect((await wantedModels(config, store)).map(({ digest }) => digest)).toEqual([pin, lora, locked]);
  });

  it('needs no lock where everything is pinned', async () => {
    const { store, config } = await setUp({ digest: pin });
    await lockTo(config, '{');
    expect(await baseDigest(store, config)).toBe(pin);
  });

  it('is settled for adapters too', async () => {
    const adapters = [{ name: 'me/lora:v1', digest: lora }, { name: 'tiny:1b' }];
    const { store, config } = await setUp({ derived: { parameters: [], adapters } });
    await record(store);
    const [, first, second] = await wantedModels(config, store);
    expect([first?.digest, second?.digest]).toEqual([lora, recorded]);
  });
});

describe('what cannot be read', () => {
  it.each(['{', '{}', '{"digest":"latest"}', `{"digest":"${locked}","adapters":["latest"]}`])(
    'in the lock (%j) is not passed over',
    async (text) => {
      const { store, config } = await setUp();
      await lockTo(config, text);
      await expect(wantedModels(config, store)).rejects.toMatchObject({ reason: 'Internal', message: /r1\.json/ });
    },
  );

  it.each([
    [{ reference: 'a.b/c' }],
    [{ digest: 'sha256:12' }],
    [{ derived: { parameters: [], adapters: [{ name: 'x y' }] } }],
  ])('in the declaration (%j) is refused', async (changes) => {
    const { store, config } = await setUp(changes);
    await expect(wantedModels(config, store)).rejects.toMatchObject({ reason: 'InvalidReference' });
  });
});
