// The pull process: PULL_CONFIG in, termination message and exit code out.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { outcomes, parseOutcome } from '../../src/puller/outcome.ts';
import { temporaryFolder } from '../unit/models/temporaryStore.ts';
import { registryServer } from './download.ts';
import { modelOn, pullFrom, sourceName, wholeModels } from './pull.ts';
import { startPull } from './pullProcess.ts';
import { drop, stallAfter } from './registryServer.ts';

const timeout = 90_000;

describe('the pull process', { timeout }, () => {
  it('pulls, and leaves message, progress and a log without a secret', async () => {
    const server = await registryServer();
    // Large enough for the hash to have a thread of its own.
    const model = modelOn(server, { size: 6_000_000 });
    const { config, store, progress } = await pullFrom(server);
    const secrets = await temporaryFolder();
    const auth = Buffer.from('me:hunter2').toString('base64');
    await writeFile(join(secrets, '.dockerconfigjson'), JSON.stringify({ auths: { [server.host]: { auth } } }));
    const credentials = { path: secrets, kind: 'Secret', name: 'pull-secret' } as const;
    const source = { kind: 'Registry', mirrors: [], plainHttp: true, credentials } as const;
    const { code, stdout, stderr } = await startPull({ ...config, source: { ...source, mirrors: [] } }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const text = await readFile(config.terminationMessagePath, 'utf8');
    expect(parseOutcome(text, 0)).toMatchObject({
      reason: 'Done',
      digest: model.digest,
      fetchedBytes: model.sizeBytes,
    });
    expect((await progress())?.model?.name).toBe(sourceName(model.digest));
    expect(await wholeModels(store)).toEqual([sourceName(model.digest)]);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).component),
    ).toContain('puller');
    expect(stdout + text).not.toMatch(new RegExp(`hunter2|${auth}`));
    expect(server.requests[0]?.headers['user-agent']).toMatch(/^ollama\/0\.32\.15 \(\S+ \S+\) Go\//);
  });

  it('fails with the code of its reason', async () => {
    const server = await registryServer();
    const { config } = await pullFrom(server);
    const { code } = await startPull(config).ended;
    expect(code).toBe(outcomes.NotFound.exitCode);
    const text = await readFile(config.terminationMessagePath, 'utf8');
    expect(parseOutcome(text, code ?? 0)).toMatchObject({ reason: 'NotFound', reference: config.reference });
  });

  it('is still there after a pause in which nothing else keeps it alive', async () => {
    const server = await registryServer();
    const model = modelOn(server);
    server.next(/manifests/, drop, drop);
    const { config } = await pullFrom(server);
    const { code } = await startPull(config).ended;
    const outcome = parseOutcome(await readFile(config.terminationMessagePath, 'utf8'), code ?? 0);
    expect({ code, outcome }).toMatchObject({ code: 0, outcome: { reason: 'Done', digest: model.digest } });
    expect(server.requests.filter(({ path }) => path.includes('/manifests/')).length).toBeGreaterThanOrEqual(3);
  });

  it('stops at SIGTERM, keeps what has arrived, and may be tried again', async () => {
    const server = await registryServer();
    const model = modelOn(server, { size: 2_000_000 });
    server.always(new RegExp(model.weights.digest), stallAfter(1_000_000));
    const { config, store } = await pullFrom(server);
    const { child, ended } = startPull(config);
    await vi.waitUntil(() => server.stalled > 0, { timeout, interval: 5 });
    child.kill('SIGTERM');
    const { code } = await ended;
    const outcome = parseOutcome(await readFile(config.terminationMessagePath, 'utf8'), code ?? 0);
    expect({ code, outcome }).toMatchObject({
      code: 70,
      outcome: { retry: 'retryable', message: /stopped by SIGTERM/ },
    });
    expect(await wholeModels(store)).toEqual([]);
  });

  it.each([
    ['no configuration', undefined, 'PULL_CONFIG is not set'],
    ['one that is no JSON', '{', 'PULL_CONFIG is not JSON'],
    ['one that lacks everything', '{}', 'store'],
  ])('with %s says so', async (_, text, words) => {
    const { code, stderr } = await startPull(text).ended;
    expect(code).toBe(outcomes.Internal.exitCode);
    expect(stderr).toContain(words);
  });

  it('explains itself', async () => {
    const { code, stdout } = await startPull(undefined, { args: ['--help'] }).ended;
    expect(code).toBe(0);
    for (const [reason, { exitCode }] of Object.entries(outcomes)) expect(stdout).toContain(`${exitCode}  ${reason}:`);
  });
});
