// A gateway process in front of the real Foundry Local core, which has no digests and loads its model itself.
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { GatewayConfig } from '../../../src/gateway/config.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { type GatewayProcess, startGatewayProcess } from '../../fault/gatewayProcess.ts';
import { tellTimes } from '../../fault/told.ts';
import { createFoundryPod, type FoundryServer, writeModelFolder } from '../foundry/pod.ts';
import { given } from '../given.ts';
import { freeze } from '../models/frozen.ts';
import { tinyOnnx } from '../models/onnxLlama.ts';

const id = 'tiny-generic-cpu:1';
const greeting = ' Hello from the tiny test model.';
const patience = { deadlineMs: 60_000 };
const tell = tellTimes('told by /readyz of the gateway, with a real Foundry Local core, after');

const pulled = given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
  const pod = await createFoundryPod(foundryLocal, atEnd);
  const path = await writeModelFolder(join(pod.folder, 'volume'), tinyOnnx({ apart: true }));
  await freeze(path);
  const { message, progress } = await pod.pull(id, { source: { kind: 'Volume', path, claimName: 'mine' } });
  if (!progress?.model) throw new Error(message.message);
  return { pod, model: progress.model };
});

const atEnd: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const act of atEnd.splice(0).reverse()) await act();
});

async function started(changes: Partial<GatewayConfig> = {}) {
  const { pod, model } = pulled();
  const server = await pod.serve(id);
  atEnd.push(server.stop);
  const port = Number(new URL(server.url).port);
  const runtime = { kind: 'FoundryLocal', port, reportFile: pod.reportFile } as const;
  const gateway = await startGatewayProcess({ runtimePort: port, pulled: model, changes: { runtime, ...changes } });
  atEnd.push(gateway.stop);
  return { server, gateway };
}

async function serving(): Promise<{ server: FoundryServer; gateway: GatewayProcess }> {
  const { server, gateway } = await started();
  await gateway.secondsUntil(/^Serving/);
  // The core has been seen to die of an unload while it answers, so let the canary have its answer first.
  await waitFor('canary', async () => (await gateway.status()).canary.outcome, patience);
  return { server, gateway };
}

async function chat({ url }: GatewayProcess): Promise<{ status: number; content: unknown }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'assistant', messages: [{ role: 'user', content: 'hi there' }] }),
  });
  const body = (await response.json()) as { choices?: { message?: { content?: string } }[] };
  return { status: response.status, content: body.choices?.[0]?.message?.content };
}

describe('a pod of Foundry Local', () => {
  test('serves its variant under the name that clients use, and answers the canary', async () => {
    const { gateway } = await serving();
    expect(await chat(gateway)).toEqual({ status: 200, content: greeting });
    expect(await gateway.status()).toMatchObject({
      phase: 'Serving',
      model: { runtimeName: id, loadedName: id },
      canary: { outcome: 'Passed' },
      residency: { class: 'CPU', ratio: 0 },
      runtime: { kind: 'FoundryLocal', up: true, restarts: 0, executionProvider: 'CPUExecutionProvider' },
    });
  });

  test('is not ready where a GPU is required and the core, by its own word, runs on the CPU', async () => {
    const { gateway } = await started({ residency: { class: 'GPU', required: true } });
    await gateway.secondsUntil(/^NotOnDevice: the model sits on the CPU/);
    expect(await gateway.status()).toMatchObject({
      ready: false,
      residency: { class: 'GPU', required: true, ratio: 0 },
      runtime: { executionProvider: 'CPUExecutionProvider' },
    });
  });

  test('says that the variant was unloaded behind its back, and has it loaded again', async () => {
    const { server, gateway } = await serving();
    const lost = gateway.secondsUntil(/^ModelLost/);
    expect((await fetch(`${server.url}/models/unload/${encodeURIComponent(id)}`)).status).toBe(200);
    tell('model unloaded', await lost);
    tell('  back after that', await gateway.secondsUntil(/^Serving/));
    expect(await chat(gateway)).toEqual({ status: 200, content: greeting });
  });

  test('says that the server was killed, and serves again when that is back', async () => {
    const { server, gateway } = await serving();
    server.kill('SIGKILL');
    tell('server killed', await gateway.secondsUntil(/^RuntimeDown/));
    await server.ended();
    await server.start();
    tell('  back after its start', await gateway.secondsUntil(/^Serving/));
    expect((await gateway.status()).runtime?.restarts).toBe(1);
  });

  test('says that the server hangs', async () => {
    const { server, gateway } = await serving();
    server.kill('SIGSTOP');
    tell('server stopped (SIGSTOP)', await gateway.secondsUntil(/^RuntimeHung/));
    server.kill('SIGCONT');
    await gateway.secondsUntil(/^Serving/);
  });
});
