// Foundry Local as the judge sees it (SDK 1.2.3, as observed): its routes know variant ids and no digests.
import * as z from 'zod';
import { type RuntimeClient, RuntimeError } from './runtimeClient.ts';
import { createRuntimeHttp } from './runtimeHttp.ts';

const started = z.object({ pid: z.union([z.number(), z.string()]).optional().catch(undefined) });
const ids = z.array(z.string());
const completed = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }).optional() })),
});

/** @param port on 127.0.0.1 */
export function createFoundryRuntime(port: number): RuntimeClient {
  const http = createRuntimeHttp(port);
  const get = (path: string, signal: AbortSignal) => http.call({ method: 'GET', path, signal });

  async function loadedIds(signal: AbortSignal): Promise<string[]> {
    const answer = ids.safeParse(await get('/models/loaded', signal));
    if (answer.success) return answer.data;
    throw new RuntimeError('Answered', "the runtime's list of loaded models cannot be read");
  }

  return {
    async alive(signal) {
      const pid = started.safeParse(await get('/status', signal)).data?.pid;
      return pid === undefined ? {} : { instance: String(pid) };
    },
    version: async () => undefined, // no route tells it
    models: async (signal) => (await loadedIds(signal)).map((name) => ({ name })),
    kindOf: async () => undefined,
    async load({ name }, _kind, signal) {
      // The server process loads its model before it listens; this mends one that was unloaded since.
      if ((await loadedIds(signal)).includes(name)) return;
      await get(`/models/load/${encodeURIComponent(name)}`, signal);
    },
    async ask({ name, prompt, maxTokens }, signal) {
      const messages = [{ role: 'user', content: prompt }];
      const body = { model: name, messages, max_tokens: maxTokens };
      const answer = await http.call({ method: 'POST', path: '/v1/chat/completions', body, signal });
      const { success, data } = completed.safeParse(answer);
      if (!success) throw new RuntimeError('Answered', "the runtime's answer cannot be read");
      return data.choices[0]?.message?.content ?? '';
    },
    close: http.close,
  };
}
