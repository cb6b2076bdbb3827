// A gateway process in front of a real Ollama that comes to harm, and the time until readiness told it.
import { copyFile, readdir, readFile, truncate } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { parseReference } from '../../../src/models/reference.ts';
import { blobPath, openStore } from '../../../src/models/store.ts';
import { writeManifest } from '../../../src/models/storeManifests.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { type GatewayProcess, startGatewayProcess } from '../../fault/gatewayProcess.ts';
import { tellTimes } from '../../fault/told.ts';
import { testConfig } from '../../unit/gateway/config.ts';
import { given } from '../given.ts';
import { tinyBert } from '../models/bert.ts';
import { tinyLlama } from '../models/llama.ts';
import type { ModelParts } from '../models/written.ts';
import { writeModel } from '../models/written.ts';
import { call } from '../ollama/api.ts';
import type { OllamaBinaries } from '../ollama/binaries.ts';
import { type OllamaServer, startOllama } from '../ollama/server.ts';
import { type ServedInStore, storeServed } from './servedStore.ts';

const binaries = given(['ollama'], async ({ ollama }): Promise<OllamaBinaries> => ollama);
const greeting = 'Hello from the tiny test model.';
const patience = { deadlineMs: 60_000 };

const atEnd: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const act of atEnd.splice(0).reverse()) await act();
});

const tell = tellTimes('told by /readyz of the gateway, with a real Ollama, after');

interface World {
  ollama: OllamaServer;
  gateway: GatewayProcess;
  model: ServedInStore;
}

/** @param before what happens to the store before anybody serves it */
async function world(
  parts: ModelParts = { gguf: tinyLlama() },
  {
    before,
    env,
    ...changes
  }: Partial<Parameters<typeof testConfig>[0]> & {
    before?: (store: string, model: ServedInStore) => Promise<void>;
    env?: Record<string, string>;
  } = {},
): Promise<World> {
  const ollama = await startOllama({
    binaries: binaries(),
    env: { OLLAMA_KEEP_ALIVE: '-1', OLLAMA_MAX_LOADED_MODELS: '1', ...env },
  });
  atEnd.push(ollama.stop);
  const model = await storeServed(ollama.store, 'tiny', parts);
  await before?.(ollama.store, model);
  const runtimePort = Number(new URL(ollama.url).port);
  const gateway = await startGatewayProcess({ runtimePort, pulled: model.pulled, changes });
  atEnd.push(gateway.stop);
  return { ollama, gateway, model };
}

async function serving(...options: Parameters<typeof world>): Promise<World> {
  const made = await world(...options);
  await made.gateway.secondsUntil(/^Serving/);
  return made;
}

/** Process id of the llama-server that Ollama has started for this store. */
async function runnerOf(store: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes('llama-server') && line.includes(store)) return Number(pid);
  }
  throw new Error('no runner');
}

const ask = ({ gateway }: World) => call(gateway.url, '/api/generate', { model: 'assistant', prompt: 'hello' });

describe('a pod that serves', () => {
  test('answers by the name that clients use, and tells the operator what it serves', async () => {
    const pod = await serving();
    expect((await ask(pod)).body.response).toBe(greeting);
    await waitFor('canary', async () => (await pod.gateway.status()).canary.outcome, patience);
    const { digest, name } = pod.model.pulled;
    expect(await pod.gateway.status()).toMatchObject({
      phase: 'Serving',
      model: { runtimeName: name, loadedName: name, servedDigest: digest, loadedDigest: digest, contextLength: 512 },
      canary: { outcome: 'Passed' },
      runtime: { up: true, version: '0.32.15', restarts: 0 },
    });
  });

  test('of embeddings is loaded and asked with the call for its kind', async () => {
    const pod = await serving({ gguf: tinyBert() });
    const { status } = await call(pod.gateway.url, '/api/embed', { model: 'assistant', input: 'hello' });
    expect(status).toBe(200);
    await waitFor('canary', async () => (await pod.gateway.status()).canary.outcome, patience);
    expect((await pod.gateway.status()).canary.outcome).toBe('Passed');
  });
});

