import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { given } from '../given.ts';
import { type TinyOnnx, tinyOnnx } from '../models/onnxLlama.ts';
import { call } from '../ollama/api.ts';
import { createFoundryPod, type FoundryPod, type FoundryServer, writeModelFolder } from './pod.ts';

const greeting = ' Hello from the tiny test model.';

const reference = 'tiny-generic-cpu:1';
const messages = [{ role: 'user', content: 'hi there' }];

/** Pulls a model that was brought on a volume, as every test here does first. */
async function bring(pod: FoundryPod, model: TinyOnnx, id = reference): Promise<void> {
  const path = await writeModelFolder(join(pod.folder, 'volume'), tinyOnnx(model));
  const { message, log } = await pod.pull(id, { source: { kind: 'Volume', path, claimName: 'mine' } });
  if (message.reason !== 'Done') throw new Error(`${message.message}\n${log}`);
}

const chat = (server: FoundryServer, more: object = {}) =>
  call(server.url, '/v1/chat/completions', { model: reference, messages, ...more });

describe('a model that was brought on a volume', () => {
  const world = given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
    const pod = await createFoundryPod(foundryLocal, atEnd);
    await bring(pod, {});
    return { pod, server: await pod.serve(reference) };
  });

  test('is loaded when the server answers', async () => {
    const response = await fetch(`${world().server.url}/models/loaded`);
    expect(await response.json()).toEqual([reference]);
  });

  test('chats', async () => {
    const { status, body } = await chat(world().server);
    expect(status).toBe(200);
    expect(body).toMatchObject({ choices: [{ message: { content: greeting }, finish_reason: 'stop' }] });
  });
});
