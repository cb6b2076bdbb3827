// Requests to a model from the test itself, through the door of the node and the Service of the deployment.
import { fetch } from 'undici';
import type { Setting } from '../test.ts';

export interface Ask {
  model: string;
  maxTokens?: number;
  /** Milliseconds; default 20 s. */
  deadlineMs?: number;
  /** On a connection of its own, as clients on different machines have. Default: one that is kept open. */
  alone?: boolean;
}

const urlOf = ({ namespace }: Setting) => `http://model.${namespace}.svc:8080/v1/chat/completions`;

const bodyOf = ({ model, maxTokens }: Ask, stream: boolean) =>
  JSON.stringify({
    model,
    stream,
    messages: [{ role: 'user', content: 'Hi' }],
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  });

const headersOf = ({ alone }: Ask) => ({ 'content-type': 'application/json', ...(alone && { connection: 'close' }) });

/** The answer's words; rejects with status and body where there are none. */
export async function chat(setting: Setting, ask: Ask): Promise<string> {
  const { dispatcher } = setting;
  const signal = AbortSignal.timeout(ask.deadlineMs ?? 20_000);
  const request = { method: 'POST', headers: headersOf(ask), body: bodyOf(ask, false), dispatcher, signal };
  const response = await fetch(urlOf(setting), request);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
}

/** The first answer of a model that has just become Ready: kube-proxy hears of the pod when the operator does, and takes a second. */
export const firstChat = (setting: Setting, ask: Ask): Promise<string> =>
  setting.until('the Service leads to the model', () => chat(setting, ask));

export interface Stream {
  /** Resolves with the first piece. */
  readonly begun: Promise<void>;
  /** Resolves at the end of the answer, rejects where it was cut. */
  readonly ended: Promise<{ pieces: number; done: boolean }>;
}

/** A streamed answer; on a connection of its own, as clients on different machines have. */
export function openStream(setting: Setting, ask: Ask): Stream {
  const begun = Promise.withResolvers<void>();
  const ended = (async () => {
    const { dispatcher } = setting;
    const request = {
      method: 'POST',
      headers: headersOf({ ...ask, alone: true }),
      body: bodyOf(ask, true),
      dispatcher,
    };
    const response = await fetch(urlOf(setting), request);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece as Uint8Array, { stream: true });
      begun.resolve();
    }
    return { pieces: text.split('data: ').length - 1, done: text.includes('data: [DONE]') };
  })();
  ended.catch(begun.reject);
  return { begun: begun.promise, ended };
}
