// The server as a pod runs it, with the real core and a tiny model that somebody has brought on a volume.
import { readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exits } from '../../../src/foundryLocal/exits.ts';
import { given } from '../given.ts';
import { freeze } from '../models/frozen.ts';
import { type TinyOnnx, tinyOnnx } from '../models/onnxLlama.ts';
import { call, loadedIds } from './api.ts';
import type { FoundryNatives } from './natives.ts';
import { createFoundryPod, type FoundryPod, type FoundryServer, writeModelFolder } from './pod.ts';

const greeting = ' Hello from the tiny test model.';
const reference = 'tiny-generic-cpu:1';
const messages = [{ role: 'user', content: 'hi there' }];

const volumeOf = ({ folder }: FoundryPod) => join(folder, 'volume');

/** Pulls a model that was brought on a volume, as every test here does first. */
async function bring(pod: FoundryPod, model: TinyOnnx, id = reference): Promise<void> {
  const path = await writeModelFolder(volumeOf(pod), tinyOnnx(model));
  await freeze(path);
  const { message, log } = await pod.pull(id, { source: { kind: 'Volume', path, claimName: 'mine' } });
  if (message.reason !== 'Done') throw new Error(`${message.message}\n${log}`);
}

const chat = (server: FoundryServer, more: object = {}) =>
  call(server.url, '/v1/chat/completions', { model: reference, messages, ...more });

const ask = (server: FoundryServer, more: object, signal?: AbortSignal) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: reference, messages, ...more }),
    ...(signal && { signal }),
  });

const linesOf = (log: string) =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string; level: string });

describe('a model that was brought on a read-only volume', () => {
  const world = given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
    const pod = await createFoundryPod(foundryLocal, atEnd);
    await bring(pod, { apart: true });
    return { pod, server: await pod.serve(reference) };
  });

  test('is loaded when the server first answers', async () => {
    expect(await loadedIds(world().server.url)).toEqual([reference]);
  });

  test('and by then it has said on what it runs', async () => {
    expect(JSON.parse(await readFile(world().pod.reportFile, 'utf8'))).toEqual({
      schema: 1,
      model: reference,
      executionProvider: 'CPUExecutionProvider',
      device: 'CPU',
    });
  });

  test('chats', async () => {
    const { status, body } = await chat(world().server);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      model: reference,
      choices: [{ message: { role: 'assistant', content: greeting }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 9, completion_tokens: 7 },
    });
  });

  test('chats word by word, and tells the usage at the end', async () => {
    const { status, body, content, events } = await chat(world().server, {
      stream: true,
      stream_options: { include_usage: true },
    });
    expect({ status, content }).toEqual({ status: 200, content: greeting });
    expect(events).toBeGreaterThan(7);
    expect(body).toMatchObject({ choices: [], usage: { completion_tokens: 7 } });
  });

  test('answers the Responses API', async () => {
    const { status, body } = await call(world().server.url, '/v1/responses', { model: reference, input: 'hi' });
    expect({ status, text: JSON.stringify(body) }).toMatchObject({
      status: 200,
      text: expect.stringContaining('tiny test'),
    });
  });

  test('is not copied: the core has links, and only its own files are written', async () => {
    const { pod } = world();
    const inside = join(pod.home, '.foundry-local/models/Microsoft/tiny-generic-cpu-1/v1');
    expect(await readlink(join(inside, 'model.onnx.data'))).toBe(join(volumeOf(pod), 'model.onnx.data'));
  });

  test('is refused by another name, and the server lives on', async () => {
    const { server } = world();
    const { status } = await call(server.url, '/v1/chat/completions', { model: 'other', messages });
    expect(status).toBeGreaterThanOrEqual(400);
    expect((await chat(server)).status).toBe(200);
  });

  test('tells its log as JSON, with nothing of what was asked and answered, and no error', async () => {
    const log = await world().server.log();
    const lines = linesOf(log);
    expect(lines).toHaveLength(log.split('\n').length);
    expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['model loaded', 'serving']));
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(log).not.toMatch(/hi there|tiny test model/);
  });
});

describe('the limits of the pod', () => {
  const world = given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
    const pod = await createFoundryPod(foundryLocal, atEnd);
    await bring(pod, { endless: true });
    return { server: await pod.serve(reference, { FL_MAX_CONTEXT: '40' }) };
  });

  test('hold: question and answer together have so many tokens of context', async () => {
    const { body } = await chat(world().server);
    expect(body.usage).toMatchObject({ total_tokens: 40 });
  });

  test('hold: max_tokens ends an answer', async () => {
    const { body } = await chat(world().server, { max_tokens: 5 });
    expect(body).toMatchObject({ usage: { completion_tokens: 5 }, choices: [{ finish_reason: 'length' }] });
  });

  test('can be put off and on: unloaded, loaded again', async () => {
    const { url } = world().server;
    expect((await call(url, `/models/unload/${reference}`)).status).toBe(200);
    expect(await loadedIds(url)).toEqual([]);
    expect((await call(url, `/models/load/${reference}`)).status).toBe(200);
    expect((await chat(world().server, { max_tokens: 1 })).status).toBe(200);
  });
});

