// The client of OpenAI, as published, against both runtimes through the gateway, with API keys and TLS on: one client, no case
// for either.
import OpenAI, { APIError } from 'openai';
import { describe, expect, test } from 'vitest';
import { API_KEY, type Entrance, foundryEntrance, ollamaEntrance, SERVED_NAME } from './clientWorld.ts';

const clientOf = ({ url, key, fetch }: Entrance, changes: { apiKey?: string } = {}) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: key, fetch, maxRetries: 0, ...changes });

const question = { model: SERVED_NAME, messages: [{ role: 'user' as const, content: 'a very private question' }] };

const failure = async (work: PromiseLike<unknown>): Promise<APIError> => {
  const error: unknown = await Promise.resolve(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof APIError)) throw new Error(`no error of the API: ${error}`);
  return error;
};

describe.each([
  ['Ollama', ollamaEntrance],
  ['Foundry Local', foundryEntrance],
] as const)('the client of OpenAI at %s', (_runtime, entrance) => {
  const world = entrance();

  test('lists the one model under the name that is served', async () => {
    const { data } = await clientOf(world()).models.list();
    expect(data.map(({ id, object }) => ({ id, object }))).toEqual([{ id: SERVED_NAME, object: 'model' }]);
    expect(await clientOf(world()).models.retrieve(SERVED_NAME)).toMatchObject({ id: SERVED_NAME });
  });

  test('chats', async () => {
    const { choices, usage } = await clientOf(world()).chat.completions.create(question);
    expect(choices).toMatchObject([{ finish_reason: 'stop', message: { role: 'assistant' } }]);
    expect(choices[0]?.message.content).toBe(world().greeting);
    expect(usage?.completion_tokens).toBeGreaterThan(0);
  });

  test('streams a chat', async () => {
    const stream = await clientOf(world()).chat.completions.create({ ...question, stream: true });
    let [text, pieces] = ['', 0];
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? '';
      pieces++;
    }
    expect(text).toBe(world().greeting);
    expect(pieces).toBeGreaterThan(1);
  });

  test('gets the usage of a stream when it asks for it', async () => {
    const options = { ...question, stream: true as const, stream_options: { include_usage: true } };
    const used: number[] = [];
    for await (const { usage } of await clientOf(world()).chat.completions.create(options))
      if (usage) used.push(usage.completion_tokens);
    expect(used.at(-1)).toBeGreaterThan(0);
  });

  test('may leave in the middle of a stream, and the next one is served', async () => {
    const client = clientOf(world());
    const stream = await client.chat.completions.create({ ...question, stream: true });
    for await (const _piece of stream) break;
    const { choices } = await client.chat.completions.create(question);
    expect(choices[0]?.message.content).toBe(world().greeting);
  });

  test('gets a response', async () => {
    const response = await clientOf(world()).responses.create({ model: SERVED_NAME, input: 'hello', store: false });
    expect(response.output_text).toBe(world().greeting);
  });

  test('reads errors in its own dialect: an unknown name, with the right one; a wrong key', async () => {
    const unknown = await failure(clientOf(world()).chat.completions.create({ ...question, model: 'gpt-4' }));
    expect(unknown).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(unknown.message).toContain(SERVED_NAME);
    const stranger = await failure(clientOf(world(), { apiKey: 'guessed' }).models.list());
    expect(stranger).toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  test('leaves a line for the audit, without prompt, answer or key', async () => {
    const log = await world().log();
    expect(log).toMatch(/"client":"testers"/);
    for (const secret of [question.messages[0]?.content ?? '', world().greeting, API_KEY])
      expect(log).not.toContain(secret);
  });
});

describe('the client of OpenAI at Ollama with a model for embeddings', () => {
  const world = ollamaEntrance('embed');

  test('gets a vector for each text', async () => {
    const { data } = await clientOf(world()).embeddings.create({ model: SERVED_NAME, input: ['one', 'two'] });
    expect(data).toHaveLength(2);
    for (const { embedding } of data) expect(embedding.some((value) => value !== 0)).toBe(true);
  });
});
