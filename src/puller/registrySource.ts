// A registry as the source of a model.
import { type Bandwidth, createBandwidth } from '../models/bandwidth.ts';
import { type DownloadProgress, downloadBlob } from '../models/download.ts';
import { createEndpoints } from '../models/endpoints.ts';
import { parseManifest } from '../models/manifest.ts';
import { resumableBytes } from '../models/partialState.ts';
import { shortReference } from '../models/reference.ts';
import { createRegistry, type Registry } from '../models/registry.ts';
import type { Store } from '../models/store.ts';
import type { PullSource } from './config.ts';
import { readSecrets } from './secrets.ts';
import type { ModelSource, PullContext } from './sources.ts';

type RegistrySettings = Extract<PullSource, { kind: 'Registry' }>;

async function connect(settings: RegistrySettings, context: PullContext): Promise<Registry> {
  const { clock, random, log, userAgent, proxies, signal } = context;
  const { docker, identity, ca } = await readSecrets(settings);
  return createRegistry({
    endpoints: createEndpoints(settings),
    credentials: { docker, identity },
    network: { proxies, ca },
    clock,
    random,
    log,
    userAgent,
    signal,
  });
}

/** Reads Secrets and opens connections when it is first asked. */
export function createRegistrySource(settings: RegistrySettings, store: Store, context: PullContext): ModelSource {
  const { clock, random, log, progress, owner, signal } = context;
  const bandwidth: Bandwidth | undefined =
    settings.bytesPerSecond === undefined ? undefined : createBandwidth(settings.bytesPerSecond, clock);
  let connected: Promise<Registry> | undefined;
  const registry = () => {
    connected ??= connect(settings, context);
    return connected;
  };

  return {
    async manifest(reference, digest) {
      const { bytes, endpoint } = await (await registry()).manifest(reference, { digest, signal });
      return parseManifest(bytes, `the manifest of ${shortReference(reference)} from ${endpoint}`);
    },
    async spaceFor(blobs) {
      const needs = await Promise.all(
        blobs.map(async (blob) => Math.max(0, blob.size - (await resumableBytes(store, blob)))),
      );
      return needs.reduce((sum, bytes) => sum + bytes, 0);
    },
    async bring(reference, layer) {
      let fetched = 0;
      const onProgress = ({ completedBytes, fetchedBytes }: DownloadProgress) => {
        progress.fetched(fetchedBytes - fetched);
        progress.layer(layer.digest, completedBytes, fetchedBytes - fetched);
        fetched = fetchedBytes;
      };
      await downloadBlob({
        registry: await registry(),
        reference,
        layer,
        store,
        owner,
        bandwidth,
        signal,
        onProgress,
        clock,
        random,
        log,
      });
      progress.layer(layer.digest, layer.size, 0);
    },
    close: async () => void (await connected?.then((open) => open.close()).catch(() => undefined)),
  };
}
