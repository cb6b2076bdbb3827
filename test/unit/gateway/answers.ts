// Answers as the runtimes write them (ollama/ollama v0.32.15, Foundry Local 1.2.3 as observed), and what is to be read from them.
import type { Usage } from '../../../src/gateway/usage.ts';

export interface Answer {
  name: string;
  contentType: string;
  text: string;
  usage: Usage;
  /** Default: true. */
  complete?: boolean;
  /** Default: false. */
  failed?: boolean;
}

const lines = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const events = (...records: (object | string)[]) =>
  records.map((record) => `data: ${typeof record === 'string' ? record : JSON.stringify(record)}\n\n`).join('');
const named = (...records: ({ type: string } & Record<string, unknown>)[]) =>
  records.map((record) => `event: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`).join('');

const ollamaEnd = {
  done: true,
  done_reason: 'stop',
  total_duration: 5_000_000_000,
  load_duration: 250_000_000,
  prompt_eval_count: 11,
  prompt_eval_duration: 500_000_000,
  eval_count: 7,
  eval_duration: 1_400_000_000,
};
const ollamaUsage = { inputTokens: 11, outputTokens: 7, promptSeconds: 0.5, outputSeconds: 1.4, loadSeconds: 0.25 };
const openAiUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const newUsage = { input_tokens: 11, output_tokens: 7 };
const tokens = { inputTokens: 11, outputTokens: 7 };

export const answers: readonly Answer[] = [
  {
    name: 'Ollama, streamed',
    contentType: 'application/x-ndjson',
    text: lines(
      { model: 'tiny', message: { role: 'assistant', content: 'Grüß "Gott" \\ 😀\n' }, done: false },
      { model: 'tiny', message: { role: 'assistant', content: '' }, ...ollamaEnd },
    ),
    usage: ollamaUsage,
  },
  {
    name: 'Ollama, whole',
    contentType: 'application/json; charset=utf-8',
    text: JSON.stringify({ model: 'tiny', response: 'hello', context: [1, 2, 3], ...ollamaEnd }),
    usage: ollamaUsage,
  },
  {
    name: 'Ollama, embeddings',
    contentType: 'application/json',
    text: JSON.stringify({ model: 'tiny', embeddings: [[0.1, -2e-5], [1]], total_duration: 5, prompt_eval_count: 4 }),
    usage: { inputTokens: 4 },
  },
  {
    name: 'Ollama, failing in mid-stream',
    contentType: 'application/x-ndjson',
    text: lines({ message: { content: 'a' }, done: false }, { error: 'model runner has unexpectedly stopped' }),
    usage: {},
    complete: false,
    failed: true,
  },
  {
    name: 'OpenAI, streamed',
    contentType: 'text/event-stream',
    text: events(
      { choices: [{ delta: { role: 'assistant', content: 'a' } }] },
      { choices: [{ delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage: openAiUsage },
      '[DONE]',
    ),
    usage: tokens,
  },
  {
    name: 'OpenAI, streamed with carriage returns and comments',
    contentType: 'text/event-stream; charset=utf-8',
    text: `: ping\r\n\r\nretry: 10\r\ndata:${JSON.stringify({ choices: [], usage: openAiUsage })}\r\n\r\ndata: [DONE]\r\n\r\n`,
    usage: tokens,
  },
  {
    name: 'OpenAI, whole',
    contentType: 'application/json',
    text: JSON.stringify({ choices: [{ message: { content: 'a' } }], usage: openAiUsage }),
    usage: tokens,
  },
  {
    name: 'Foundry Local, with usage in every chunk',
    contentType: 'text/event-stream',
    text: events(
      {
        choices: [{ delta: { content: 'a' }, message: { content: 'a' } }],
        usage: { prompt_tokens: 11, completion_tokens: 1 },
      },
      { choices: [{ delta: {}, message: {} }], usage: openAiUsage },
      '[DONE]',
    ),
    usage: tokens,
  },
  {
    name: 'Anthropic, streamed',
    contentType: 'text/event-stream',
    text: named(
      { type: 'message_start', message: { id: 'm', content: [], usage: { input_tokens: 9, output_tokens: 0 } } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: newUsage },
      { type: 'message_stop' },
    ),
    usage: tokens,
  },
  {
    name: 'Anthropic, streamed, with the input counted at the beginning alone',
    contentType: 'text/event-stream',
    text: named(
      { type: 'message_start', message: { id: 'm', content: [], usage: { input_tokens: 11, output_tokens: 1 } } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 0, output_tokens: 7 } },
      { type: 'message_stop' },
    ),
    usage: tokens,
  },
  {
    name: 'Anthropic, whole',
    contentType: 'application/json',
    text: JSON.stringify({ type: 'message', content: [{ type: 'text', text: 'a' }], usage: newUsage }),
    usage: tokens,
  },
  {
    name: 'Responses, streamed',
    contentType: 'text/event-stream',
    text: named(
      { type: 'response.created', response: { id: 'r', status: 'in_progress', error: null, usage: null } },
      { type: 'response.output_text.delta', delta: 'a' },
      { type: 'response.completed', response: { id: 'r', error: null, output: [{ content: ['x'] }], usage: newUsage } },
    ),
    usage: tokens,
  },
  {
    name: 'Responses, whole',
    contentType: 'application/json',
    text: JSON.stringify({ object: 'response', error: null, output: [], usage: newUsage }),
    usage: tokens,
  },
  {
    name: 'Responses, failing',
    contentType: 'text/event-stream',
    text: named({ type: 'response.failed', response: { id: 'r', error: { code: 'server_error', message: 'no' } } }),
    usage: {},
    failed: true,
  },
];
