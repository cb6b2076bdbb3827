import { describe, expect, it } from 'vitest';
import { createPodTruth } from '../../../src/gateway/podTruth.ts';
import { createTruth } from '../../../src/gateway/truth.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { testConfig } from './config.ts';
import { becomesServing, cpuRules, digest, lists, model, target } from './pod.ts';

function viewed() {
  const clock = createVirtualClock();
  const truth = createTruth({ rules: cpuRules, clock, log: silentLogger });
  const report = () => ({
    schema: 1,
    revision: 'r1',
    reference: 'tiny',
    phase: 'Done',
    startedAt: '',
    updatedAt: '',
    completedBytes: 0,
    totalBytes: 0,
    fetchedBytes: 0,
    layers: [],
    model: {
      name: 'x',
      digest,
      sourceDigest: digest,
      sizeBytes: 5,
      family: 'llama',
      quantization: 'F16',
      parameterSize: '76K',
    },
  });
  const view = createPodTruth({ config: testConfig(), truth, clock, report, kind: () => 'Generate' });
  const serve = () => {
    for (const seen of becomesServing) truth.observe(seen);
  };
  return { clock, truth, view, serve };
}

describe('what the door is told', () => {
  it('is that it is open while the model is served, and else why not', async () => {
    const { truth, view, serve, clock } = viewed();
    expect(view.door()).toBe('NotReady');
    expect(view.why()).toMatch(/^Pulling: /);
    serve();
    expect(view.door()).toBe('Open');
    truth.observe({ kind: 'Drain' });
    expect(view.door()).toBe('Open');
    truth.observe(lists());
    expect(view.why()).toMatch(/^ModelLost: /);
    truth.observe(lists(model));
    await clock.advance(5000);
    expect(view.door()).toBe('Draining');
    expect(view.why()).toMatch(/^Draining: /);
  });

  it('is the name of the model as soon as that is known, under the names that clients use', () => {
    const { truth, view } = viewed();
    expect(view.served()).toBeUndefined();
    truth.observe({ kind: 'Target', target });
    const served = view.served();
    expect(served?.names).toEqual(['assistant']);
    expect(served?.runtimeName('assistant')).toBe(target.name);
    expect(view.served()).toBe(served);
    truth.observe({ kind: 'Target', target: { ...target, name: 'other' } });
    expect(view.served()?.runtimeName('assistant')).toBe('other');
  });

  it('is what is known of the loaded model, from runtime and pull, and nothing while none is loaded', () => {
    const { clock, truth, view, serve } = viewed();
    expect(view.loadedModel()).toBeUndefined();
    serve();
    expect(view.loadedModel()).toEqual({
      digest,
      sizeBytes: 1000,
      deviceBytes: 1000,
      family: 'llama',
      quantization: 'F16',
      parameterSize: '76K',
      since: clock.now(),
    });
    truth.observe(lists());
    expect(view.loadedModel()).toBeUndefined();
  });

  it('takes what the door sees of requests', () => {
    const { clock, truth, view, serve } = viewed();
    serve();
    for (let i = 0; i < 3; i++) view.observe({ kind: 'Request', outcome: 'Failed', startedAt: clock.monotonic() });
    expect(truth.state.facts.requests.failuresInARow).toBe(3);
  });
});
