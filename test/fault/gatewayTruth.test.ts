// What a real gateway process says of a runtime that misbehaves on script, and how it ends.
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayConfig } from '../../src/gateway/config.ts';
import { release } from '../../src/process/release.ts';
import { waitFor } from '../controlplane/wait.ts';
import { digest, otherDigest } from '../unit/gateway/pod.ts';
import { type GatewayProcess, startGatewayProcess } from './gatewayProcess.ts';
import { type ListedModel, type ScriptedOllama, startScriptedOllama } from './scriptedOllama.ts';
import { tellTimes } from './told.ts';

const name = `localmodels.dev/source/tiny:${'a'.repeat(64)}`;
const pulled = { name, digest, sourceDigest: digest, sizeBytes: 1000 };
const loaded: ListedModel = { name, digest: 'a'.repeat(64), size: 1000, size_vram: 0, context_length: 4096 };
const onGpu = { residency: { class: 'GPU', required: true } } as const;
const tell = tellTimes('told by /readyz of the gateway, with a scripted runtime, after');
const patience = { deadlineMs: 30_000 };

const atEnd: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const act of atEnd.splice(0).reverse()) await act();
});

async function pod(changes: Partial<GatewayConfig> = {}, script: Partial<ScriptedOllama> = {}) {
  const runtime = await startScriptedOllama();
  atEnd.push(runtime.close);
  Object.assign(runtime, { brings: [loaded], ...script });
  const gateway = await startGatewayProcess({ runtimePort: runtime.port, pulled, changes });
  atEnd.push(gateway.stop);
  return { runtime, gateway };
}

