// A gateway with API keys and TLS in front of a real runtime, and what a client needs to come in.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch as undiciFetch } from 'undici';
import type { GatewayConfig } from '../../../src/gateway/config.ts';
import { selfSigned } from '../../fault/certificate.ts';
import { type GatewayProcessOptions, startGatewayProcess } from '../../fault/gatewayProcess.ts';
import { createFoundryPod, writeModelFolder } from '../foundry/pod.ts';
import { type AtEnd, given } from '../given.ts';
import { tinyBert } from '../models/bert.ts';
import { tinyLlama } from '../models/llama.ts';
import { tinyOnnx } from '../models/onnxLlama.ts';
import { startOllama } from '../ollama/server.ts';
import { storeServed } from './servedStore.ts';

export interface Entrance {
  /** https://localhost:port */
  readonly url: string;
  readonly key: string;
  /** Trusts the certificate of the gateway, and is otherwise the one that clients use by default. */
  readonly fetch: typeof fetch;
  /** What the model says to whatever it is asked. */
  readonly greeting: string;
  /** All that the gateway has logged. */
  log(): Promise<string>;
}

export const API_KEY = 'key-of-the-team-that-writes-tests';
export const SERVED_NAME = 'assistant';

/** Secrets as the kubelet mounts them: a folder each, a file an entry. */
export async function mountSecrets(
  atEnd: AtEnd,
): Promise<{ ca: string; changes: Required<Pick<GatewayConfig, 'auth' | 'tls'>> }> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-secrets-'));
  atEnd(() => rm(folder, { recursive: true }));
  const [keys, tls] = [join(folder, 'keys'), join(folder, 'tls')];
  await mkdir(keys);
  await mkdir(tls);
  const { cert, key } = selfSigned();
  await writeFile(join(keys, 'testers'), `${API_KEY}\n`);
  await writeFile(join(keys, 'guests'), 'key-that-ends expires=2100-01-01\n');
  await writeFile(join(tls, 'tls.crt'), cert);
  await writeFile(join(tls, 'tls.key'), key);
  const auth = { secretName: 'keys', directory: keys };
  return { ca: cert, changes: { auth, tls: { secretName: 'certificate', directory: tls } } };
}

async function enter(options: GatewayProcessOptions, greeting: string, atEnd: AtEnd): Promise<Entrance> {
  const { ca, changes } = await mountSecrets(atEnd);
  const all = { ...changes, audit: 'Metadata' as const, ...options.changes };
  const gateway = await startGatewayProcess({ ...options, changes: all });
  atEnd(gateway.stop);
  await gateway.secondsUntil(/^Serving/);
  const dispatcher = new Agent({ connect: { ca } });
  atEnd(() => dispatcher.close());
  const trusting = (input: Parameters<typeof undiciFetch>[0], init?: Parameters<typeof undiciFetch>[1]) =>
    undiciFetch(input, { ...init, dispatcher });
  return {
    url: `https://localhost:${gateway.config.port}`,
    key: API_KEY,
    fetch: trusting as unknown as typeof fetch,
    greeting,
    log: gateway.log,
  };
}

/** In front of a real Ollama with a tiny model. */
export const ollamaEntrance = (kind: 'generate' | 'embed' = 'generate') =>
  given(['ollama'], async ({ ollama: binaries }, atEnd) => {
    const server = await startOllama({ binaries, env: { OLLAMA_KEEP_ALIVE: '-1' } });
    atEnd(server.stop);
    const gguf = kind === 'embed' ? tinyBert() : tinyLlama();
    const { pulled } = await storeServed(server.store, 'tiny', { gguf });
    const runtimePort = Number(new URL(server.url).port);
    return enter({ runtimePort, pulled }, 'Hello from the tiny test model.', atEnd);
  });

/** In front of the real core of Foundry Local with a tiny model that was brought on a volume. */
export const foundryEntrance = () =>
  given(['foundryLocal'], async ({ foundryLocal }, atEnd) => {
    const reference = 'tiny-generic-cpu:1';
    const pod = await createFoundryPod(foundryLocal, atEnd);
    const path = await writeModelFolder(join(pod.folder, 'volume'), tinyOnnx({}));
    const { message, progress } = await pod.pull(reference, { source: { kind: 'Volume', path, claimName: 'mine' } });
    if (!progress?.model) throw new Error(message.message);
    const server = await pod.serve(progress.model.name);
    const runtimePort = Number(new URL(server.url).port);
    const model = { reference, servedNames: [SERVED_NAME], maxContext: 2048 };
    const runtime = { kind: 'FoundryLocal', port: runtimePort } as const;
    const changes = { runtime, model };
    return enter({ runtimePort, pulled: progress.model, changes }, ' Hello from the tiny test model.', atEnd);
  });