describe('the end', () => {
  const world = given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
    const pod = await createFoundryPod(foundryLocal, atEnd);
    await bring(pod, { endless: true, slowness: 4 });
    return { pod };
  });

  test('by SIGTERM at rest: unloaded, exit code 0', async () => {
    const server = await world().pod.serve(reference);
    server.kill('SIGTERM');
    expect(await server.ended()).toEqual({ code: 0, signal: null });
    expect(linesOf(await server.log()).at(-1)).toMatchObject({ msg: 'stopped' });
  });

  test('by SIGTERM in mid-stream: the answer goes on to its end, then exit code 0', async () => {
    const server = await world().pod.serve(reference);
    const response = await ask(server, { stream: true, max_tokens: 60 });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? '';
    server.kill('SIGTERM');
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(text.match(/"completion_tokens":60\b/)).not.toBeNull();
    expect(await server.ended()).toEqual({ code: 0, signal: null });
  });

  test('by a crash of the core: an exit code of its own, and the signal in words', async () => {
    const server = await world().pod.serve(reference);
    // 1.2.3 with a chat model: SIGSEGV, each time. The gateway lets no such request through.
    await call(server.url, '/v1/embeddings', { model: reference, input: 'hi' }).catch(() => undefined);
    expect(await server.ended()).toEqual({ code: exits.CoreEnded.exitCode, signal: null });
    expect(await server.log()).toContain('CoreEnded');
    expect(await server.log()).toContain('the core has ended by SIGSEGV');
  });
});

describe('a client that goes away', () => {
  const world = given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
    const pod = await createFoundryPod(foundryLocal, atEnd);
    await bring(pod, { endless: true, slowness: 30 });
    return { server: await pod.serve(reference) };
  });

  test('leaves nobody behind who waits for the rest of its answer, which would take minutes', async () => {
    const { server } = world();
    const gone = new AbortController();
    const response = await ask(server, { stream: true, max_tokens: 2_000 }, gone.signal);
    await response.body!.getReader().read();
    gone.abort();
    // The core works on one after the other.
    expect((await chat(server, { max_tokens: 1 })).status).toBe(200);
  });
});

describe('what cannot be served', () => {
  const world = given(['foundryLocal'], async ({ foundryLocal }): Promise<FoundryNatives> => foundryLocal);

  const newPod = () => createFoundryPod(world(), (act) => onTestFinished(async () => void (await act())));

  /** A pod whose model is changed after the pull has verified it. */
  async function changed(change: (volume: string) => Promise<unknown>) {
    const pod = await newPod();
    const path = await writeModelFolder(volumeOf(pod), tinyOnnx());
    await pod.pull(reference, { source: { kind: 'Volume', path, claimName: 'mine' } });
    await change(path);
    return pod.serveInVain(reference);
  }

  test.each<[string, (volume: string) => Promise<unknown>, keyof typeof exits, RegExp]>([
    [
      'weights that are no ONNX',
      (volume) => writeFile(join(volume, 'model.onnx'), Buffer.alloc(5_000, 7)),
      'LoadFailed',
      /cannot load tiny-generic-cpu:1: /,
    ],
    [
      'weights that end too early',
      async (volume) => {
        const path = join(volume, 'model.onnx');
        await writeFile(path, (await readFile(path)).subarray(0, 10_000));
      },
      'LoadFailed',
      /cannot load tiny-generic-cpu:1: /,
    ],
    [
      'a missing tokenizer',
      (volume) => rm(join(volume, 'tokenizer.json')),
      'ModelMissing',
      /tokenizer.json is missing/,
    ],
    [
      'a broken tokenizer',
      (volume) => writeFile(join(volume, 'tokenizer.json'), '{"model": {}}'),
      'LoadFailed',
      /cannot load tiny-generic-cpu:1: /,
    ],
  ])('%s end it with a code and the words', async (_, change, reason, words) => {
    const { exitCode, log } = await changed(change);
    expect({ exitCode, log }).toMatchObject({ exitCode: exits[reason].exitCode, log: expect.stringMatching(words) });
  });

  test('a model that no pull has brought is told at once', async () => {
    const pod = await newPod();
    const { exitCode, log } = await pod.serveInVain('phi-4-mini');
    expect({ exitCode, log }).toMatchObject({
      exitCode: exits.ModelMissing.exitCode,
      log: expect.stringContaining('has no phi-4-mini that a pull has verified'),
    });
  });

  test('a device that is not there is never replaced by the CPU', async () => {
    const pod = await newPod();
    await bring(pod, {});
    const { exitCode, log } = await pod.serveInVain(reference, { FL_EP: 'cuda' });
    expect({ exitCode, log }).toMatchObject({
      exitCode: exits.DeviceMissing.exitCode,
      log: expect.stringContaining('the core has no CUDAExecutionProvider here'),
    });
  });

  test('an image without the core says what is missing', async () => {
    const pod = await newPod();
    await bring(pod, {});
    const { exitCode, log } = await pod.serveInVain(reference, { FL_CORE: '/nowhere' });
    expect({ exitCode, log }).toMatchObject({
      exitCode: exits.CoreMissing.exitCode,
      log: expect.stringContaining('/nowhere/foundry_local_napi.node is not there'),
    });
  });
});
