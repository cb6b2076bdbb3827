// The server that other tests start behaves as a pod's does, and leaves nothing behind.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/models/store.ts';
import { listManifests } from '../../../src/models/storeManifests.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { given } from '../given.ts';
import { tinyLlama } from '../models/llama.ts';
import { writeModel } from '../models/written.ts';
import { versions } from '../versions.ts';
import { call, createModel } from './api.ts';
import type { OllamaBinaries } from './binaries.ts';
import { startOllama } from './server.ts';

const binaries = given(['ollama'], async ({ ollama }): Promise<OllamaBinaries> => ollama);
const patience = { deadlineMs: 30_000 };

/** Process ids of the llama-servers whose working folder or command line names this folder. */
async function runnersOf(store: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => lines[index]?.includes('llama-server') && lines[index]?.includes(store));
}

test('says which version it is', async () => {
  const server = await startOllama({ binaries: binaries() });
  expect((await call(server.url, '/api/version')).body).toEqual({ version: versions.ollama });
  await server.stop();
  expect(existsSync(dirname(server.store))).toBe(false);
});

test.runIf(process.platform === 'linux')(
  'killed, it takes along what it runs, and starts again on its port',
  async () => {
    const server = await startOllama({ binaries: binaries() });
    await writeModel(server.store, 'tiny', { gguf: tinyLlama() });
    await call(server.url, '/api/generate', { model: 'tiny', keep_alive: -1 });
    expect(await runnersOf(server.store)).toHaveLength(1);
    server.kill('SIGKILL');
    expect(await server.ended()).toEqual({ code: null, signal: 'SIGKILL' });
    await waitFor(
      'the runner is gone',
      async () => (await runnersOf(server.store)).length === 0 || undefined,
      patience,
    );
    await server.start();
    expect((await call(server.url, '/api/generate', { model: 'tiny', prompt: 'again' })).status).toBe(200);
    await server.stop();
    expect(await runnersOf(server.store)).toEqual([]);
  },
);

test('a model that it has made itself has a manifest that we can read', async () => {
  const server = await startOllama({ binaries: binaries() });
  await createModel(server.url, 'made', tinyLlama(), { system: 'Be brief.', parameters: { num_thread: 1 } });
  const stored = await listManifests(openStore(server.store));
  expect(stored).toMatchObject([{ reference: { host: 'registry.ollama.ai', model: 'made', tag: 'latest' }, raw: {} }]);
  expect((await call(server.url, '/api/generate', { model: 'made', prompt: 'hello' })).body.response).toContain('tiny');
  await server.stop();
});

test('an endless model goes on until it is told to end', async () => {
  const server = await startOllama({ binaries: binaries() });
  await writeModel(server.store, 'endless', { gguf: tinyLlama({ endless: true, answer: ['tick', ' tock '] }) });
  const options = { num_predict: 5 };
  const { body } = await call(server.url, '/api/generate', { model: 'endless', prompt: 'go', options });
  expect(body).toMatchObject({ response: 'tick tock tick tock tick', done_reason: 'length', eval_count: 5 });
  await server.stop();
});
