// What tests of downloads share: a blob on a misbehaving registry, a store for it, and a client with a clock that never waits.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { onTestFinished } from 'vitest';
import { type DownloadOptions, type DownloadProgress, downloadBlob } from '../../src/models/download.ts';
import { createEndpoints } from '../../src/models/endpoints.ts';
import { parseReference } from '../../src/models/reference.ts';
import { createRegistry, type RegistryOptions } from '../../src/models/registry.ts';
import { blobPath, type Store } from '../../src/models/store.ts';
import { temporaryStore } from '../unit/models/temporaryStore.ts';
import { createEagerClock } from './eagerClock.ts';
import { recordLog } from './recordedLog.ts';
import { type RegistryServer, startRegistryServer } from './registryServer.ts';

export async function registryServer(options?: Parameters<typeof startRegistryServer>[0]): Promise<RegistryServer> {
  const server = await startRegistryServer(options);
  onTestFinished(() => server.close());
  return server;
}

/** Bytes that differ from each other, so that one that lies in the wrong place is found. */
export const contentOf = (size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
  return bytes;
};

/** Makes a pause three quarters of its base: no pause is then as long as a limit, which the clock treats otherwise. */
export const random = () => 0.25;

export const referenceOn = ({ host }: RegistryServer, name = 'library/tiny:latest') =>
  parseReference(`${host}/${name}`);

export function registryFor(options: Partial<RegistryOptions> & { mirrors?: string[]; plainHttp?: boolean } = {}) {
  const { mirrors = [], plainHttp = true, ...rest } = options;
  const clock = createEagerClock();
  const { log, lines } = recordLog();
  const registry = createRegistry({
    endpoints: createEndpoints({ mirrors, plainHttp }),
    clock,
    random,
    log,
    userAgent: 'ollama/0.32.15 (amd64 linux) Go/go1.26.0',
    ...rest,
  });
  onTestFinished(() => registry.close());
  return { registry, clock, log, lines };
}

export const owner = { host: hostname(), pid: process.pid };

/** A blob on a server and everything to fetch it: small chunks, few connections. */
export async function setUp(size = 40_000, options: { mirrors?: string[]; store?: Store } = {}) {
  const server = await registryServer();
  const content = contentOf(size);
  const layer = server.addBlob(content);
  const store = options.store ?? (await temporaryStore());
  const { registry, clock, log, lines } = registryFor({ mirrors: options.mirrors ?? [] });
  const progress: DownloadProgress[] = [];
  const stop = new AbortController();

  const download = (changes: Partial<DownloadOptions> = {}) =>
    downloadBlob({
      registry,
      reference: referenceOn(server),
      layer,
      store,
      owner,
      connections: 3,
      chunkBytes: 4_096,
      signal: stop.signal,
      onProgress: (step) => void progress.push(step),
      clock,
      random,
      log,
      ...changes,
    });
  const stored = () => readFile(blobPath(store, layer.digest));
  const ranges = () => server.requests.map(({ headers }) => headers.range);
  return { server, content, layer, store, registry, clock, log, lines, progress, stop, download, stored, ranges };
}
