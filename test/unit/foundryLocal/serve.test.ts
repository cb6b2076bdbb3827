// The server with a core that does as it is told; with the real one: test/runtime/foundry.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { CoreError, type FoundryCore } from '../../../src/foundryLocal/core.ts';
import { type ExitReason, exits } from '../../../src/foundryLocal/exits.ts';
import { providers } from '../../../src/foundryLocal/providers.ts';
import { serve } from '../../../src/foundryLocal/serve.ts';
import { writeServed } from '../../../src/foundryLocal/served.ts';
import type { ServeSettings } from '../../../src/foundryLocal/settings.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { createFakeCore, tinyFiles, writeFiles } from './fakeCore.ts';

let folder: string;
let settings: ServeSettings;

beforeEach(async () => {
  folder = await temporaryFolder();
  const model = await writeFiles(join(folder, 'model'), tinyFiles);
  settings = {
    home: join(folder, 'home'),
    store: join(folder, 'models'),
    libraries: '/nowhere',
    provider: providers.cpu,
    offline: true,
    model: 'tiny',
    port: 5273,
    maxContext: 2048,
    threads: 1,
    loadTimeoutMs: 60_000,
    reportFile: join(folder, 'report', 'runtime.json'),
  };
  await writeServed(settings.home, { reference: 'tiny', id: 'tiny-generic-cpu:2', folder: model });
});

function start(does: Partial<FoundryCore> = {}, change: Partial<ServeSettings> = {}) {
  const core = createFakeCore(does);
  const clock = createVirtualClock();
  const stop = new AbortController();
  const { log, lines } = recordLog();
  let ended = false;
  const ending = serve({ ...settings, ...change }, { startCore: core.start, log, clock, signal: stop.signal }).finally(
    () => {
      ended = true;
    },
  );
  ending.catch(() => undefined);
  const said = (word: string) => clock.until(() => core.said.includes(word) || ended);
  const serving = () => clock.until(() => lines.some(({ message }) => message === 'serving') || ended);
  return { core, clock, stop, ending, lines, said, serving };
}

const failure = (reason: ExitReason, message: RegExp) =>
  expect.objectContaining({ reason, message: expect.stringMatching(message) });

describe('the server', () => {
  it('loads before it listens, and unloads after the last answer', async () => {
    const { core, stop, ending, serving } = start();
    await serving();
    stop.abort('SIGTERM');
    await ending;
    expect(core.said).toEqual([
      'start',
      'providers',
      'variants',
      'load',
      'startService',
      'stopService',
      'unload',
      'end',
    ]);
    expect(core.options).toMatchObject({ port: 5273, catalog: 'None', cache: join(settings.home, 'models') });
  });

  it('waits for running answers, but not for ever', async () => {
    const { core, clock, stop, ending, lines, serving } = start({ stopService: () => new Promise(() => undefined) });
    await serving();
    stop.abort('SIGTERM');
    await clock.until(() => core.said.includes('stopService'));
    await clock.advance(8_000);
    await ending;
    expect(core.said).not.toContain('unload');
    expect(lines.map(({ message }) => message)).toContain('answers still run, stopping without them');
  });

  it.each(['providers', 'variants', 'load', 'startService'] as const)(
    'stops while the core is at %s, when it is told to',
    async (word) => {
      const { core, stop, ending, said } = start({ [word]: () => new Promise(() => undefined) });
      await said(word);
      stop.abort('SIGTERM');
      await ending;
      expect(core.said.slice(-2)).toEqual([word, 'end']);
    },
  );

  it('stops while the core is being started, when it is told to', async () => {
    const stop = new AbortController();
    const starting = Promise.withResolvers<void>();
    const startCore = () => {
      starting.resolve();
      return new Promise<FoundryCore>(() => undefined);
    };
    const { log } = recordLog();
    const ending = serve(settings, { startCore, log, clock: createVirtualClock(), signal: stop.signal });
    await starting.promise;
    stop.abort('SIGTERM');
    await ending;
  });

  it('registers the provider of the rung where the core has it and has not', async () => {
    const cuda = { name: 'CUDAExecutionProvider', registered: false };
    const { core, stop, ending, serving } = start({ providers: async () => [cuda] }, { provider: providers.cuda });
    await serving();
    stop.abort();
    await ending;
    expect(core.said).toContain('register');
  });
});

