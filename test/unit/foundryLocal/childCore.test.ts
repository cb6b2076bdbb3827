import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { startChildCore } from '../../../src/foundryLocal/childCore.ts';
import type { FoundryCore } from '../../../src/foundryLocal/core.ts';
import { tiny } from './fakeCore.ts';

const program = join(import.meta.dirname, 'fakeCoreProcess.ts');
const options = { libraries: '/libs', cache: '/c', data: '/d', logs: '/l', catalog: 'None' } as const;
const { signal } = new AbortController();

async function start(what = ''): Promise<FoundryCore> {
  const core = await startChildCore({ program, argv: [what] }, options);
  onTestFinished(() => core.end());
  return core;
}

const coreError = (reason: string, message: RegExp) =>
  expect.objectContaining({ name: 'CoreError', reason, message: expect.stringMatching(message) });

describe('a core in a process of its own', () => {
  it('answers as one in this process would', async () => {
    const core = await start();
    expect(await core.variants()).toEqual([tiny]);
    expect(await core.register(['A', 'B'])).toEqual(['A', 'B']);
    expect(await core.startService()).toEqual(['http://127.0.0.1:5273']);
    await expect(core.unload('x')).resolves.toBeUndefined();
  });

  it('tells how far a download is', async () => {
    const core = await start();
    const percents: number[] = [];
    await core.download('x', { onPercent: (percent) => percents.push(percent), signal });
    expect(percents).toEqual([10, 50, 100]);
  });

  it('says no in its own words', async () => {
    const core = await start('refuse');
    await expect(core.load('x')).rejects.toEqual(coreError('Failed', /^bad weights$/));
    expect(await core.variants()).toEqual([tiny]);
  });

  it('that cannot be started leaves no process, and says why', async () => {
    await expect(start('missing')).rejects.toEqual(coreError('Missing', /^\/libs is not there$/));
    const nowhere = startChildCore({ program: '/nowhere/main.ts', argv: [] }, options);
    await expect(nowhere).rejects.toEqual(coreError('Ended', /^the core has ended with exit code 1$/));
  });

  test.each([
    ['crash', /^the core has ended by SIGSEGV$/],
    ['exit', /^the core has ended with exit code 3$/],
  ])('that does %s is told to whoever waits, and to whoever asks after it', async (what, message) => {
    const core = await start(what);
    const ended = coreError('Ended', message);
    await expect(core.load('x')).rejects.toEqual(ended);
    await expect(core.variants()).rejects.toEqual(ended);
    expect(await core.ended).toEqual(ended);
  });

  it('is ended in the middle of a download that hangs, when it is called off', async () => {
    const core = await start('hang');
    const stop = new AbortController();
    const reached = Promise.withResolvers<void>();
    const onPercent = (percent: number) => percent === 100 && reached.resolve();
    const downloading = core.download('x', { onPercent: (percent) => void onPercent(percent), signal: stop.signal });
    await reached.promise;
    stop.abort(new Error('stopped'));
    await expect(downloading).rejects.toThrow('stopped');
    expect(await core.ended).toEqual(coreError('Ended', /SIGKILL/));
  });
});
