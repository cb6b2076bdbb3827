// The pull of Foundry Local with a core that does as it is told; with the real one: test/runtime/foundry.
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, test } from 'vitest';
import { CoreError } from '../../../src/foundryLocal/core.ts';
import { providers } from '../../../src/foundryLocal/providers.ts';
import { createPull } from '../../../src/foundryLocal/pull.ts';
import { PullError } from '../../../src/models/errors.ts';
import { type Clock, systemClock } from '../../../src/process/clock.ts';
import type { PullConfig } from '../../../src/puller/config.ts';
import { endingOf } from '../../../src/puller/ending.ts';
import type { TerminationMessage } from '../../../src/puller/outcome.ts';
import { createProgress } from '../../../src/puller/progress.ts';
import type { ProgressReport } from '../../../src/puller/progressReport.ts';
import { createEagerClock } from '../../fault/eagerClock.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { smallFileSystem } from '../../fault/smallFileSystem.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';
import { createFakeCore, type FakeCore, tiny, tinyFiles, writeFiles } from './fakeCore.ts';

let folder: string;
let store: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  store = join(folder, 'models');
});

interface Run extends TerminationMessage {
  reports: ProgressReport[];
}

interface Options {
  core?: FakeCore;
  offline?: boolean;
  reach?: () => Promise<void>;
  signal?: AbortSignal;
  home?: string;
  clock?: Clock;
}

async function pull(changes: Partial<PullConfig> = {}, options: Options = {}): Promise<Run> {
  const { core = createFakeCore(), offline = false, reach = async () => undefined, clock = systemClock } = options;
  const revision = changes.revision ?? 'r1';
  const config: PullConfig = {
    runtime: 'FoundryLocal',
    runtimeVersion: '1.2.3',
    revision,
    reference: 'tiny',
    verify: 'OnPull',
    source: { kind: 'Registry', mirrors: [], plainHttp: false },
    store,
    lockFile: join(folder, 'lock', `${revision}.json`),
    progressFile: join(folder, 'progress.json'),
    terminationMessagePath: join(folder, 'outcome.json'),
    ...changes,
  };
  const settings = {
    home: options.home ?? join(folder, 'home'),
    store,
    libraries: '/nowhere',
    provider: providers.cpu,
    offline,
  };
  const reports: ProgressReport[] = [];
  const sinks = [(report: ProgressReport) => void reports.push(report)];
  const { log } = recordLog();
  const message = await endingOf(
    config,
    {
      clock,
      random: () => 0.5,
      log,
      progress: createProgress({ revision, reference: config.reference, clock, sinks }),
      owner: { host: 'test', pid: process.pid },
      userAgent: '',
      proxies: {},
      signal: options.signal ?? new AbortController().signal,
    },
    createPull(settings, { startCore: core.start, reachCatalog: reach }),
  );
  return { ...message, reports };
}

const weights = () => join(store, 'Microsoft', 'tiny-generic-cpu-2', 'v1', 'model.onnx');

