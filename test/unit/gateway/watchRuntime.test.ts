import { describe, expect, it } from 'vitest';
import { createTruth } from '../../../src/gateway/truth.ts';
import { watchRuntime } from '../../../src/gateway/watchRuntime.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { cpuRules, model, target } from './pod.ts';
import { createScriptedRuntime } from './scriptedRuntime.ts';

async function watched({ serving = true } = {}) {
  const clock = createVirtualClock();
  const truth = createTruth({ rules: cpuRules, clock, log: silentLogger });
  const runtime = createScriptedRuntime();
  const over = new AbortController();
  const watch = watchRuntime({ client: runtime, truth, clock, log: silentLogger, signal: over.signal });
  await clock.settle();
  if (serving) {
    truth.observe({ kind: 'Target', target });
    truth.observe({ kind: 'LoadBegan' });
    runtime.loaded = [model];
    truth.observe({ kind: 'LoadEnded' });
    await clock.settle();
  }
  const reason = () => truth.state.reason;
  /** Virtual milliseconds until it is told. */
  const until = async (wanted: string) => {
    const began = clock.monotonic();
    await clock.advanceUntil(() => reason() === wanted, 120_000);
    return clock.monotonic() - began;
  };
  return { clock, truth, runtime, watch, over, reason, until };
}

describe('the watch over the runtime', () => {
  it('looks at once after a load, and sees the model', async () => {
    const { reason, clock } = await watched();
    expect(reason()).toBe('Serving');
    expect(clock.monotonic()).toBe(0);
  });

  it('tells of a runtime that has gone, and of a model that was unloaded, within a second', async () => {
    const gone = await watched();
    gone.runtime.up = false;
    expect(await gone.until('RuntimeDown')).toBeLessThanOrEqual(1000);
    const unloaded = await watched();
    unloaded.runtime.loaded = [];
    expect(await unloaded.until('ModelLost')).toBeLessThanOrEqual(1000);
  });

  it('tells of a hung runtime after three unanswered probes, in seven seconds', async () => {
    const { runtime, until } = await watched();
    runtime.hangs = true;
    const took = await until('RuntimeHung');
    expect(took).toBeGreaterThan(4000);
    expect(took).toBeLessThanOrEqual(7000);
    runtime.hangs = false;
    expect(await until('Serving')).toBeLessThanOrEqual(2000);
  });

  it('takes a server that answers and never tells its models for one that does not answer', async () => {
    const { runtime, until } = await watched();
    runtime.listHangs = true;
    expect(await until('RuntimeHung')).toBeLessThanOrEqual(10_000);
    runtime.listHangs = false;
    expect(await until('Serving')).toBeLessThanOrEqual(4000);
  });

  it('looks at once when a request has failed', async () => {
    const { runtime, truth, clock, reason } = await watched();
    runtime.up = false;
    truth.observe({ kind: 'Request', outcome: 'Failed', startedAt: clock.monotonic() });
    await clock.settle();
    expect(reason()).toBe('RuntimeDown');
  });

  it('does not ask for models while one is being loaded, since the list would have it', async () => {
    const { runtime, truth, clock, reason } = await watched({ serving: false });
    truth.observe({ kind: 'Target', target });
    truth.observe({ kind: 'LoadBegan' });
    runtime.loaded = [model];
    runtime.calls.length = 0;
    await clock.advance(5000);
    expect(runtime.calls).not.toContain('models');
    expect(reason()).toBe('Loading');
  });

  it('takes no list from before a load for one from after it', async () => {
    const { runtime, truth, clock, reason } = await watched();
    runtime.loaded = [];
    await clock.advance(1000);
    expect(reason()).toBe('ModelLost');
    const heard = new Set<string>();
    runtime.slowList = true; // a list is under way …
    await clock.advance(1000);
    truth.observe({ kind: 'LoadBegan' });
    truth.observe({ kind: 'LoadEnded' }); // … and a load begins and ends meanwhile
    truth.onStep((now) => heard.add(now.reason));
    runtime.loaded = [model];
    runtime.slowList = false;
    runtime.goOn();
    await clock.settle();
    expect(reason()).toBe('Serving');
    expect(heard).not.toContain('ModelLost');
  });

  it('asks once a second, and no more often than that', async () => {
    const { runtime, clock } = await watched();
    runtime.calls.length = 0;
    await clock.advance(10_000);
    expect(runtime.calls.filter((call) => call === 'alive').length).toBe(10);
    expect(runtime.calls.filter((call) => call === 'models').length).toBe(10);
  });

  it('notices another process by its number, and asks for its version anew', async () => {
    const { runtime, truth, clock, watch } = await watched({ serving: false });
    runtime.instance = '7';
    await clock.advance(2000);
    expect(watch.version()).toBe('1.2.3');
    expect(truth.state.facts.runtime.restarts).toBe(0);
    runtime.calls.length = 0;
    runtime.instance = '8';
    await clock.advance(2000);
    expect(truth.state.facts.runtime.restarts).toBe(1);
    expect(runtime.calls.filter((call) => call === 'version')).toHaveLength(1);
  });

  it('ends when it is told to, in the middle of a probe', async () => {
    const { runtime, over, watch, clock, reason } = await watched();
    runtime.hangs = true;
    await clock.advance(1000);
    over.abort();
    await watch.ended;
    expect(reason()).toBe('Serving');
  });
});
