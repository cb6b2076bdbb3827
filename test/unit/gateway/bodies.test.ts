import { describe, expect, it } from 'vitest';
import { type BodyInput, rewriteBody } from '../../../src/gateway/bodies.ts';
import { createServed } from '../../../src/gateway/models.ts';
import { type RuntimeKind, routes } from '../../../src/gateway/routes.ts';

const names = { servedNames: ['assistant', 'tiny'], name: 'runtime:name' };

function input(path: string, body: unknown, runtime: RuntimeKind = 'Ollama'): BodyInput {
  const route = routes.find((candidate) => candidate.path === path && candidate.runtimes.includes(runtime));
  if (!route) throw new Error(`no route ${path}`);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { route, runtime, served: createServed({ runtime, ...names }), headers: {}, body: Buffer.from(text) };
}

function rewrite(path: string, body: unknown, runtime?: RuntimeKind) {
  const result = rewriteBody(input(path, body, runtime));
  const text = Buffer.concat(result.chunks).toString();
  return { ...result, text, json: JSON.parse(text) as Record<string, unknown> };
}

const chat = '/api/chat';
const completions = '/v1/chat/completions';

describe('the model', () => {
  it('is named to the runtime as the runtime knows it', () => {
    const { json, model } = rewrite(chat, { model: 'assistant', messages: [] });
    expect(json.model).toBe('runtime:name');
    expect(model).toBe('assistant');
  });

  it('has to be a served one', () => {
    expect(() => rewrite(chat, { model: 'runtime:name' })).toThrow('use one of "assistant", "tiny"');
    expect(() => rewrite(chat, {})).toThrow('model is missing; use one of');
    expect(() => rewrite(chat, { model: null })).toThrow('model is missing');
    expect(() => rewrite(chat, { model: 7 })).toThrow('model must be a string');
    expect(() => rewrite(chat, { model: 'x'.repeat(5000) })).toThrow('"model" is too long');
  });

  it('cannot be named a second time in another case, which Ollama would read too', () => {
    expect(() => rewrite(chat, '{"model":"assistant","MODEL":"other"}')).toThrow('no model "other" here');
    const { text } = rewrite(chat, '{"Model":"other","mOdel":"x","model":"tiny"}');
    expect(text).toBe('{"model":"runtime:name"}');
  });

  it('may be called `name` where Ollama still takes that, and nowhere else', () => {
    expect(rewrite('/api/show', { name: 'tiny' }).text).toBe('{"model":"runtime:name"}');
    expect(rewrite('/api/show', { model: 'tiny', name: 'other' }).text).toBe('{"model":"runtime:name"}');
    expect(() => rewrite('/api/show', { name: 'other' })).toThrow('no model "other"');
    expect(() => rewrite(chat, { name: 'tiny' })).toThrow('model is missing');
  });
});

