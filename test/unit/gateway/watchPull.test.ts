import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayConfig } from '../../../src/gateway/config.ts';
import { createTruth } from '../../../src/gateway/truth.ts';
import { pullStatusOf, pullWords, targetOf, watchPull } from '../../../src/gateway/watchPull.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { type ProgressReport, parseProgress } from '../../../src/puller/progressReport.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { testConfig } from './config.ts';
import { cpuRules, digest, otherDigest, up } from './pod.ts';

const served = `sha256:${'c'.repeat(64)}`;
const name = `localmodels.dev/derived/tiny:${'c'.repeat(64)}`;

const report = (changes: Partial<ProgressReport> = {}): ProgressReport => ({
  schema: 1,
  revision: 'r1',
  reference: 'tiny',
  phase: 'Fetching',
  startedAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:01.000Z',
  completedBytes: 2 ** 30,
  totalBytes: 2 ** 32,
  fetchedBytes: 2 ** 30,
  etaSeconds: 90,
  layers: [],
  ...changes,
});
const done = (changes: Partial<ProgressReport> = {}) =>
  report({
    phase: 'Done',
    completedBytes: 0,
    totalBytes: 0,
    model: { name, digest: served, sourceDigest: digest, sizeBytes: 2 ** 32 },
    ...changes,
  });

describe('what has to be served', () => {
  it('is not known before the model is published', () => {
    expect(targetOf(report(), undefined, 'Ollama')).toBeUndefined();
  });

  it('is what the pull has made of the source', () => {
    expect(targetOf(done(), undefined, 'Ollama')).toEqual({ name, digest: served });
    expect(targetOf(done(), digest, 'Ollama')).toEqual({ name, digest: served });
  });

  it('is never what the pull has found, where something else was settled on', () => {
    expect(targetOf(done(), otherDigest, 'Ollama')).toEqual({ name, digest: otherDigest });
  });

  it('has no digest with Foundry Local', () => {
    expect(targetOf(done(), undefined, 'FoundryLocal')).toEqual({ name });
  });
});

describe('the words for people', () => {
  it.each([
    [report(), 'Fetching 1.0 GiB of 4.0 GiB, 90 s left'],
    [report({ phase: 'Waiting', completedBytes: 0, totalBytes: 0, message: 'pod b is pulling' }), 'pod b is pulling'],
    [report({ phase: 'Failed', message: 'no such model' }), 'the pull has failed: no such model'],
  ])('say how far it is, whom it waits for, and why it failed', (given, words) => {
    expect(pullWords(given)).toContain(words);
  });
});

it('the status has what the contract with the operator has', () => {
  expect(pullStatusOf(report({ bytesPerSecond: 5, message: 'm' }))).toEqual({
    phase: 'Fetching',
    completedBytes: 2 ** 30,
    totalBytes: 2 ** 32,
    bytesPerSecond: 5,
    etaSeconds: 90,
    updatedAt: '2026-01-01T00:00:01.000Z',
    message: 'm',
  });
});

describe('the watch over the pull', () => {
  const atEnd: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const act of atEnd.splice(0)) await act();
  });

  async function watched(changes: Partial<GatewayConfig['model']> = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'lmo-watch-'));
    const clock = createVirtualClock();
    const { log, lines } = recordLog();
    const truth = createTruth({ rules: cpuRules, clock, log: silentLogger });
    const over = new AbortController();
    const [progressFile, lockFile] = [join(folder, 'progress.json'), join(folder, 'r1.json')];
    const config = testConfig({ progressFile, lockFile, model: { ...testConfig().model, ...changes } });
    const watch = watchPull({ config, truth, clock, log, signal: over.signal });
    atEnd.push(async () => {
      over.abort();
      await watch.ended;
      await rm(folder, { recursive: true });
    });
    const put = async (path: string, text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    /** Looks until it has seen what was put there. */
    const sees = async (condition: () => boolean) => {
      const deadline = performance.now() + 10_000;
      while (!condition()) {
        if (performance.now() > deadline) throw new Error(`not seen: ${condition}`);
        await clock.advance(1000);
      }
    };
    truth.observe(up);
    return { truth, watch, config, lines, put, sees };
  }

  it('tells the progress, then what has to be served', async () => {
    const { truth, watch, config, put, sees } = await watched();
    await put(config.progressFile, JSON.stringify(report()));
    await sees(() => watch.report() !== undefined);
    expect(truth.state.facts.pull).toEqual({ done: false, message: expect.stringContaining('1.0 GiB') });
    await put(config.progressFile, JSON.stringify(done()));
    await sees(() => truth.state.facts.target !== undefined);
    expect(truth.state.facts).toMatchObject({ pull: { done: true }, target: { name, digest: served } });
  });

  it('keeps what it knows when a file is half written, or gone', async () => {
    const { truth, watch, config, put, sees } = await watched();
    await put(config.progressFile, JSON.stringify(done()));
    await sees(() => truth.state.facts.target !== undefined);
    await put(config.progressFile, '{"schema": 1,');
    await put(config.lockFile, '{"digest"');
    for (let i = 0; i < 5; i++) await sees(() => true);
    await rm(config.progressFile);
    await sees(() => watch.report()?.phase === 'Done');
    expect(truth.state.facts.target).toEqual({ name, digest: served });
  });

  it('does not believe the report of another revision', async () => {
    const { truth, watch, config, put, sees } = await watched();
    await put(config.progressFile, JSON.stringify(done({ revision: 'r0' })));
    await put(config.lockFile, JSON.stringify({ digest }));
    await put(config.progressFile, JSON.stringify(done({ revision: 'r0', phase: 'Failed' })));
    expect(truth.state.facts.target).toBeUndefined();
    await put(config.progressFile, JSON.stringify(done()));
    await sees(() => watch.report() !== undefined);
    expect(watch.report()?.revision).toBe('r1');
  });

  it('goes by the lock once that is there, and says so when it is another digest', async () => {
    const { truth, config, lines, put, sees } = await watched();
    await put(config.progressFile, JSON.stringify(done()));
    await sees(() => truth.state.facts.target?.digest === served);
    await put(config.lockFile, JSON.stringify({ reference: 'tiny', digest }));
    await put(config.lockFile, JSON.stringify({ reference: 'tiny', digest: otherDigest }));
    await sees(() => truth.state.facts.target?.digest === otherDigest);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('goes by the pin whatever the lock says', async () => {
    const { truth, config, put, sees } = await watched({ digest });
    await put(config.lockFile, JSON.stringify({ reference: 'tiny', digest: otherDigest }));
    await put(config.progressFile, JSON.stringify(done()));
    await sees(() => truth.state.facts.target !== undefined);
    expect(truth.state.facts.target?.digest).toBe(served);
  });
});

it('the report is one that the puller writes', () => {
  expect(parseProgress(JSON.stringify(done()))).toEqual(done());
});
