// Calls of Ollama's API as a client would make them, with answers as they come.
import { readFile } from 'node:fs/promises';
import { digestOf } from '../../../src/models/digest.ts';

export interface Answer {
  status: number;
  /** Parsed, or the text where it is not JSON. Of a stream: the last line. */
  body: Record<string, unknown>;
  /** Of a stream: every line. */
  lines: Record<string, unknown>[];
}

const parse = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
};

/** Without a body: GET. `method` overrides. Nothing is streamed unless the body says `stream: true`. */
export async function call(url: string, path: string, body?: object, method?: string): Promise<Answer> {
  const init =
    body === undefined
      ? { method: method ?? 'GET' }
      : { method: method ?? 'POST', headers: json, body: requestBody(body) };
  const response = await fetch(`${url}${path}`, init);
  const text = await response.text();
  const whole = parse(text);
  const lines = 'text' in whole ? text.split('\n').filter(Boolean).map(parse) : [whole];
  return { status: response.status, body: lines.at(-1) ?? {}, lines };
}

const json = { 'content-type': 'application/json' };
const requestBody = (body: object) => JSON.stringify({ stream: false, ...body });

/** Imports a GGUF as `ollama create` does: uploads it, then asks for a model of it. Throws unless that worked. */
export async function createModel(
  url: string,
  model: string,
  gguf: Uint8Array | string,
  more: Record<string, unknown> = {},
): Promise<void> {
  const bytes = typeof gguf === 'string' ? await readFile(gguf) : gguf;
  const digest = digestOf(bytes);
  const uploaded = await fetch(`${url}/api/blobs/${digest}`, { method: 'POST', body: new Uint8Array(bytes) });
  if (!uploaded.ok) throw new Error(`upload answered ${uploaded.status}: ${await uploaded.text()}`);
  const { status, body } = await call(url, '/api/create', { model, files: { 'model.gguf': digest }, ...more });
  if (status !== 200) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
}