describe('a pull from the catalog', () => {
  it('resolves the alias, fetches, lists the files and tells the server', async () => {
    const ending = await pull();
    expect(ending).toMatchObject({ reason: 'Done', reference: 'tiny', family: 'phi3', contextLength: 2048 });
    expect(ending.digest).toBe(ending.servedDigest);
    const size = Object.values(tinyFiles).reduce((sum, { length }) => sum + length, 0);
    expect(ending.sizeBytes).toBe(size);
    expect(ending.reports.at(-1)?.model).toMatchObject({ name: 'tiny-generic-cpu:2', digest: ending.digest });
    const served = JSON.parse(await readFile(join(folder, 'home', 'served.json'), 'utf8'));
    expect(served).toMatchObject({
      reference: 'tiny',
      id: 'tiny-generic-cpu:2',
      folder: join(store, 'Microsoft/tiny-generic-cpu-2/v1'),
    });
  });

  it('asks nobody the second time, not even to start the core', async () => {
    const { digest } = await pull();
    const core = createFakeCore();
    const again = await pull({}, { core, reach: () => Promise.reject(new PullError('Unreachable', 'no network')) });
    expect(again).toMatchObject({ reason: 'Done', digest, fetchedBytes: 0 });
    expect(core.said).toEqual([]);
  });

  it('settles an alias once per revision: a newer version in the catalog is for the next revision', async () => {
    const { digest } = await pull();
    const newer = { ...tiny, id: 'tiny-generic-cpu:3', version: 3 };
    const files = { ...tinyFiles, 'model.onnx': 'better weights' };
    const core = createFakeCore({ variants: async () => [newer, tiny] }, files);
    expect(await pull({}, { core })).toMatchObject({ reason: 'Done', digest });
    const next = await pull({ revision: 'r2' }, { core });
    expect(next.reports.at(-1)?.model?.name).toBe('tiny-generic-cpu:3');
    expect(next.digest).not.toBe(digest);
  });

  it('takes what another revision has brought, and does not touch it', async () => {
    const { digest } = await pull();
    const core = createFakeCore();
    expect(await pull({ revision: 'r2' }, { core })).toMatchObject({ reason: 'Done', digest, fetchedBytes: 0 });
    expect(core.said).not.toContain('download');
  });

  it('counts as fetched what has come, whatever the catalog says of its size', async () => {
    const { fetchedBytes, sizeBytes } = await pull();
    expect(fetchedBytes).toBe(sizeBytes);
  });

  test.each([
    [
      'the catalog is out of reach',
      { reach: () => Promise.reject(new PullError('Unreachable', 'no route')) },
      'Unreachable',
      'no route',
    ],
    [
      'the core cannot fetch',
      { core: createFakeCore({ download: () => Promise.reject(new CoreError('Failed', 'HTTP 503')) }) },
      'Unreachable',
      'HTTP 503',
    ],
    [
      'the disk is full',
      { core: createFakeCore({ download: () => Promise.reject(new CoreError('Failed', 'No space left on device')) }) },
      'DiskFull',
      'No space',
    ],
    [
      'the catalog has no such model',
      { core: createFakeCore({ variants: async () => [] }) },
      'NotFound',
      'has no tiny',
    ],
    ['nothing may be asked', { offline: true }, 'NotFound', 'FL_OFFLINE'],
    [
      'what arrives has no tokenizer',
      { core: createFakeCore({}, { 'genai_config.json': tinyFiles['genai_config.json'] ?? '', 'model.onnx': 'w' }) },
      'NotFound',
      'tokenizer.json is missing',
    ],
    [
      'what arrives cannot be read',
      { core: createFakeCore({}, { 'genai_config.json': '{' }) },
      'Corrupt',
      'genai_config.json',
    ],
  ])('says so when %s', async (_, options, reason, words) => {
    const ending = await pull({}, options);
    expect(ending).toMatchObject({ reason, message: expect.stringContaining(words) });
    await expect(stat(join(folder, 'home', 'served.json'))).rejects.toThrow('ENOENT');
  });

  it('gives up a catalog that does not answer', async () => {
    const core = createFakeCore({ variants: () => new Promise(() => undefined) });
    expect(await pull({}, { core, clock: createEagerClock() })).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('within 60 s'),
    });
  });

  it('gives up a download in which nothing arrives any more', async () => {
    const core = createFakeCore({ download: () => new Promise(() => undefined) });
    expect(await pull({}, { core, clock: createEagerClock() })).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('5 minutes'),
    });
  });

  it.each(['start', 'variants'])('stops when it is told to while the core hangs at %s', async (word) => {
    const stop = new AbortController();
    const hang = () => {
      stop.abort('SIGTERM');
      return new Promise<never>(() => undefined);
    };
    const core = word === 'start' ? { ...createFakeCore(), start: hang } : createFakeCore({ variants: hang });
    expect(await pull({}, { core, signal: stop.signal })).toMatchObject({
      reason: 'Internal',
      message: expect.stringContaining('stopped by SIGTERM'),
    });
    if (word === 'variants') expect(core.said).toContain('end');
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const core = createFakeCore({
      download: async (_, { signal }) => {
        stop.abort('SIGTERM');
        signal.throwIfAborted();
      },
    });
    expect(await pull({}, { core, signal: stop.signal })).toMatchObject({
      reason: 'Internal',
      message: /stopped by SIGTERM/,
    });
  });
});

describe('a store that was damaged', () => {
  it('is fetched anew where a file is missing or has another size', async () => {
    const { digest } = await pull();
    await writeFile(weights(), 'wei');
    const core = createFakeCore();
    const { reason, fetchedBytes, sizeBytes, ...again } = await pull({}, { core });
    expect({ reason, fetchedBytes, digest: again.digest }).toEqual({ reason: 'Done', fetchedBytes: sizeBytes, digest });
    expect(await readFile(weights(), 'utf8')).toBe('weights');
  });

  it('is noticed at once where the file is small, and with OnStart where it is large', async () => {
    const large = { ...tinyFiles, 'model.onnx': 'x'.repeat(2 * 1024 * 1024) };
    await pull({}, { core: createFakeCore({}, large) });
    await writeFile(weights(), 'y'.repeat(2 * 1024 * 1024));
    const core = createFakeCore({}, large);
    expect(await pull({}, { core })).toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    expect(core.said).toEqual([]);
    const { reason, fetchedBytes, sizeBytes } = await pull({ verify: 'OnStart' }, { core });
    expect({ reason, fetchedBytes }).toEqual({ reason: 'Done', fetchedBytes: sizeBytes });
    expect(await readFile(weights(), 'utf8')).toMatch(/^x/);
  });
});

