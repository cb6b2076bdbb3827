// What tests of whole pulls share: a model on a registry, the configuration that the operator would write, a pull in this process.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../src/models/digest.ts';
import { goJson } from '../../src/models/goJson.ts';
import { blobsOf, configMediaType, type Descriptor, layerMediaTypes } from '../../src/models/manifest.ts';
import { manifestBytes } from '../../src/models/modelfile.ts';
import { formatReference } from '../../src/models/reference.ts';
import { openStore, type Store } from '../../src/models/store.ts';
import { checkBlob } from '../../src/models/storeBlobs.ts';
import { listManifests } from '../../src/models/storeManifests.ts';
import type { Clock } from '../../src/process/clock.ts';
import type { PullConfig } from '../../src/puller/config.ts';
import { endingOf } from '../../src/puller/ending.ts';
import { outcomes, type TerminationMessage } from '../../src/puller/outcome.ts';
import { createProgress } from '../../src/puller/progress.ts';
import { progressFile } from '../../src/puller/progressFile.ts';
import { type ProgressReport, parseProgress } from '../../src/puller/progressReport.ts';
import { pull } from '../../src/puller/pull.ts';
import { descriptorOf, temporaryFolder } from '../unit/models/temporaryStore.ts';
import { tinyGguf } from '../unit/models/tinyGguf.ts';
import { contentOf } from './download.ts';
import { createEagerClock } from './eagerClock.ts';
import { recordLog } from './recordedLog.ts';
import type { RegistryServer } from './registryServer.ts';

export interface ModelOn {
  readonly digest: Digest;
  readonly weights: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly sizeBytes: number;
}

export interface ModelChoice {
  name?: string;
  /** Of the weights, beside the header; the salt makes them another model. */
  size?: number;
  salt?: number;
  header?: Buffer;
  config?: Record<string, string | number | string[]>;
  params?: Record<string, string | number | string[]>;
  byTagAlone?: boolean;
}

export const modelConfig = {
  model_format: 'gguf',
  model_family: 'llama',
  model_families: ['llama'],
  file_type: 'Q4_K_M',
};

/** A GGUF of that size whose header tells a small Llama. */
export function weightsOf(size: number, salt = 0, header = tinyGguf()): Buffer {
  const content = Buffer.concat([header, contentOf(size)]);
  if (salt) content.writeUInt8(salt, content.length - 1);
  return content;
}

/** Puts a model with weights, template, parameters and config on the registry. */
export function modelOn(
  server: RegistryServer,
  {
    name = 'library/tiny:latest',
    size = 40_000,
    salt,
    header,
    config = {},
    params: parameters = { stop: ['<|end|>'], temperature: 0.5 },
    byTagAlone = false,
  }: ModelChoice = {},
): ModelOn {
  const put = (mediaType: string, content: Buffer) => {
    server.addBlob(content);
    return descriptorOf(mediaType, content);
  };
  const weights = put(layerMediaTypes.model, weightsOf(size, salt, header));
  const template = put(layerMediaTypes.template, Buffer.from('{{ .Prompt }}'));
  const params = put(layerMediaTypes.params, goJson(parameters));
  const configBlob = put(configMediaType, goJson({ ...modelConfig, ...config }));
  const layers = [weights, template, params];
  const digest = server.addManifest(name, manifestBytes(configBlob, layers), { byTagAlone });
  const sizeBytes = [...layers, configBlob].reduce((sum, blob) => sum + blob.size, 0);
  return { digest, weights, config: configBlob, layers, sizeBytes };
}

export type Ending = TerminationMessage & { exitCode: number };

export interface PullFixture {
  readonly config: PullConfig;
  readonly store: Store;
  /** Runs a pull, as a restart of the container would. */
  run(changes?: Partial<PullConfig>, options?: RunOptions): Promise<Ending>;
  progress(): Promise<ProgressReport | undefined>;
  readonly lines: ReturnType<typeof recordLog>['lines'];
}

export interface RunOptions {
  clock?: Clock;
  signal?: AbortSignal;
  pid?: number;
}

/** The folder is the pod: store, lock mount, shared files. */
export async function pullFrom(
  server: Pick<RegistryServer, 'host'>,
  changes: Partial<PullConfig> = {},
  folder?: string,
): Promise<PullFixture> {
  const pod = folder ?? (await temporaryFolder());
  const config: PullConfig = {
    runtime: 'Ollama',
    runtimeVersion: '0.32.15',
    revision: 'r1',
    reference: `${server.host}/library/tiny:latest`,
    verify: 'OnPull',
    source: { kind: 'Registry', mirrors: [], plainHttp: true },
    store: join(pod, 'models'),
    lockFile: join(pod, 'lock', 'r1.json'),
    progressFile: join(pod, 'shared', 'progress.json'),
    terminationMessagePath: join(pod, 'outcome.json'),
    ...changes,
  };
  const { log, lines } = recordLog();

  async function run(more: Partial<PullConfig> = {}, options: RunOptions = {}): Promise<Ending> {
    const { clock = createEagerClock(), signal = new AbortController().signal, pid = process.pid } = options;
    const mine = { ...config, ...more };
    const context = {
      clock,
      // No pause is then as long as one of the limits that the eager clock holds.
      random: () => 0.4,
      log,
      progress: createProgress({
        revision: mine.revision,
        reference: mine.reference,
        clock,
        sinks: [progressFile(mine.progressFile, log)],
      }),
      owner: { host: hostname(), pid },
      userAgent: 'ollama/0.32.15 (amd64 linux) Go/go1.26.0',
      proxies: {},
      signal,
    };
    const message = await endingOf(mine, context, pull);
    return { ...message, exitCode: outcomes[message.reason].exitCode };
  }
  const progress = async () => parseProgress(await readFile(config.progressFile, 'utf8').catch(() => ''));
  return { config, store: openStore(config.store), run, progress, lines };
}

/** Names in the store; throws for one whose blobs are not all there and right. */
export async function wholeModels(store: Store): Promise<string[]> {
  const stored = await listManifests(store);
  for (const model of stored) {
    if ('problem' in model) throw model.problem;
    for (const blob of blobsOf(model.raw.manifest)) {
      const state = await checkBlob(store, blob);
      if (state !== 'good') throw new Error(`${formatReference(model.reference)}: ${blob.digest} is ${state}`);
    }
  }
  return stored.flatMap(({ reference }) => (reference ? formatReference(reference) : []));
}

export const sourceName = (digest: Digest, model = 'tiny') => `localmodels.dev/source/${model}:${digest.slice(7)}`;

/** Requests for blobs and manifests since the last call. */
export function requestCounter(server: RegistryServer): () => number {
  let seen = server.requests.length;
  return () => {
    const before = seen;
    seen = server.requests.length;
    return seen - before;
  };
}
