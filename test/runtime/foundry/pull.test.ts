// The pull as a pod runs it: the real core, against what stands in for Microsoft's catalog, registry and storage.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { outcomes } from '../../../src/puller/outcome.ts';
import { parseProgress } from '../../../src/puller/progressReport.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { given } from '../given.ts';
import { tinyOnnx } from '../models/onnxLlama.ts';
import { call, loadedIds } from './api.ts';
import { type CatalogModel, type CatalogServer, startCatalog } from './catalog.ts';
import type { FoundryNatives } from './natives.ts';
import { createFoundryPod, type FoundryPod, towards, writeModelFolder } from './pod.ts';

const patience = { deadlineMs: 60_000 };
const cpu: CatalogModel = {
  name: 'tiny-generic-cpu',
  version: 2,
  alias: 'tiny',
  device: 'cpu',
  executionProvider: 'CPUExecutionProvider',
  files: tinyOnnx(),
};
const id = 'tiny-generic-cpu:2';
const sizeOf = ({ files }: CatalogModel) => Object.values(files).reduce((sum, { length }) => sum + length, 0);

interface World {
  natives: FoundryNatives;
  catalog: CatalogServer;
  pod: FoundryPod;
  env: Record<string, string>;
}

/** A pod of its own that finds a catalog of its own. */
async function newWorld(natives: FoundryNatives, models: CatalogModel[], atEnd: (act: () => Promise<unknown>) => void) {
  const catalog = await startCatalog(models);
  atEnd(catalog.close);
  const pod = await createFoundryPod(natives, atEnd);
  return { natives, catalog, pod, env: await towards(catalog, pod.folder) };
}

const world = given(['foundryLocal'], async ({ foundryLocal }) => foundryLocal);
const fresh = (...models: CatalogModel[]): Promise<World> =>
  newWorld(world(), models, (act) => onTestFinished(async () => void (await act())));

const weightsIn = ({ store }: FoundryPod) => join(store, 'Microsoft', 'tiny-generic-cpu-2', 'v1', 'model.onnx');

describe('an alias', () => {
  test('is resolved, fetched, hashed, and served offline after that', async () => {
    const { pod, catalog, env } = await fresh(cpu);
    const { message, exitCode, progress, log } = await pod.pull('tiny', { env });
    expect({ exitCode, message, log }).toMatchObject({
      exitCode: 0,
      message: { reason: 'Done', reference: 'tiny', family: 'llama', contextLength: 2048, fetchedBytes: sizeOf(cpu) },
    });
    const sizeBytes = sizeOf(cpu);
    expect(message.sizeBytes).toBe(sizeBytes);
    expect(progress).toMatchObject({ phase: 'Done', model: { name: id, digest: message.digest, sizeBytes } });
    await catalog.close();
    const server = await pod.serve('tiny');
    expect(await loadedIds(server.url)).toEqual([id]);
    const known = await readFile(join(pod.home, '.foundry-local/models/foundry.modelinfo.json'), 'utf8');
    expect(JSON.parse(known)).toMatchObject({ models: [{ id, task: 'chat-completion', maxOutputTokens: 512 }] });
    const messages = [{ role: 'user', content: 'hi' }];
    const { body } = await call(server.url, '/v1/chat/completions', { model: id, messages });
    expect(body).toMatchObject({ choices: [{ message: { content: ' Hello from the tiny test model.' } }] });
  });

  test('that was pulled needs no network the next time, and takes no time', async () => {
    const { pod, catalog, env } = await fresh(cpu);
    const { message } = await pod.pull('tiny', { env });
    const asked = catalog.requests.length;
    const again = await pod.pull('tiny', { env: { HTTPS_PROXY: 'http://127.0.0.1:9' } });
    expect(again.message).toMatchObject({ reason: 'Done', digest: message.digest, fetchedBytes: 0 });
    expect(catalog.requests).toHaveLength(asked);
    const neighbour = await pod.neighbour();
    expect((await neighbour.pull(id, { env: { FL_OFFLINE: '1' } })).message).toMatchObject({
      reason: 'Done',
      digest: message.digest,
    });
  });

  test('means the newest version for the device of the rung, and no other device', async () => {
    const gpu = { ...cpu, name: 'tiny-cuda-gpu', device: 'gpu', executionProvider: 'CUDAExecutionProvider' } as const;
    const { pod, env } = await fresh(gpu, { ...cpu, version: 1, files: tinyOnnx({ seed: 9 }) }, cpu);
    const { progress, message } = await pod.pull('tiny', { env });
    expect({ message, name: progress?.model?.name }).toMatchObject({ message: { reason: 'Done' }, name: id });
  });
});