describe('the lock of a revision', () => {
  const lock = async (digest: string) => {
    await mkdir(join(folder, 'lock'), { recursive: true });
    await writeFile(join(folder, 'lock', 'r1.json'), JSON.stringify({ digest }));
  };

  it('refuses what another pod of the revision does not serve', async () => {
    await lock(`sha256:${'a'.repeat(64)}`);
    expect(await pull()).toMatchObject({
      reason: 'DigestMismatch',
      message: expect.stringContaining('tiny-generic-cpu:2'),
    });
  });

  it('refuses it also where the store has it whole, and leaves the files of other revisions alone', async () => {
    await pull({ revision: 'r0' });
    await lock(`sha256:${'a'.repeat(64)}`);
    const core = createFakeCore();
    expect(await pull({}, { core })).toMatchObject({ reason: 'DigestMismatch' });
    expect(core.said).not.toContain('download');
  });

  it('finds the variant that it means in a store that knows no such revision', async () => {
    const { digest } = await pull();
    await lock(digest ?? '');
    await rm(join(store, '.local-model', 'foundry', 'revisions'), { recursive: true });
    const core = createFakeCore();
    expect(await pull({}, { core })).toMatchObject({ reason: 'Done', digest });
    expect(core.said).toEqual([]);
  });
});

describe('a model that was brought', () => {
  const source = (path: string) => ({ kind: 'Volume' as const, path, claimName: 'mine' });

  it('is served from where it lies, under the name of the spec', async () => {
    const path = await writeFiles(join(folder, 'volume'), tinyFiles);
    const core = createFakeCore();
    const ending = await pull({ reference: 'my-phi', source: source(path) }, { core });
    expect(ending).toMatchObject({ reason: 'Done', fetchedBytes: 0 });
    expect(ending.reports.at(-1)?.model?.name).toBe('my-phi:1');
    expect(core.said).toEqual([]);
    expect(JSON.parse(await readFile(join(folder, 'home', 'served.json'), 'utf8'))).toMatchObject({ folder: path });
  });

  it('is found in a cache folder that a Foundry Local has filled, by its id', async () => {
    const cache = join(folder, 'volume');
    const files = { ...tinyFiles, 'inference_model.json': '{}' };
    await writeFiles(join(cache, 'Microsoft', 'phi-generic-cpu-5', 'v5'), files);
    await writeFiles(join(cache, 'Microsoft', 'other-generic-cpu-1', 'v1'), files);
    const ending = await pull({ reference: 'phi-generic-cpu:5', source: source(cache) });
    expect(ending.reports.at(-1)?.model?.name).toBe('phi-generic-cpu:5');
    expect(await pull({ reference: 'phi-generic-cpu:6', source: source(cache) })).toMatchObject({
      reason: 'NotFound',
      message: expect.stringMatching(/has no phi-generic-cpu:6; it has .*phi-generic-cpu:5/),
    });
  });

  const forCuda = JSON.stringify({
    model: { type: 'phi3', decoder: { filename: 'model.onnx', session_options: { provider_options: [{ cuda: {} }] } } },
  });

  test.each([
    ['nothing there', {}, 'NotFound', 'has nothing at'],
    ['no model', { 'README.md': 'hello' }, 'NotFound', 'has no genai_config.json'],
    [
      'a model without weights',
      { ...tinyFiles, 'model.onnx': undefined },
      'NotFound',
      'model.onnx is missing, which genai_config.json names',
    ],
    [
      'a model without tokenizer',
      { ...tinyFiles, 'tokenizer.json': undefined },
      'NotFound',
      'tokenizer.json is missing',
    ],
    ['a model for another device', { ...tinyFiles, 'genai_config.json': forCuda }, 'WrongDevice', 'is made for cuda'],
    ['two models', { 'a/genai_config.json': '{}', 'b/genai_config.json': '{}' }, 'NotFound', 'several models (a, b)'],
  ])('%s is told as what it is', async (_, files, reason, words) => {
    const there = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const path = join(folder, 'volume');
    await mkdir(path);
    await writeFiles(path, Object.fromEntries(there));
    const ending = await pull({ reference: 'my-phi', source: source(path) });
    expect(ending).toMatchObject({ reason, message: expect.stringContaining(words) });
  });

  it('must be what model.expect says', async () => {
    const path = await writeFiles(join(folder, 'volume'), tinyFiles);
    const expect_ = { family: 'phi3', minContext: 2048 };
    expect(await pull({ reference: 'a', source: source(path), expect: expect_ })).toMatchObject({ reason: 'Done' });
    const other = { family: 'qwen2', minContext: 9000 };
    expect(await pull({ reference: 'a', source: source(path), expect: other })).toMatchObject({
      reason: 'ExpectationMismatch',
      message: 'a:1: the family is phi3, not qwen2; it was trained for 2048 tokens of context, fewer than 9000',
    });
  });
});

