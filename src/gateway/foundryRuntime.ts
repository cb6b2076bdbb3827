// Foundry Local as the judge sees it (SDK 1.2.3, as observed): its routes know variant ids, no digests, and not what a model runs on.
import * as z from 'zod';
import type { FoundryReport } from '../runtimes/foundryReport.ts';
import type { LoadedModel } from './observation.ts';
import { type RuntimeClient, RuntimeError } from './runtimeClient.ts';
import { createRuntimeHttp } from './runtimeHttp.ts';
import type { ReadReport } from './runtimeReport.ts';

const started = z.object({ pid: z.union([z.number(), z.string()]).optional().catch(undefined) });
const ids = z.array(z.string());
const completed = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }).optional() })),
});

const placeOf = ({ executionProvider, device }: FoundryReport): Pick<LoadedModel, 'executionProvider' | 'device'> => ({
  executionProvider,
  ...(device && { device }),
});

/**
 * @param port on 127.0.0.1
 * @param readReport what the server says of the model that it has loaded itself
 */
export function createFoundryRuntime(port: number, readReport: ReadReport): RuntimeClient {
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
    async models(signal) {
      // The server writes before it listens, so what lists a model has said what that runs on.
      const loaded = await loadedIds(signal);
      const report = await readReport();
      return loaded.map((name) => (name === report?.model ? { name, ...placeOf(report) } : { name }));
    },
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
