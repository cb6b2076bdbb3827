import { describe, expect, it } from 'vitest';
import { createAnswerReader } from '../../../src/gateway/usage.ts';
import { answers } from './answers.ts';

function read(text: string, contentType: string, hideUsage = false) {
  const reader = createAnswerReader({ contentType, hideUsage });
  const passed = [...reader.push(Buffer.from(text)), ...reader.end()];
  return { reader, passed: Buffer.concat(passed).toString() };
}

describe('an answer', () => {
  it.each(answers)(
    'of $name: passes as it came, and its numbers are read',
    ({ contentType, text, usage, complete, failed }) => {
      const { reader, passed } = read(text, contentType);
      expect(passed).toBe(text);
      expect(reader.usage).toEqual(usage);
      expect([reader.complete, reader.failed]).toEqual([complete ?? true, failed ?? false]);
    },
  );

  it('that is broken off is not complete', () => {
    for (const { text, contentType, complete = true } of answers) {
      if (!complete) continue;
      expect(read(text.slice(0, -14), contentType).reader.complete).toBe(false);
    }
  });

  it('is not misled by what the model writes', () => {
    const content = '{"usage":{"prompt_tokens":999},"done":true,"error":"x"}\n\ndata: [DONE]\n\n';
    const line = `${JSON.stringify({ message: { content, usage: { prompt_tokens: 999 } }, done: false })}\n`;
    const { reader } = read(line, 'application/x-ndjson');
    expect([reader.usage, reader.complete, reader.failed]).toEqual([{ inputTokens: 999 }, false, false]);
  });

  it('that is no JSON yields nothing, and passes', () => {
    const { reader, passed } = read('<html>"usage":{', 'text/html');
    expect([passed, reader.usage, reader.complete]).toEqual(['<html>"usage":{', {}, false]);
  });

  it('of any length is read in little memory', () => {
    const reader = createAnswerReader({ contentType: 'application/json', hideUsage: false });
    reader.push(Buffer.from('{"embeddings":[['));
    const piece = Buffer.from('0.0123456789,'.repeat(5000));
    for (let i = 0; i < 100; i++) expect(reader.push(piece)[0]).toBe(piece);
    reader.push(Buffer.from('1]],"prompt_eval_count":12}'));
    expect(reader.usage).toEqual({ inputTokens: 12 });
    expect(reader.complete).toBe(true);
  });
});

describe('usage that nobody asked for', () => {
  const chunk = (rest: object) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', ...rest })}\n\n`;
  const words = chunk({ choices: [{ index: 0, delta: { content: 'the word "usage" and \n\n' } }] });
  const last = chunk({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } });
  const done = 'data: [DONE]\n\n';

  it('is read and left out, and the rest is what the runtime would have sent without', () => {
    const { reader, passed } = read(words + last + done, 'text/event-stream', true);
    expect(passed).toBe(words + done);
    expect(reader.usage).toEqual({ inputTokens: 3, outputTokens: 5 });
    expect(reader.complete).toBe(true);
  });

  it('is cut out of the chunks that have it beside their text', () => {
    const zeros = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    const choices = [{ index: 0, text: 'word' }];
    const { passed } = read(chunk({ choices, usage: zeros }) + last + done, 'text/event-stream', true);
    expect(passed).toBe(chunk({ choices }) + done);
  });

  it('does not hold back an event that is whole, nor what never becomes one', () => {
    const reader = createAnswerReader({ contentType: 'text/event-stream', hideUsage: true });
    const text = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString();
    expect(text(reader.push(Buffer.from(words)))).toBe(words);
    expect(text(reader.push(Buffer.from(words.slice(0, 20))))).toBe('');
    expect(text(reader.end())).toBe(words.slice(0, 20));
  });

  it('is looked for in events of a sane size only, so that memory stays bounded', () => {
    const reader = createAnswerReader({ contentType: 'text/event-stream', hideUsage: true });
    const head = 'data: {"text":"';
    const piece = Buffer.from('x'.repeat(10_000));
    let passed = reader.push(Buffer.from(head)).reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (let i = 0; i < 100; i++) for (const { byteLength } of reader.push(piece)) passed += byteLength;
    expect(passed).toBeGreaterThan(head.length + 1_000_000 - 70_000);
    for (const { byteLength } of reader.push(Buffer.from(`"}\n\n${last}${done}`))) passed += byteLength;
    expect(passed).toBe(head.length + 1_000_000 + 4 + done.length);
  });

  it('leaves answers that are no stream alone', () => {
    const text = JSON.stringify({ choices: [], usage: { prompt_tokens: 3 } });
    expect(read(text, 'application/json', true).passed).toBe(text);
  });
});