describe('a claim', () => {
  it('that people have filled is taken as it is, without a word to the catalog', async () => {
    const files = { ...tinyFiles, 'inference_model.json': '{}' };
    await writeFiles(join(store, 'Microsoft', 'tiny-generic-cpu-2', 'v1'), files);
    const core = createFakeCore();
    expect(await pull({ reference: 'tiny-generic-cpu:2' }, { core, offline: true })).toMatchObject({ reason: 'Done' });
    expect(core.said).toEqual([]);
  });

  it('with half a download is not', async () => {
    await writeFiles(join(store, 'Microsoft', 'tiny-generic-cpu-2', 'v1'), tinyFiles);
    expect(await pull({ reference: 'tiny-generic-cpu:2' }, { offline: true })).toMatchObject({ reason: 'NotFound' });
  });

  it('is tidied of what no revision needs, when it is ours', async () => {
    const tidy = { keepRevisions: 1 };
    await pull({ tidy });
    const newer = { ...tiny, id: 'tiny-generic-cpu:3', version: 3 };
    const core = createFakeCore({ variants: async () => [newer] });
    await pull({ revision: 'r2', tidy }, { core });
    await expect(stat(weights())).rejects.toThrow('ENOENT');
    expect(await readFile(weights().replace('cpu-2', 'cpu-3'), 'utf8')).toBe('weights');
  });

  it('is tidied of downloads that were never finished, an hour after their last byte, when it is ours', async () => {
    const half = (name: string, files = tinyFiles) => writeFiles(join(store, 'Microsoft', name, 'v1'), files);
    const paths = [
      await half('other-generic-cpu-1'),
      await half('filled-1', { ...tinyFiles, 'inference_model.json': '' }),
    ];
    const past = new Date(Date.now() - 2 * 3_600_000);
    for (const path of paths)
      for (const name of ['..', '.', ...Object.keys(tinyFiles)]) await utimes(join(path, name), past, past);
    await half('young-generic-cpu-1');
    await pull();
    expect(await readdir(join(store, 'Microsoft'))).toHaveLength(4);
    expect(await pull({ tidy: { keepRevisions: 1 } })).toMatchObject({ reason: 'Done' });
    expect(await readdir(join(store, 'Microsoft'))).toEqual(['filled-1', 'tiny-generic-cpu-2', 'young-generic-cpu-1']);
  });

  it('keeps what a revision with pods needs', async () => {
    await pull({ tidy: { keepRevisions: 1 } });
    await mkdir(join(folder, 'lock'), { recursive: true });
    await writeFile(join(folder, 'lock', 'r1.json'), '{}');
    const newer = { ...tiny, id: 'tiny-generic-cpu:3', version: 3 };
    const core = createFakeCore({ variants: async () => [newer] });
    expect(await pull({ revision: 'r2', tidy: { keepRevisions: 1 } }, { core })).toMatchObject({ reason: 'Done' });
    expect(await readFile(weights(), 'utf8')).toBe('weights');
  });

  it('is not tidied while a record in it cannot be read: a later version may have written it, for a revision with pods', async () => {
    const tidy = { keepRevisions: 1 };
    await pull({ tidy });
    await mkdir(join(folder, 'lock'), { recursive: true });
    await writeFile(join(folder, 'lock', 'r1.json'), '{}');
    const record = join(store, '.local-model', 'foundry', 'revisions', 'r1.json');
    await writeFile(record, (await readFile(record, 'utf8')).replace('"schema":1', '"schema":2'));
    const newer = { ...tiny, id: 'tiny-generic-cpu:3', version: 3 };
    const core = createFakeCore({ variants: async () => [newer] });
    expect(await pull({ revision: 'r2', tidy }, { core })).toMatchObject({ reason: 'Done' });
    expect(await readFile(weights(), 'utf8')).toBe('weights');
  });

  it('that is full keeps no pod from a model that is whole in it', async ({ skip }) => {
    const small = smallFileSystem(onTestFinished);
    skip(!small, 'a small file system cannot be mounted here');
    store = join(small ?? '', 'models');
    await pull();
    await expect(writeFile(join(small ?? '', 'other'), Buffer.alloc(2 ** 20))).rejects.toThrow('ENOSPC');
    expect(await pull()).toMatchObject({ reason: 'Done' });
    // Of another revision nobody would know that it needs the model.
    expect(await pull({ revision: 'r2' })).toMatchObject({ reason: 'DiskFull' });
  });
});