const generate = ({ url }: GatewayProcess, body: object = {}): Promise<Response> =>
  fetch(`${url}/api/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'assistant', prompt: 'Hi', stream: false, ...body }),
  });

describe('readiness', () => {
  it('comes with the model and a canary that was answered', async () => {
    const { runtime, gateway } = await pod();
    await gateway.secondsUntil(/^Serving/);
    expect((await generate(gateway)).status).toBe(200);
    await waitFor('canary', async () => (await gateway.status()).canary.outcome, patience);
    expect(await gateway.status()).toMatchObject({
      version: release.version,
      phase: 'Serving',
      ready: true,
      model: { reference: 'tiny', runtimeName: name, servedDigest: digest, loadedDigest: digest, sourceDigest: digest },
      pull: { phase: 'Done' },
      requests: { total: 1, inFlight: 0 },
      canary: { enabled: true, outcome: 'Passed', failuresInARow: 0 },
      runtime: { kind: 'Ollama', up: true, version: '0.32.15' },
    });
    expect(runtime.asked).toBe(2);
  });

  it('goes when requests fail on the side of the runtime, and comes back when they do not', async () => {
    const { runtime, gateway } = await pod();
    await gateway.secondsUntil(/^Serving/);
    runtime.fails = true;
    for (let i = 0; i < 3; i++) expect((await generate(gateway)).status).toBe(500);
    tell('three answers of 500', await gateway.secondsUntil(/^Failing: 3 requests/));
    expect((await generate(gateway)).status).toBe(503);
    runtime.fails = false;
    await gateway.secondsUntil(/^Serving/);
    expect((await generate(gateway)).status).toBe(200);
  });

  it('stays while requests fail that are themselves at fault: the canary is asked', async () => {
    const { runtime, gateway } = await pod();
    await gateway.secondsUntil(/^Serving/);
    await waitFor('the first canary', async () => (await gateway.status()).canary.outcome, patience);
    const asked = runtime.asked;
    for (let i = 0; i < 12; i++) expect((await generate(gateway, { images: ['bm8gaW1hZ2U='] })).status).toBe(500);
    await waitFor('a canary in doubt', async () => runtime.asked > asked + 12, patience);
    expect((await generate(gateway)).status).toBe(200);
    expect(await gateway.log()).not.toContain('Failing');
  });

  it('is not there while the model is not on its device, wholly', async () => {
    const { runtime, gateway } = await pod(onGpu);
    await gateway.secondsUntil(/^NotOnDevice: .*GPU/);
    runtime.listed = [{ ...loaded, size_vram: 250 }];
    tell('only part on the device', await gateway.secondsUntil(/^PartlyOnCPU: 25 %/));
    expect((await gateway.status()).residency).toEqual({ class: 'GPU', required: true, ratio: 0.25 });
    runtime.listed = [{ ...loaded, size_vram: 1000 }];
    await gateway.secondsUntil(/^Serving/);
  });

  it('goes with the model, and who waits in the queue is told at once, while what runs goes on', async () => {
    const limits = {
      maxInFlight: 1,
      maxQueue: 4,
      queueTimeoutSeconds: 60,
      requestTimeoutSeconds: 60,
      maxBodyBytes: 1e6,
    };
    const { runtime, gateway } = await pod({ limits });
    await gateway.secondsUntil(/^Serving/);
    const running = await generate(gateway, { stream: true });
    const waiting = generate(gateway);
    await waitFor('one request waits', async () => (await gateway.status()).requests.queued === 1, patience);
    runtime.brings = [];
    runtime.listed = [];
    const refused = await waiting;
    expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('ModelLost')]);
    runtime.endStreams();
    expect(await running.text()).toContain('"done":true');
  });

  it('goes when the canary is answered with nothing, and comes back with an answer', async () => {
    const { runtime, gateway } = await pod({ canary: { intervalSeconds: 1 } });
    await gateway.secondsUntil(/^Serving/);
    runtime.text = '';
    tell('empty answers, canary each second', await gateway.secondsUntil(/^CanaryWrong/));
    runtime.text = 'Hello again.';
    await gateway.secondsUntil(/^Serving/);
  });

  it('waits for a load that fails, with the words of the runtime, and tries again', async () => {
    const { runtime, gateway } = await pod({}, { loadFails: 'tensor offset+size exceeds file size' });
    await gateway.secondsUntil(/^LoadFailed: .*exceeds file size/);
    const refused = await generate(gateway);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('LoadFailed');
    runtime.loadFails = undefined;
    await gateway.secondsUntil(/^Serving/);
  });

  it('is not for a model that the lock does not name', async () => {
    const { gateway } = await pod();
    await gateway.secondsUntil(/^Serving/);
    await gateway.lock(otherDigest);
    await gateway.secondsUntil(/^WrongModel: .*b{64}/);
  });
});

describe('stopping', () => {
  async function withStreams(count: number) {
    const { runtime, gateway } = await pod({
      limits: {
        maxInFlight: count,
        maxQueue: 4,
        queueTimeoutSeconds: 60,
        requestTimeoutSeconds: 60,
        maxBodyBytes: 1e6,
      },
    });
    await gateway.secondsUntil(/^Serving/);
    const bodies = await Promise.all(Array.from({ length: count }, () => generate(gateway, { stream: true })));
    const texts = Promise.all(bodies.map((response) => response.text()));
    expect(runtime.streams).toHaveLength(count);
    return { runtime, gateway, texts };
  }

  /** New requests are still taken while endpoints are withdrawn, and get 503 after that. */
  async function untilRefused(gateway: GatewayProcess): Promise<void> {
    await waitFor('new ones get 503', async () => (await generate(gateway)).status === 503 || undefined, patience);
  }

  it.each(['SIGTERM', 'gateway drain'] as const)('by %s cuts no stream, and ends after the last', async (how) => {
    const { runtime, gateway, texts } = await withStreams(20);
    const drained = fetch(`${gateway.adminUrl}/drained`).then((response) => response.text());
    if (how === 'SIGTERM') gateway.kill('SIGTERM');
    else await gateway.drain();
    await gateway.secondsUntil(/^Draining/);
    // All places are taken, so that no further one is waited for here.
    const [first] = runtime.streams;
    first?.end(`${JSON.stringify({ done: true })}\n`);
    await untilRefused(gateway);
    expect(runtime.streams).toHaveLength(19);
    expect((await gateway.status()).requests.inFlight).toBe(19);
    runtime.endStreams();
    for (const text of await texts) expect(text).toMatch(/"response":"Hello".*\n.*"done":true.*\n$/);
    expect(await drained).toBe('drained\n');
    if (how === 'gateway drain') gateway.kill('SIGTERM');
    expect(await gateway.ended()).toEqual({ code: 0, signal: null });
  });

  it('answers while its address is withdrawn, and each answer ends its connection, so that the next finds another pod', async () => {
    const { gateway } = await pod({ lameDuckSeconds: 600 });
    await gateway.secondsUntil(/^Serving/);
    expect((await generate(gateway)).headers.get('connection')).toBe('keep-alive');
    await gateway.drain();
    await gateway.secondsUntil(/^Draining/);
    const { status, headers } = await generate(gateway);
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
  });

  it('ends at once where nothing is served', async () => {
    const { gateway } = await pod({ lameDuckSeconds: 600 }, { loadFails: 'no' });
    await gateway.secondsUntil(/^LoadFailed/);
    gateway.kill('SIGTERM');
    expect(await gateway.ended()).toEqual({ code: 0, signal: null });
  });

  it('does not begin with a restart of main alone', async () => {
    const { gateway } = await pod();
    await gateway.secondsUntil(/^Serving/);
    expect(await (await fetch(`${gateway.adminUrl}/drained`)).text()).toBe('no drain was begun\n');
    expect((await generate(gateway)).status).toBe(200);
  });
});