describe('two pods that start at once on one store', () => {
  test('fetch a model once, and settle on the same files', async () => {
    const { pod, catalog, env } = await fresh(cpu);
    const neighbour = await pod.neighbour();
    const pulls = await Promise.all([pod.pull('tiny', { env }), neighbour.pull('tiny', { env, revision: 'other' })]);
    const [first, second] = pulls.map(({ message }) => message);
    expect(first).toMatchObject({ reason: 'Done' });
    expect(second).toMatchObject({ reason: 'Done', digest: first?.digest });
    expect(catalog.requests.filter((request) => request.endsWith('/model.onnx'))).toHaveLength(1);
  });
});

describe('what cannot be pulled', () => {
  test.each([
    ['an alias that the catalog does not have', 'phi-9', 'NotFound', /catalog has no phi-9; it has tiny/],
    ['an id that the catalog does not have', 'tiny-generic-cpu:7', 'NotFound', /catalog has no tiny-generic-cpu:7/],
    ['a variant for another device', 'tiny-cuda-gpu:2', 'WrongDevice', /is a variant for GPU, and this rung is CPU/],
    ['a name with a publisher', 'microsoft/tiny', 'InvalidReference', /is no alias or variant id/],
  ] as const)('%s', async (_, reference, reason, words) => {
    const { pod, env } = await fresh(cpu);
    const { message, exitCode } = await pod.pull(reference, { env });
    expect({ exitCode, message }).toMatchObject({
      exitCode: outcomes[reason].exitCode,
      message: { reason, message: expect.stringMatching(words) },
    });
  });

  test('an alias that has no variant for the device', async () => {
    const gpu = {
      ...cpu,
      name: 'big-cuda-gpu',
      alias: 'big',
      device: 'gpu',
      executionProvider: 'CUDAExecutionProvider',
    } as const;
    const { pod, env } = await fresh(gpu, cpu);
    const { message } = await pod.pull('big', { env });
    // The catalog shows a process what it can run, so it may not know of the other variants at all.
    expect(['WrongDevice', 'NotFound']).toContain(message.reason);
    expect(message.message).toContain('big');
  });

  test.each([
    [
      'nobody listens',
      { HTTPS_PROXY: 'http://127.0.0.1:9' },
      /the proxy 127.0.0.1:9 for the catalog cannot be reached/,
    ],
    ['the name is not known', { NO_PROXY: '*' }, /the catalog .* cannot be reached/],
  ])('anything where %s, which is told before the core is started', async (_, env, words) => {
    const { pod } = await fresh(cpu);
    const { message, exitCode, seconds } = await pod.pull('tiny', { env });
    expect({ exitCode, message }).toMatchObject({
      exitCode: outcomes.Unreachable.exitCode,
      message: { reason: 'Unreachable', message: expect.stringMatching(words) },
    });
    expect(seconds).toBeLessThan(60);
  });

  test('anything that is not there, with FL_OFFLINE', async () => {
    const { pod, catalog, env } = await fresh(cpu);
    const { message } = await pod.pull('tiny', { env: { ...env, FL_OFFLINE: '1' } });
    expect(message).toMatchObject({ reason: 'NotFound', message: expect.stringContaining('FL_OFFLINE') });
    expect(catalog.requests).toEqual([]);
  });
});

