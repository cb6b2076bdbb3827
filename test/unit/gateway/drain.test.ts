import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askToDrain, createDrainWatch, startDrainServer } from '../../../src/gateway/drain.ts';
import { createTruth } from '../../../src/gateway/truth.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { cpuRules, lists, model, silent, target, up } from './pod.ts';

describe('the drain socket', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lmo-drain-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('begins the drain and says so', async () => {
    let begun = 0;
    const server = await startDrainServer(join(folder, 'a.sock'), () => begun++, silentLogger);
    await askToDrain(join(folder, 'a.sock'), 5000);
    await askToDrain(join(folder, 'a.sock'), 5000);
    expect(begun).toBe(2);
    await server.close();
    await expect(askToDrain(join(folder, 'a.sock'), 5000)).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  });

  it('takes the place of what a gateway before it has left', async () => {
    const path = join(folder, 'left.sock');
    await writeFile(path, '');
    let begun = false;
    const begin = () => {
      begun = true;
    };
    const server = await startDrainServer(path, begin, silentLogger);
    await askToDrain(path, 5000);
    expect(begun).toBe(true);
    await server.close();
  });

  it('does not take any other word for it', async () => {
    const path = join(folder, 'words.sock');
    let begun = false;
    const begin = () => {
      begun = true;
    };
    const server = await startDrainServer(path, begin, silentLogger);
    await new Promise<void>((resolve) => {
      const socket = connect(path, () => socket.write('GET / HTTP/1.1\r\n\r\n'));
      socket.on('error', () => undefined).once('close', () => resolve());
    });
    expect(begun).toBe(false);
    await server.close();
  });
});

describe('main’s preStop', () => {
  function stopping({ serving = true } = {}) {
    const clock = createVirtualClock();
    const truth = createTruth({ rules: cpuRules, clock, log: silentLogger });
    truth.observe(up);
    if (serving) {
      truth.observe({ kind: 'Target', target });
      truth.observe({ kind: 'LoadBegan' });
      truth.observe({ kind: 'LoadEnded' });
      truth.observe(lists(model));
    }
    const running = { now: 0 };
    const watch = createDrainWatch({ truth, clock, inFlight: () => running.now });
    let said: string | undefined;
    void watch.mayStop().then((words) => {
      said = words;
    });
    return { clock, truth, running, said: () => said };
  }

  it('returns after five seconds where no drain has begun: main alone is being restarted', async () => {
    const { clock, running, said } = stopping();
    running.now = 3;
    await clock.advance(4900);
    expect(said()).toBeUndefined();
    await clock.advance(200);
    expect(said()).toBe('no drain was begun');
  });

  it('waits for a drain that begins a moment after it, and for every request', async () => {
    const { clock, truth, running, said } = stopping();
    running.now = 2;
    await clock.advance(200);
    truth.observe({ kind: 'Drain' });
    await clock.advance(60_000);
    expect(said()).toBeUndefined();
    running.now = 1;
    await clock.advance(1000);
    expect(said()).toBeUndefined();
    running.now = 0;
    await clock.advance(200);
    expect(said()).toBe('drained');
  });

  it('waits while endpoints are withdrawn, though nothing runs', async () => {
    const { clock, truth, said } = stopping();
    truth.observe({ kind: 'Drain' });
    await clock.advance(4900);
    expect(said()).toBeUndefined();
    await clock.advance(200);
    expect(said()).toBe('drained');
  });

  it('returns at once where nothing was served and nothing runs', async () => {
    const { clock, truth, said } = stopping({ serving: false });
    truth.observe({ kind: 'Drain' });
    await clock.advance(200);
    expect(said()).toBe('drained');
  });

  it('gives up on requests of a runtime that hangs', async () => {
    const { clock, truth, running, said } = stopping();
    running.now = 2;
    truth.observe({ kind: 'Drain' });
    await clock.advance(20_000);
    truth.observe(silent);
    await clock.advance(59_000);
    expect(said()).toBeUndefined();
    await clock.advance(2000);
    expect(said()).toBe('drained');
  });
});