describe('what it tells the gateway', () => {
  const told = () => readFile(settings.reportFile ?? '', 'utf8').catch(() => undefined);

  it('is there before it listens, and not before the model is loaded', async () => {
    await mkdir(join(folder, 'report'));
    await writeFile(settings.reportFile ?? '', 'of the process before');
    const seen: Record<string, unknown> = {};
    const { stop, ending, serving } = start({
      load: async () => {
        seen.load = await told();
      },
      startService: async () => {
        seen.startService = JSON.parse((await told()) ?? '');
        return [];
      },
    });
    await serving();
    stop.abort();
    await ending;
    expect(seen).toEqual({
      load: undefined,
      startService: {
        schema: 1,
        model: 'tiny-generic-cpu:2',
        executionProvider: 'CPUExecutionProvider',
        device: 'CPU',
      },
    });
  });

  test.each([
    [[{ cuda: {} }], 'CUDAExecutionProvider', 'GPU'],
    [[], 'CPUExecutionProvider', 'CPU'],
  ])('with provider_options %j is %s', async (provider_options, executionProvider, device) => {
    const config = {
      model: { type: 'phi3', decoder: { filename: 'model.onnx', session_options: { provider_options } } },
    };
    await writeFiles(join(folder, 'model'), { 'genai_config.json': JSON.stringify(config) });
    const cuda = { name: 'CUDAExecutionProvider', registered: false };
    const { stop, ending, serving } = start({ providers: async () => [cuda] }, { provider: providers.cuda });
    await serving();
    stop.abort();
    await ending;
    expect(JSON.parse((await told()) ?? '')).toMatchObject({ executionProvider, device });
  });

  it('is not needed: where it cannot be written that is logged, and the server serves', async () => {
    await writeFile(join(folder, 'report'), 'a file where the folder should be');
    const { stop, ending, serving, lines, core } = start();
    await serving();
    stop.abort();
    await ending;
    expect(core.said).toContain('startService');
    expect(lines.map(({ message }) => message)).toContain('the gateway cannot be told what the model runs on');
  });
});

describe('it ends with a reason', () => {
  test.each<[string, Partial<FoundryCore>, Partial<ServeSettings>, ExitReason, RegExp]>([
    ['the pull has not run', {}, { model: 'other' }, 'ModelMissing', /has no other that a pull has verified/],
    [
      'there is no GPU',
      {},
      { provider: providers.cuda },
      'DeviceMissing',
      /no CUDAExecutionProvider here \(it has CPUExecutionProvider\)/,
    ],
    [
      'the core cannot load it',
      { load: () => Promise.reject(new CoreError('Failed', 'bad weights')) },
      {},
      'LoadFailed',
      /cannot load tiny-generic-cpu:2: bad weights/,
    ],
    ['the core does not know it', { variants: async () => [] }, {}, 'LoadFailed', /does not take/],
    [
      'the port is taken',
      { startService: () => Promise.reject(new CoreError('Failed', 'address in use')) },
      {},
      'ServiceFailed',
      /cannot listen on 127.0.0.1:5273: address in use/,
    ],
  ])('when %s', async (_, does, change, reason, message) => {
    const { ending } = start(does, change);
    await expect(ending).rejects.toEqual(failure(reason, message));
  });

  it('when the core crashes', async () => {
    const crash = Promise.withResolvers<CoreError>();
    const { core, ending, serving } = start({ ended: crash.promise });
    await serving();
    crash.resolve(new CoreError('Ended', 'the core has ended by SIGSEGV'));
    await expect(ending).rejects.toEqual(failure('CoreEnded', /by SIGSEGV/));
    expect(core.said).not.toContain('stopService');
  });

  it('when loading takes too long', async () => {
    const { clock, ending, said } = start({ load: () => new Promise(() => undefined) });
    await said('load');
    await clock.advance(60_000);
    await expect(ending).rejects.toEqual(failure('LoadTimeout', /within 60 s/));
  });
});

test('exit codes are outside those of Node, of the pull and of shells, and distinct', () => {
  const codes = Object.entries(exits)
    .filter(([reason]) => reason !== 'Stopped')
    .map(([, { exitCode }]) => exitCode as number);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(code >= 80 && code < 126).toBe(true);
});
