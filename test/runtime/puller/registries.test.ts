// Pulls from registries that are not ours: open, with a password, with tokens, over TLS with a private authority.
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { blobPath } from '../../../src/models/store.ts';
import { checkBlob } from '../../../src/models/storeBlobs.ts';
import { type AtEnd, given } from '../given.ts';
import { tinyLlama } from '../models/llama.ts';
import { type WrittenModel, writeModel } from '../models/written.ts';
import { type RegistryOptions, type RunningRegistry, startRegistry } from '../registries/server.ts';
import { upload } from '../registries/upload.ts';
import { createPod, type Pod } from './pod.ts';

interface World {
  registry: RunningRegistry;
  model: WrittenModel;
  reference: string;
  pod: Pod;
}

let seed = 300;

async function prepare(options: RegistryOptions, atEnd: AtEnd): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-upload-'));
  atEnd(() => rm(folder, { recursive: true }));
  const model = await writeModel(folder, 'library/tiny:v1', { gguf: tinyLlama({ seed: seed++ }) });
  const registry = await startRegistry(options);
  atEnd(registry.stop);
  const { reference } = await upload(registry, folder, 'library/tiny:v1');
  return { registry, model, reference, pod: await createPod(atEnd) };
}

const sizeOf = ({ config, layers }: WrittenModel) => [config, ...layers].reduce((sum, { size }) => sum + size, 0);

/** What clients have asked of it: Distribution logs every request twice, the other one once. */
const requestsTo = async ({ log, tokens }: RunningRegistry): Promise<number> =>
  (await log()).split('\n').filter((line) => /\bGET\b|http\.request\.method=GET/.test(line)).length +
  (tokens?.requests.length ?? 0);

describe.each([
  { kind: 'gcr', auth: 'none', tls: false, redirects: true },
  { kind: 'gcr', auth: 'basic', tls: true },
  { kind: 'distribution', auth: 'none', tls: true },
  { kind: 'distribution', auth: 'basic', tls: false },
  { kind: 'distribution', auth: 'bearer', tls: true },
] as const)('$kind, authentication: $auth, TLS: $tls', (options) => {
  const world = given(['registries'], ({ registries: binaries }, atEnd) => prepare({ binaries, ...options }, atEnd));

  if (options.auth !== 'none')
    test('without the password nothing is published, and the exit says why', async () => {
      const { registry, reference, pod } = world();
      const source = await pod.from(registry, { without: 'credentials' });
      const { exitCode, message } = await pod.pull({ reference, source });
      expect({ exitCode, reason: message.reason }).toEqual({ exitCode: 22, reason: 'Unauthorized' });
      expect(message.message).toContain(registry.host);
    });

  test('a model is pulled, whole, with the digest that the registry has', async () => {
    const { registry, reference, pod, model } = world();
    const { exitCode, message, log } = await pod.pull({ reference, source: await pod.from(registry) });
    expect({ exitCode, log }).toMatchObject({ exitCode: 0 });
    const sizeBytes = sizeOf(model);
    expect(message).toMatchObject({ reason: 'Done', digest: model.digest, sizeBytes, fetchedBytes: sizeBytes });
    for (const blob of [model.config, ...model.layers]) expect(await checkBlob(pod.store, blob)).toBe('good');
  });

  test('a restart asks nobody for anything', async () => {
    const { registry, reference, pod } = world();
    const before = await requestsTo(registry);
    expect(before).toBeGreaterThan(0);
    const { message } = await pod.pull({ reference, source: await pod.from(registry) });
    expect(message).toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    expect(await requestsTo(registry)).toBe(before);
  });
});

describe('a byte of the weights that has flipped', () => {
  const world = given(['registries'], async ({ registries: binaries }, atEnd) => {
    const prepared = await prepare({ binaries, kind: 'distribution' }, atEnd);
    const source = await prepared.pod.from(prepared.registry);
    const pull = (verify: 'OnPull' | 'OnStart') => prepared.pod.pull({ reference: prepared.reference, source, verify });
    const flip = async () => {
      await using file = await open(blobPath(prepared.pod.store, prepared.model.weights), 'r+');
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 100_000);
      await file.write(Buffer.from([buffer.readUInt8() ^ 1]), 0, 1, 100_000);
    };
    expect((await pull('OnPull')).message.reason).toBe('Done');
    return { ...prepared, pull, flip };
  });

  test('is found at the start where each start shall look, and mended over the network', async () => {
    const { pull, flip, pod, model } = world();
    await flip();
    const weights = model.layers.find(({ digest }) => digest === model.weights);
    const { exitCode, message } = await pull('OnStart');
    expect({ exitCode, ...message }).toMatchObject({ exitCode: 0, reason: 'Done', fetchedBytes: weights?.size });
    expect(await readFile(blobPath(pod.store, model.weights))).toHaveLength(weights?.size ?? 0);
    expect(weights && (await checkBlob(pod.store, weights))).toBe('good');
  });

  test('ends the pull where the registry no longer has them, and the message names the blob', async () => {
    const { pull, flip, pod, model, registry } = world();
    await flip();
    const { url, dispatcher } = registry;
    const removed = await fetch(`${url}/v2/library/tiny/blobs/${model.weights}`, { method: 'DELETE', dispatcher });
    expect(removed.status).toBe(202);
    const { exitCode, message } = await pull('OnStart');
    expect({ exitCode, ...message }).toMatchObject({ exitCode: 42, reason: 'Corrupt' });
    expect(message.message).toContain(blobPath(pod.store, model.weights));
  });
});
