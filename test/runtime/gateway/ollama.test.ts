// Ollama's own client, as published, against a real Ollama through the gateway, with API keys and TLS on.
import { Ollama } from 'ollama';
import { describe, expect, test } from 'vitest';
import { type Entrance, ollamaEntrance, SERVED_NAME } from './clientWorld.ts';

const clientOf = ({ url, key, fetch }: Entrance) =>
  new Ollama({ host: url, fetch, headers: { authorization: `Bearer ${key}` } });

const messages = [{ role: 'user', content: 'hello' }];

describe('the client of Ollama', () => {
  const world = ollamaEntrance();

  test('lists the one model under the name that is served, and that it is loaded', async () => {
    const { models } = await clientOf(world()).list();
    expect(models.map(({ name, model }) => ({ name, model }))).toEqual([{ name: SERVED_NAME, model: SERVED_NAME }]);
    const loaded = await clientOf(world()).ps();
    expect(loaded.models.map(({ name }) => name)).toEqual([SERVED_NAME]);
    expect(models[0]?.digest).toBe(loaded.models[0]?.digest);
  });

  test('shows it', async () => {
    const { capabilities, details } = await clientOf(world()).show({ model: SERVED_NAME });
    expect(capabilities).toContain('completion');
    expect(details.family).toBe('llama');
  });

  test('chats, at once and in a stream', async () => {
    const { message, eval_count } = await clientOf(world()).chat({ model: SERVED_NAME, messages });
    expect(message.content).toBe(world().greeting);
    expect(eval_count).toBeGreaterThan(0);
    let text = '';
    for await (const part of await clientOf(world()).chat({ model: SERVED_NAME, messages, stream: true }))
      text += part.message.content;
    expect(text).toBe(world().greeting);
  });

  test('generates in a stream that ends with the counts', async () => {
    const parts = [];
    for await (const part of await clientOf(world()).generate({ model: SERVED_NAME, prompt: 'hello', stream: true }))
      parts.push(part);
    expect(parts.map(({ response }) => response).join('')).toBe(world().greeting);
    expect(parts.at(-1)).toMatchObject({ done: true, done_reason: 'stop' });
  });

  test('cannot change models, and is told why', async () => {
    const client = clientOf(world());
    await expect(client.pull({ model: 'other' })).rejects.toThrow(/LocalModelDeployment/);
    await expect(client.delete({ model: SERVED_NAME })).rejects.toThrow(/LocalModelDeployment/);
  });

  test('is told the right name when it asks for another', async () => {
    await expect(clientOf(world()).chat({ model: 'llama3', messages })).rejects.toThrow(SERVED_NAME);
  });
});

describe('the client of Ollama with a model for embeddings', () => {
  const world = ollamaEntrance('embed');

  test('gets a vector for each text', async () => {
    const { embeddings } = await clientOf(world()).embed({ model: SERVED_NAME, input: ['one', 'two'] });
    expect(embeddings).toHaveLength(2);
  });
});