describe('readiness goes', () => {
  test('when the runtime is killed, and comes back with it, loaded again', async () => {
    const pod = await serving();
    pod.ollama.kill('SIGKILL');
    tell('runtime killed', await pod.gateway.secondsUntil(/^RuntimeDown/));
    await pod.ollama.ended();
    await pod.ollama.start();
    tell('  back after its start', await pod.gateway.secondsUntil(/^Serving/));
    expect((await pod.gateway.status()).runtime?.restarts).toBe(1);
    expect((await ask(pod)).body.response).toBe(greeting);
  });

  test('when the runtime is stopped in its tracks, and comes back when it goes on', async () => {
    const pod = await serving();
    pod.ollama.kill('SIGSTOP');
    tell('runtime stopped (SIGSTOP)', await pod.gateway.secondsUntil(/^RuntimeHung/));
    expect((await fetch(`${pod.gateway.adminUrl}/runtime/livez`)).status).toBe(200);
    pod.ollama.kill('SIGCONT');
    tell('  back after SIGCONT', await pod.gateway.secondsUntil(/^Serving/));
  });

  test('when the process below it that runs the model is stopped, and comes back with another one', async () => {
    const pod = await serving(undefined, { canary: { intervalSeconds: 1 } });
    const runner = await runnerOf(pod.ollama.store);
    process.kill(runner, 'SIGSTOP');
    tell('runner stopped (SIGSTOP)', await pod.gateway.secondsUntil(/^(RuntimeHung|CanaryFailed|ModelLost)/));
    const began = performance.now();
    await waitFor('answers again', async () => (await ask(pod)).body.response === greeting || undefined, patience);
    tell('  answers again after that', (performance.now() - began) / 1000);
    expect(await runnerOf(pod.ollama.store)).not.toBe(runner);
  });

  test('when the model is unloaded behind its back, and comes back when it is loaded again', async () => {
    const pod = await serving();
    const lost = pod.gateway.secondsUntil(/^ModelLost/);
    await call(pod.ollama.url, '/api/generate', { model: pod.model.pulled.name, keep_alive: 0 });
    tell('model unloaded', await lost);
    tell('  back after that', await pod.gateway.secondsUntil(/^Serving/));
    const { body } = await call(pod.ollama.url, '/api/ps');
    expect(body.models).toMatchObject([{ name: pod.model.pulled.name }]);
  });

  test('when another model is loaded in its place, and comes back with the right one', async () => {
    const pod = await serving();
    const other = await writeModel(pod.ollama.store, 'intruder', { gguf: tinyLlama({ seed: 5 }) });
    const lost = pod.gateway.secondsUntil(/^(WrongModel|ModelLost)/);
    await call(pod.ollama.url, '/api/generate', { model: other.name, keep_alive: -1 });
    tell('another model loaded', await lost);
    tell('  back after that', await pod.gateway.secondsUntil(/^Serving/));
    expect((await pod.gateway.status()).model?.loadedDigest).toBe(pod.model.pulled.digest);
  });
});

describe('readiness stays', () => {
  test('away for a moment only when the gateway itself is killed: the model stays loaded', async () => {
    const pod = await serving();
    const runner = await runnerOf(pod.ollama.store);
    pod.gateway.kill('SIGKILL');
    await pod.gateway.ended();
    await pod.gateway.start();
    tell('gateway killed, since it was there again', await pod.gateway.secondsUntil(/^Serving/));
    expect(await runnerOf(pod.ollama.store)).toBe(runner);
    await pod.gateway.drain(); // over a socket that the one before had left
    await pod.gateway.secondsUntil(/^Draining/);
  });
});

describe('readiness does not come', () => {
  test('for another manifest under the right name', async () => {
    const pod = await world(undefined, {
      async before(store, { pulled }) {
        const other = await writeModel(store, 'other', { gguf: tinyLlama({ seed: 5 }) });
        await writeManifest(openStore(store), parseReference(pulled.name), other.manifest);
      },
    });
    tell('wrong digest, since the start of the gateway', await pod.gateway.secondsUntil(/^WrongModel: .*sha256/));
    expect((await ask(pod)).status).toBe(503);
  });

  test('for weights that are cut off: the load fails, in the words of the runtime', async () => {
    const whole = tinyLlama();
    const pod = await world(
      { gguf: whole },
      {
        async before(store, { written }) {
          const path = blobPath(openStore(store), written.weights);
          await copyFile(path, `${path}.whole`);
          await truncate(path, 100_000);
        },
      },
    );
    tell('corrupt blob, since the start of the gateway', await pod.gateway.secondsUntil(/^LoadFailed: .*tiny.*: ./));
    const path = blobPath(openStore(pod.ollama.store), pod.model.written.weights);
    await copyFile(`${path}.whole`, path);
    tell('  back after it was mended', await pod.gateway.secondsUntil(/^Serving/));
  });
});

describe('stopping', () => {
  test('with 20 streams open cuts none of them; new ones get 503; the end comes after the last', async () => {
    const streams = 20;
    const pod = await serving(
      { gguf: tinyLlama({ endless: true, answer: ['tick', ' tock '] }) },
      {
        env: { OLLAMA_NUM_PARALLEL: String(streams), OLLAMA_CONTEXT_LENGTH: '2048' },
        limits: { ...testConfig().limits, maxInFlight: streams },
      },
    );
    const options = { num_predict: 1500 };
    const body = JSON.stringify({ model: 'assistant', prompt: 'go', options });
    const headers = { 'content-type': 'application/json' };
    const open = (more: RequestInit = {}) =>
      fetch(`${pod.gateway.url}/api/generate`, { method: 'POST', headers, body, ...more });
    const responses = await Promise.all(Array.from({ length: streams }, () => open()));
    let ended = 0;
    const reading = responses.map(async (response) => {
      const text = await response.text();
      ended++;
      return text;
    });
    const texts = Promise.all(reading);
    texts.catch(() => undefined); // should the test fail before it reads them
    pod.gateway.kill('SIGTERM');
    await pod.gateway.secondsUntil(/^Draining/);
    const refused = await waitFor(
      'new ones get 503',
      async () => {
        // One that is still taken in waits behind the streams, so it is given up soon.
        const response = await open({ signal: AbortSignal.timeout(300) });
        await response.body?.cancel();
        return response.status === 503 ? response : undefined;
      },
      patience,
    );
    expect(refused.headers.get('connection')).toBe('close');
    expect(streams - ended, 'still running').toBeGreaterThan(0);
    for (const text of await texts) {
      const last = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}');
      expect(last).toMatchObject({ done: true, done_reason: 'length', eval_count: options.num_predict });
    }
    expect(await pod.gateway.ended()).toEqual({ code: 0, signal: null });
  });
});
