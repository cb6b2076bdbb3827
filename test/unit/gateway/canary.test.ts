import { describe, expect, it } from 'vitest';
import { createAdmission } from '../../../src/gateway/admission.ts';
import { createCanary, judgeAnswer } from '../../../src/gateway/canary.ts';
import type { GatewayConfig } from '../../../src/gateway/config.ts';
import { createTruth } from '../../../src/gateway/truth.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { cpuRules, lists, model, target, up } from './pod.ts';
import { createScriptedRuntime } from './scriptedRuntime.ts';

async function asked(config: Partial<NonNullable<GatewayConfig['canary']>> = {}, maxInFlight = 1) {
  const clock = createVirtualClock();
  const truth = createTruth({ rules: cpuRules, clock, log: silentLogger });
  const client = createScriptedRuntime();
  const admission = createAdmission({
    maxInFlight,
    maxQueue: 1,
    queueTimeoutMs: 60_000,
    clock,
    refusal: () => undefined,
  });
  const results: string[] = [];
  const canary = createCanary({
    config: { intervalSeconds: 60, ...config },
    client,
    truth,
    admission,
    clock,
    log: silentLogger,
    kind: () => client.kind,
    onResult: ({ outcome }) => results.push(outcome),
  });
  const serve = async () => {
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    truth.observe({ kind: 'LoadBegan' });
    truth.observe({ kind: 'LoadEnded' });
    truth.observe(lists(model));
    await clock.settle();
  };
  return { clock, truth, client, admission, canary, results, serve, reason: () => truth.state.reason };
}

describe('the canary', () => {
  it('asks at once after the load, and then once per interval in which nobody else did', async () => {
    const { clock, truth, client, results, serve } = await asked();
    await serve();
    expect(results).toEqual(['Passed']);
    await clock.advance(59_000);
    expect(client.questions).toHaveLength(1);
    await clock.advance(1000);
    expect(client.questions).toHaveLength(2);
    await clock.advance(30_000);
    truth.observe({ kind: 'Request', outcome: 'Succeeded', startedAt: clock.monotonic() });
    await clock.advance(59_000);
    expect(client.questions).toHaveLength(2);
    await clock.advance(1000);
    expect(client.questions).toHaveLength(3);
  });

  it('asks by the name that the runtime knows, what the user wants asked, for few tokens', async () => {
    const { client, serve } = await asked({ prompt: 'What is 1+1?', expectContains: '2' });
    await serve();
    expect(client.questions).toEqual([{ name: target.name, prompt: 'What is 1+1?', kind: 'Generate', maxTokens: 64 }]);
    const other = await asked();
    await other.serve();
    expect(other.client.questions[0]?.maxTokens).toBe(8);
  });

  it('makes the pod unready when it gets nothing twice, and ready when it gets something', async () => {
    const { clock, client, reason, serve } = await asked();
    client.answer = ' \n';
    await serve();
    expect(reason()).toBe('Serving');
    await clock.advance(6000);
    expect(reason()).toBe('CanaryWrong');
    client.answer = 'Hello';
    await clock.advance(6000);
    expect(reason()).toBe('Serving');
  });

  it('looks for what is expected, except among the numbers of an embedding', async () => {
    const { clock, client, reason, serve } = await asked({ expectContains: 'Paris' });
    await serve();
    await clock.advance(6000);
    expect(reason()).toBe('CanaryWrong');
    const embedding = await asked({ expectContains: 'Paris' });
    embedding.client.kind = 'Embed';
    embedding.client.answer = '0.1 0.2';
    await embedding.serve();
    expect(embedding.results).toEqual(['Passed']);
    expect(client.questions.length).toBeGreaterThan(1);
  });

  it('counts half a minute without an answer as silence', async () => {
    const { clock, client, results, reason, serve } = await asked();
    client.slow = true;
    await serve();
    await clock.advance(31_000);
    expect(results).toEqual(['Silent']);
    await clock.advance(40_000);
    expect(reason()).toBe('CanaryFailed');
  });

  it('takes silence for nothing while a request is at the runtime, which may be reading a long prompt', async () => {
    const { clock, client, admission, results, reason, serve } = await asked({}, 2);
    const slot = await admission.enter(new AbortController().signal);
    client.slow = true;
    await serve();
    await clock.advance(300_000);
    expect([results, reason()]).toEqual([[], 'Serving']);
    expect(client.questions).toHaveLength(4); // each half a minute, a minute apart
    slot.release();
    await clock.advance(130_000);
    expect(reason()).toBe('CanaryFailed');
  });

  it('does not where a request has failed', async () => {
    const { clock, client, truth, admission, reason, serve } = await asked({}, 2);
    await admission.enter(new AbortController().signal);
    client.slow = true;
    await serve();
    await clock.advance(31_000);
    truth.observe({ kind: 'Request', outcome: 'Failed', startedAt: clock.monotonic() });
    await clock.advance(80_000);
    expect(reason()).toBe('CanaryFailed');
  });

  it('asks nothing while all places are taken', async () => {
    const { clock, client, admission, serve } = await asked();
    const slot = await admission.enter(new AbortController().signal);
    await serve();
    await clock.advance(200_000);
    expect(client.questions).toEqual([]);
    slot.release();
    await clock.advance(1000);
    expect(client.questions).toHaveLength(1);
  });

  it('gives way to a request at once, and counts for nothing then', async () => {
    const { clock, client, admission, results, reason, serve } = await asked();
    client.slow = true;
    await serve();
    expect(admission.inFlight).toBe(1);
    let waited: number | undefined;
    void admission.enter(new AbortController().signal).then((slot) => {
      waited = slot.waitedMs;
    });
    await clock.settle();
    expect(waited).toBe(0);
    expect(results).toEqual([]);
    expect(reason()).toBe('Serving');
  });

  it('says nothing of a model that has gone while it was asked', async () => {
    const { clock, client, truth, results, serve } = await asked();
    client.slow = true;
    await serve();
    truth.observe(lists());
    truth.observe({ kind: 'LoadBegan' });
    client.goOn();
    await clock.settle();
    expect(results).toEqual([]);
  });

  it('is called off by a drain, and not sent in one', async () => {
    const { clock, client, truth, admission, serve } = await asked();
    client.slow = true;
    await serve();
    truth.observe({ kind: 'Drain' });
    await clock.settle();
    expect(admission.inFlight).toBe(0);
    await clock.advance(120_000);
    expect(client.questions).toHaveLength(1);
  });
});

describe('an answer to the canary', () => {
  it('is quoted nowhere: only what was expected is', () => {
    const { message } = judgeAnswer('my secret thoughts', 'Paris');
    expect(message).toContain('"Paris"');
    expect(message).not.toContain('thoughts');
  });
});
