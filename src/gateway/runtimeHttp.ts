// Calls of the judge to the runtime, over connections of its own: a probe must never wait behind the requests of clients.
import { Pool } from 'undici';
import { RuntimeError } from './runtimeClient.ts';

export interface RuntimeCall {
  method: 'GET' | 'POST';
  path: string;
  /** Sent as JSON. */
  body?: object;
  signal: AbortSignal;
}

export interface RuntimeHttp {
  /** The body of a 2xx, parsed as JSON or as text. Rejects with a RuntimeError, or with the signal's reason. */
  call(call: RuntimeCall): Promise<unknown>;
  close(): Promise<void>;
}

/** Probe, list, load and canary may be under way at once; those given up hold no connection. */
const CONNECTIONS = 8;
/** Descriptions of models and embeddings are the longest answers, far below this. */
const MAX_ANSWER_BYTES = 8 * 2 ** 20;
const MAX_WORDS = 500;

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/** A connection that was closed while nobody used it. */
const stale: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

function transportError(error: unknown): RuntimeError {
  if (codeOf(error) === 'ECONNREFUSED')
    return new RuntimeError('Refused', 'the runtime does not listen', { cause: error });
  const words = error instanceof Error ? error.message : String(error);
  return new RuntimeError('Broken', `the connection to the runtime broke: ${words}`, { cause: error });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The runtime's own words: Ollama's `{"error":"…"}`, OpenAI's `{"error":{"message":"…"}}`, or the text as it is. */
function wordsOf(answer: unknown): string {
  const inner = typeof answer === 'object' && answer !== null && 'error' in answer ? answer.error : answer;
  const said = typeof inner === 'object' && inner !== null && 'message' in inner ? inner.message : inner;
  return (typeof said === 'string' ? said : (JSON.stringify(said) ?? '')).trim().slice(0, MAX_WORDS);
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new RuntimeError('Answered', 'the answer of the runtime has no end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @param port of the server on 127.0.0.1 */
export function createRuntimeHttp(port: number): RuntimeHttp {
  const pool = new Pool(`http://127.0.0.1:${port}`, {
    connections: CONNECTIONS,
    pipelining: 1,
    // How long to wait is the caller's to say; a load may take an hour.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  async function exchange({ method, path, body, signal }: RuntimeCall): Promise<unknown> {
    const response = await pool.request({
      method,
      path,
      signal,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const { statusCode: status } = response;
    const answer = parsed(await textOf(response.body));
    if (status >= 200 && status < 300) return answer;
    throw new RuntimeError('Answered', wordsOf(answer) || `the runtime answered with ${status}`, { status });
  }

  return {
    async call(call) {
      const { signal, method } = call;
      try {
        return await exchange(call).catch((error: unknown) => {
          signal.throwIfAborted();
          if (method === 'GET' && stale.has(codeOf(error))) return exchange(call);
          throw error;
        });
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof RuntimeError ? error : transportError(error);
      }
    },
    close: () => pool.destroy(),
  };
}
