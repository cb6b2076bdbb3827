// Ollama as the judge sees it (ollama/ollama v0.32.15, server/routes.go).
import * as z from 'zod';
import type { LoadedModel } from './observation.ts';
import type { ModelKind } from './routes.ts';
import { type CanaryQuestion, type RuntimeClient, RuntimeError } from './runtimeClient.ts';
import { createRuntimeHttp, type RuntimeHttp } from './runtimeHttp.ts';

const count = z.number().min(0).optional().catch(undefined);

const listed = z.object({
  models: z.array(
    z.object({ name: z.string(), digest: z.string(), size: count, size_vram: count, context_length: count }),
  ),
});
const versioned = z.object({ version: z.string() });
const shown = z.object({ capabilities: z.array(z.string()).optional() });
const generated = z.object({ response: z.string().optional(), thinking: z.string().optional() });
const embedded = z.object({ embeddings: z.array(z.array(z.number())) });

const FOREVER = -1;

/** What is read of an answer; one without it is as bad as none. */
function read<T extends z.ZodType>(schema: T, answer: unknown, what: string): z.output<T> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw new RuntimeError('Answered', `the runtime's ${what} cannot be read: ${z.prettifyError(result.error)}`);
}

/** Without the size of a model nothing is known of where it sits. */
function loadedModel({
  name,
  digest,
  size,
  size_vram,
  context_length,
}: z.output<typeof listed>['models'][number]): LoadedModel {
  return {
    name,
    ...(digest && { digest: `sha256:${digest}` }),
    ...(size !== undefined && { sizeBytes: size, deviceBytes: size_vram ?? 0 }),
    ...(context_length !== undefined && { contextLength: context_length }),
  };
}

/** A model with both can be loaded by either call. */
function kindAmong(capabilities: readonly string[]): ModelKind | undefined {
  const generates = capabilities.includes('completion');
  const embeds = capabilities.includes('embedding');
  if (generates === embeds) return undefined;
  return generates ? 'Generate' : 'Embed';
}

/** Nothing in it that would make Ollama load the model anew: num_ctx, shift and their like stay as they were loaded. */
async function ask(http: RuntimeHttp, { name, prompt, kind, maxTokens }: CanaryQuestion, signal: AbortSignal) {
  const common = { model: name, keep_alive: FOREVER };
  if (kind === 'Embed') {
    const answer = await http.call({ method: 'POST', path: '/api/embed', body: { ...common, input: prompt }, signal });
    const [vector = []] = read(embedded, answer, 'embedding').embeddings;
    return vector.some((value) => value !== 0) ? vector.join(' ') : '';
  }
  const options = { num_predict: maxTokens, temperature: 0 };
  const body = { ...common, prompt, stream: false, options };
  const answer = await http.call({ method: 'POST', path: '/api/generate', body, signal });
  const { response = '', thinking = '' } = read(generated, answer, 'answer');
  return `${thinking}${response}`;
}

/** @param port on 127.0.0.1 */
export function createOllamaRuntime(port: number): RuntimeClient {
  const http = createRuntimeHttp(port);
  const get = (path: string, signal: AbortSignal) => http.call({ method: 'GET', path, signal });
  return {
    async alive(signal) {
      await get('/', signal); // touches neither disk nor scheduler
      return {};
    },
    async version(signal) {
      return read(versioned, await get('/api/version', signal), 'version').version;
    },
    async models(signal) {
      return read(listed, await get('/api/ps', signal), 'list of loaded models').models.map(loadedModel);
    },
    async kindOf(name, signal) {
      const answer = await http.call({ method: 'POST', path: '/api/show', body: { model: name }, signal });
      return kindAmong(read(shown, answer, 'description').capabilities ?? []);
    },
    async load({ name }, kind, signal) {
      // Without prompt or input it only loads. A model for embeddings refuses to generate, and no other refuses to embed.
      const call =
        kind === 'Embed'
          ? { path: '/api/embed', body: { model: name, keep_alive: FOREVER } }
          : { path: '/api/generate', body: { model: name, keep_alive: FOREVER, stream: false } };
      await http.call({ method: 'POST', ...call, signal });
    },
    ask: (question, signal) => ask(http, question, signal),
    close: http.close,
  };
}