describe('what controls the runtime is taken out, and said:', () => {
  it.each([
    ['keep_alive', 0],
    ['keep_alive', '-1'],
    ['shift', false],
  ])('%s', (key, value) => {
    for (const path of [chat, '/api/generate', '/api/embed', '/api/embeddings', completions]) {
      const { json, removed } = rewrite(path, { model: 'tiny', [key]: value, other: 1 });
      expect(json).toEqual({ model: 'runtime:name', other: 1 });
      expect(removed).toEqual([key]);
    }
  });

  it.each(['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'use_mmap', 'num_thread', 'draft_num_predict'])(
    'options.%s',
    (option) => {
      const { json, removed } = rewrite(chat, { model: 'tiny', options: { temperature: 0.5, [option]: 1, seed: 7 } });
      expect(json.options).toEqual({ temperature: 0.5, seed: 7 });
      expect(removed).toEqual([`options.${option}`]);
    },
  );

  it('in any case that Go’s decoder folds', () => {
    const { text, removed } = rewrite(
      chat,
      '{"model":"tiny","KEEP_ALIVE":0,"\u212aeep_alive":0,"\\u006beep_alive":0,"\u017fhift":true,"Options":{"num_ctx":1,"NUM_GPU":2}}',
    );
    expect(text).toBe('{"model":"runtime:name","Options":{}}');
    expect(removed).toEqual(['keep_alive', 'options.num_ctx', 'options.num_gpu', 'shift']);
  });

  it('in every one of several `options`, which Ollama would merge', () => {
    const { text } = rewrite(chat, '{"options":{"num_ctx":1},"model":"tiny","options":{"num_ctx":2,"seed":3}}');
    expect(text).toBe('{"model":"runtime:name","options":{},"options":{"seed":3}}');
  });

  it('and nothing else is', () => {
    const body = {
      model: 'tiny',
      messages: [{ role: 'user', content: 'keep_alive' }],
      options: { seed: 1 },
      think: true,
    };
    const { json, removed } = rewrite(chat, body);
    expect(json).toEqual({ ...body, model: 'runtime:name' });
    expect(removed).toEqual([]);
  });
});

describe('all else passes byte for byte', () => {
  it('numbers beyond a double, spaces and keys that look like numbers included', () => {
    const rest = '"seed" : 12345678901234567890.10 , "tools":[ {"2":1,"1":2, "__proto__": null} ]';
    const { text } = rewrite(chat, `{"model":"tiny" ,${rest}}`);
    expect(text.replace('{"model":"runtime:name",', '')).toBe(`${rest.replace(' , "tools"', ',"tools"')}}`);
  });

  it('without copying what is large', () => {
    const body = input(chat, { model: 'tiny', images: ['A'.repeat(100_000)] });
    const large = rewriteBody(body).chunks.find(({ byteLength }) => byteLength > 100_000);
    expect(large?.buffer).toBe(body.body.buffer);
  });

  it('with the right length', () => {
    const { bytes, chunks } = rewrite(chat, { model: 'tiny', messages: [{ role: 'user', content: 'grüß 😀' }] });
    expect(bytes).toBe(Buffer.concat(chunks).byteLength);
  });
});

describe('streams', () => {
  it.each([
    [chat, undefined, true],
    [chat, false, false],
    [completions, undefined, false],
    [completions, true, true],
    ['/v1/messages', true, true],
  ])('%s with stream %j streams: %j', (path, stream, expected) => {
    expect(rewrite(path, { model: 'tiny', ...(stream !== undefined && { stream }) }).stream).toBe(expected);
  });

  it('of Ollama’s OpenAI routes are asked for usage, which is hidden from clients that did not ask', () => {
    for (const path of [completions, '/v1/completions']) {
      const asked = rewrite(path, { model: 'tiny', stream: true });
      expect([asked.json.stream_options, asked.hideUsage]).toEqual([{ include_usage: true }, true]);
    }
    const declined = rewrite(completions, {
      model: 'tiny',
      stream: true,
      stream_options: { include_usage: false, include_obfuscation: false },
    });
    expect(declined.json.stream_options).toEqual({ include_obfuscation: false, include_usage: true });
    expect(declined.hideUsage).toBe(true);
  });

  it('are not meddled with where the client asked, or where usage comes by itself', () => {
    const own = { model: 'tiny', stream: true, stream_options: { include_usage: true } };
    expect(rewrite(completions, own)).toMatchObject({
      hideUsage: false,
      json: { stream_options: { include_usage: true } },
    });
    for (const [path, runtime] of [
      [completions, 'FoundryLocal'],
      ['/v1/messages', 'Ollama'],
      [chat, 'Ollama'],
      ['/v1/responses', 'Ollama'],
    ] as const)
      expect(rewrite(path, { model: 'tiny', stream: true }, runtime)).toMatchObject({
        hideUsage: false,
        json: { model: 'runtime:name', stream: true },
      });
    expect(rewrite(completions, { model: 'tiny' }).text).toBe('{"model":"runtime:name"}');
  });
});

describe('state that would lie in one pod’s memory', () => {
  it.each([
    ['store', true],
    ['previous_response_id', 'resp_1'],
    ['conversation', 'conv_1'],
    ['background', true],
  ])('is refused: %s', (key, value) => {
    for (const runtime of ['Ollama', 'FoundryLocal'] as const)
      expect(() => rewrite('/v1/responses', { model: 'tiny', [key]: value }, runtime)).toThrow(`${key} is refused`);
  });

  it('is declined on behalf of clients that say nothing, where the runtime would keep it', () => {
    expect(rewrite('/v1/responses', { model: 'tiny', input: 'hi' }, 'FoundryLocal').json.store).toBe(false);
    expect(rewrite('/v1/responses', { model: 'tiny', store: null }, 'FoundryLocal').json.store).toBe(false);
    expect(rewrite('/v1/responses', { model: 'tiny', input: 'hi' }).json).not.toHaveProperty('store');
  });
});

describe('a body that cannot be read', () => {
  it.each([
    ['', 'an object is missing at byte 0'],
    ['[]', 'an object is missing'],
    ['"text"', 'an object is missing'],
    ['{"model":"tiny"', 'a comma or an end is missing'],
    ['{"model":"tiny"}{"model":"other"}', 'more than one value'],
    ['{"model":"tiny",}', 'a string is missing'],
    ["{'model':'tiny'}", 'a string is missing'],
    ['{"model":"tiny","a":01}', 'a comma or an end is missing'],
    ['{"model":"tiny","a":NaN}', 'a value is missing'],
    ['\ufeff{"model":"tiny"}', 'an object is missing'],
    [`{"model":"tiny","a":${'['.repeat(300)}${']'.repeat(300)}}`, 'more than 200 levels'],
    [`{"model":"tiny"${',"a":1'.repeat(600)}}`, 'more than 500 members'],
  ])('is refused with the place: %.40s', (body, message) => {
    expect(() => rewrite(chat, body)).toThrow(message);
  });

  it('is refused when it is not UTF-8', () => {
    const body = Buffer.concat([Buffer.from('{"model":"tiny","a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(() => rewriteBody({ ...input(chat, {}), body })).toThrow('not UTF-8');
  });

  it('is refused when it is compressed, or something else than JSON', () => {
    const good = input(chat, { model: 'tiny' });
    for (const headers of [
      { 'content-encoding': 'zstd' },
      { 'content-encoding': 'gzip, identity' },
      { 'content-type': 'multipart/form-data; boundary=x' },
      { 'content-type': 'application/octet-stream' },
    ])
      expect(() => rewriteBody({ ...good, headers })).toThrow(
        expect.objectContaining({ reason: 'UnsupportedEncoding' }),
      );
    for (const headers of [
      { 'content-encoding': 'identity' },
      { 'content-type': 'application/json; charset=utf-8' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'text/plain;charset=UTF-8' },
      {},
    ])
      expect(rewriteBody({ ...good, headers }).model).toBe('tiny');
  });
});