describe('a download', () => {
  test('that is stopped leaves nothing that counts as a model, and the next pull makes it whole', async () => {
    const { pod, catalog, env } = await fresh(cpu);
    let reached = false;
    catalog.onBlob = async (name, bytes) => {
      if (name !== 'model.onnx') return bytes;
      reached = true;
      return new Promise(() => undefined);
    };
    const pull = pod.begin('tiny', { env });
    await waitFor('the weights are asked for', async () => reached || undefined, patience);
    const file = join(pod.folder, 'shared', 'progress.json');
    const phase = async () => parseProgress(await readFile(file, 'utf8'))?.phase;
    await waitFor('the progress file says so', async () => (await phase()) === 'Fetching' || undefined, patience);
    pull.kill('SIGTERM');
    expect((await pull.ended).message).toMatchObject({ reason: 'Internal', message: /stopped by SIGTERM/ });
    expect((await pod.pull(id, { env: { FL_OFFLINE: '1' } })).message.reason).toBe('NotFound');
    catalog.onBlob = (_, bytes) => bytes;
    expect((await pod.pull('tiny', { env })).message).toMatchObject({ reason: 'Done' });
    expect(await readFile(weightsIn(pod))).toEqual(cpu.files['model.onnx']);
  });

  test('whose connection breaks ends with the whole model, or with the reason', async () => {
    const { pod, catalog, env } = await fresh(cpu);
    let broken = 0;
    catalog.onBlob = (name, bytes, response) => {
      if (name !== 'model.onnx' || broken++ > 0) return bytes;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 10_000), () => response.destroy());
      return undefined;
    };
    const { message } = await pod.pull('tiny', { env });
    expect(broken).toBeGreaterThan(0);
    if (message.reason === 'Done') expect(await readFile(weightsIn(pod))).toEqual(cpu.files['model.onnx']);
    else expect(message).toMatchObject({ reason: 'Unreachable' });
    expect((await pod.pull('tiny', { env })).message).toMatchObject({ reason: 'Done' });
    expect(await readFile(weightsIn(pod))).toEqual(cpu.files['model.onnx']);
  });

  test('of a model that was damaged since brings it back, byte for byte', async () => {
    const { pod, env } = await fresh(cpu);
    const { message } = await pod.pull('tiny', { env });
    const bytes = await readFile(weightsIn(pod));
    bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
    await writeFile(weightsIn(pod), bytes);
    const mended = await pod.pull('tiny', { env, verify: 'OnStart' });
    expect(mended.message).toMatchObject({ reason: 'Done', digest: message.digest });
    expect(mended.log).toContain('file in the store is not as it was');
    expect(await readFile(weightsIn(pod))).toEqual(cpu.files['model.onnx']);
  });

  test('that brings something else than the revision has settled on is refused', async () => {
    const { pod, catalog, env } = await fresh(cpu);
    const lockFile = join(pod.folder, 'lock.json');
    await writeFile(lockFile, JSON.stringify({ digest: `sha256:${'b'.repeat(64)}` }));
    const { message } = await pod.pull('tiny', { env, lockFile });
    expect(message).toMatchObject({ reason: 'DigestMismatch', message: expect.stringContaining(id) });
    expect(catalog.requests.length).toBeGreaterThan(0);
  });
});

describe('a model that was brought', () => {
  test('in the cache folder of another Foundry Local is found by its id', async () => {
    const { pod } = await fresh(cpu);
    const path = join(pod.folder, 'volume');
    await writeModelFolder(join(path, 'Microsoft', 'tiny-generic-cpu-2', 'v1'), cpu.files, id);
    const { message } = await pod.pull(id, { source: { kind: 'Volume', path, claimName: 'mine' } });
    expect(message).toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    const server = await pod.serve(id);
    expect(await loadedIds(server.url)).toEqual([id]);
    await expect(stat(join(pod.store, 'Microsoft'))).rejects.toThrow('ENOENT');
  });
});
