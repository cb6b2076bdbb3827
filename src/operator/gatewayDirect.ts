// The status of a gateway, read from its pod by address: no redirects, no proxies, little patience, and never more bytes than
// a status can have.
import { Agent, type Dispatcher, request } from 'undici';
import { openLifetime } from '../kube/lifetime.ts';
import type { Clock } from '../process/clock.ts';
import type { AddressOf } from './gatewayAddress.ts';
import { GatewayError, type GatewayReader, MAX_STATUS_BYTES, READ_DEADLINE_MS } from './gatewayReader.ts';

const MAX_HEADER_BYTES = 8 * 1024;

/**
 * One connection per question: an agent keeps a pool for every address that it has a connection to, and to hold a thousand of
 * them open for a minute costs more than to open one.
 */
const openAgent = (): Agent =>
  new Agent({
    connections: 1,
    pipelining: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    // All limits are on the clock that we were given; this one only frees a socket that nobody waits for any more.
    connect: { timeout: 2 * READ_DEADLINE_MS },
    headersTimeout: 0,
    bodyTimeout: 0,
  });

async function textOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_STATUS_BYTES) throw new GatewayError('TooLarge', `more than ${MAX_STATUS_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('NoStatus', 'the answer is not whole JSON', { cause });
  }
}

async function ask(url: string, dispatcher: Agent, signal: AbortSignal): Promise<unknown> {
  const { statusCode, body } = await request(url, { dispatcher, signal, headers: { accept: 'application/json' } });
  try {
    if (statusCode !== 200) throw new GatewayError('Refused', `answered ${statusCode}`);
    return parsed(await textOf(body));
  } finally {
    // What is left of an answer is not worth reading. A body that is destroyed says so as an error.
    body.on('error', () => undefined).destroy();
  }
}

/** Opens no connection before the first read. */
export function createDirectReader({ clock, addressOf }: { clock: Clock; addressOf: AddressOf }): GatewayReader {
  const agent = openAgent();
  return {
    async read(pod, caller) {
      const origin = addressOf(pod);
      if (!origin) throw new GatewayError('NoAddress', `${pod.pod.ip ?? 'nothing'} is no address of a pod`);
      const life = openLifetime(clock, caller);
      life.limit(READ_DEADLINE_MS, () => new GatewayError('Timeout', `no whole answer in ${READ_DEADLINE_MS} ms`));
      try {
        return await life.outlive(ask(`${origin}/status`, agent, life.signal));
      } catch (error) {
        if (life.signal.aborted) throw life.signal.reason;
        if (error instanceof GatewayError) throw error;
        throw new GatewayError('Unreachable', (error as Error).message, { cause: error });
      } finally {
        life.end();
      }
    },
    close: () => agent.destroy(),
  };
}
