// What tests of the transport share: calls, a server, and transports to it whose tokens count up. All ends with the test.
import { expect, onTestFinished } from 'vitest';
import type { Auth } from '../../src/kube/auth.ts';
import { ApiError } from '../../src/kube/errors.ts';
import type { Transport, TransportOptions } from '../../src/kube/transport.ts';
import { type FaultServer, startFaultServer } from './server.ts';
import { transportTo } from './transportTo.ts';

export const path = '/api/v1/namespaces/shop/pods/web';
export const get = { verb: 'get', method: 'GET', path, idempotent: true } as const;
export const post = {
  verb: 'create',
  method: 'POST',
  path: '/api/v1/namespaces/shop/pods',
  idempotent: false,
} as const;
export const watch = {
  verb: 'watch',
  method: 'GET',
  path: '/api/v1/pods',
  idempotent: true,
  inactivityMs: 60_000,
} as const;

export async function start(options: Parameters<typeof startFaultServer>[0] = {}): Promise<FaultServer> {
  const server = await startFaultServer(options);
  onTestFinished(() => server.close());
  return server;
}

/** Tokens count up with each one refused. */
export function authTo({ url, ca }: Pick<FaultServer, 'url' | 'ca'>): Auth & { issued: number } {
  const tls = ca ? { ca } : {};
  let current = { headers: { authorization: 'Bearer token-1' }, tls };
  return {
    server: url,
    issued: 1,
    credentials: async () => current,
    refuse(refused) {
      if (refused !== current) return;
      this.issued += 1;
      current = { headers: { authorization: `Bearer token-${this.issued}` }, tls };
    },
  };
}

export function askerOf(server: Pick<FaultServer, 'url' | 'ca'>, options: Partial<TransportOptions> = {}): Transport {
  const transport = transportTo(server, { auth: authTo(server), random: () => 0.5, ...options });
  onTestFinished(() => transport.close());
  return transport;
}

/** The ApiError with which it ends. */
export async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const documents: T[] = [];
  for await (const document of stream) documents.push(document);
  return documents;
}
