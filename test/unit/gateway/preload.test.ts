import { describe, expect, it } from 'vitest';
import { createPreload } from '../../../src/gateway/preload.ts';
import { createTruth } from '../../../src/gateway/truth.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { cpuRules, lists, model, otherDigest, refused, target, up } from './pod.ts';
import { createScriptedRuntime } from './scriptedRuntime.ts';

function loading() {
  const clock = createVirtualClock();
  const truth = createTruth({ rules: cpuRules, clock, log: silentLogger });
  const client = createScriptedRuntime();
  const preload = createPreload({ client, truth, clock, log: silentLogger, loadTimeoutMs: cpuRules.loadTimeoutMs });
  const loads = () => client.calls.filter((call) => call.startsWith('load'));
  return { clock, truth, client, preload, loads };
}

describe('the preload', () => {
  it('begins as soon as the runtime is up and the model is known, with the call for its kind', async () => {
    const { clock, truth, client, preload, loads } = loading();
    client.kind = 'Embed';
    truth.observe(up);
    await clock.advance(5000);
    expect(loads()).toEqual([]);
    truth.observe({ kind: 'Target', target });
    expect(truth.state.reason).toBe('Loading');
    await clock.settle();
    expect(loads()).toEqual(['load tiny:latest as Embed']);
    expect(preload.kind()).toBe('Embed');
    truth.observe(lists(model));
    expect(truth.state.reason).toBe('Serving');
  });

  it('holds on for the whole load, and gives up when it takes longer than it may', async () => {
    const { clock, truth, client } = loading();
    client.slow = true;
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    await clock.advance(599_000);
    expect(truth.state.reason).toBe('Loading');
    await clock.advance(2000);
    expect(truth.state).toMatchObject({ reason: 'LoadFailed' });
    expect(truth.state.message).toContain('loadTimeoutSeconds');
  });

  it('says in the words of the runtime why a load has failed, and tries again later', async () => {
    const { clock, truth, client, loads } = loading();
    client.loadFails = 'tensor offset+size exceeds file size';
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    await clock.settle();
    expect(truth.state).toMatchObject({ reason: 'LoadFailed' });
    expect(truth.state.message).toContain('exceeds file size');
    client.loadFails = undefined;
    await clock.advance(4000);
    expect(loads()).toHaveLength(1);
    await clock.advance(1000);
    expect(loads()).toHaveLength(2);
    truth.observe(lists(model));
    expect(truth.state.reason).toBe('Serving');
  });

  it('loads again what was unloaded', async () => {
    const { clock, truth, loads } = loading();
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    await clock.settle();
    truth.observe(lists(model));
    truth.observe(lists());
    await clock.settle();
    truth.observe(lists(model));
    expect(truth.state.reason).toBe('Serving');
    expect(loads()).toHaveLength(2);
  });

  it('calls off a load when something else is to be served, and loads that', async () => {
    const { clock, truth, client, loads } = loading();
    client.slow = true;
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    await clock.settle();
    truth.observe({ kind: 'Target', target: { name: 'other:latest', digest: otherDigest } });
    await clock.settle();
    expect(loads()).toEqual(['load tiny:latest as Generate', 'load other:latest as Generate']);
    expect(truth.state.reason).toBe('Loading');
    client.goOn();
    await clock.settle();
    expect(truth.state.facts.load.phase).toBe('Done');
    expect(truth.state.facts.load.attempts).toBe(1);
  });

  it('begins anew with a runtime that has come back, whatever became of the load before', async () => {
    const { clock, truth, client, loads } = loading();
    client.slow = true;
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    await clock.settle();
    truth.observe(refused);
    await clock.settle();
    expect(truth.state.reason).toBe('RuntimeDown');
    truth.observe(up);
    await clock.settle();
    expect(loads()).toHaveLength(2);
    client.goOn();
    await clock.settle();
    truth.observe(lists(model));
    expect(truth.state.reason).toBe('Serving');
  });

  it('is called off with the gateway, and begins nothing more', async () => {
    const { clock, truth, client, preload, loads } = loading();
    client.slow = true;
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    await clock.settle();
    preload.stop();
    await clock.settle();
    expect(truth.state.reason).toBe('Loading');
    truth.observe(refused);
    truth.observe(up);
    await clock.settle();
    expect(loads()).toHaveLength(1);
  });
});
