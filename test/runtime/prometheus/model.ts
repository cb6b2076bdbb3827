// One pod of a model, played by processes of this machine: the real pull, a real Ollama and the gateway, which is told what the
// operator has told the gateway of that pod.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import type { GatewayConfig } from '../../../src/gateway/config.ts';
import { type GatewayProcess, startGatewayProcess } from '../../fault/gatewayProcess.ts';
import { API_KEY, mountSecrets, SERVED_NAME } from '../gateway/clientWorld.ts';
import type { AtEnd } from '../given.ts';
import { tinyLlama } from '../models/llama.ts';
import { writeModel } from '../models/written.ts';
import type { OllamaBinaries } from '../ollama/binaries.ts';
import { type OllamaServer, startOllama } from '../ollama/server.ts';
import { createPod } from '../puller/pod.ts';
import type { RegistryBinaries } from '../registries/binaries.ts';
import { type RunningRegistry, startRegistry } from '../registries/server.ts';
import { upload } from '../registries/upload.ts';

/** What a deployment of it says, beside its limits. */
export const specOf = (reference: string) => ({
  runtime: 'Ollama',
  model: { name: reference, servedNames: [SERVED_NAME], source: { registry: { plainHttp: true } } },
  hardware: { preferred: { class: 'CPU' } },
  api: { auth: { secretRef: { name: 'keys' } }, tls: { secretRef: { name: 'certificate' } } },
});

/** A registry with one tiny model, which answers until it is told to stop. */
export async function publishModel(
  binaries: RegistryBinaries,
  atEnd: AtEnd,
): Promise<{ registry: RunningRegistry; reference: string }> {
  const registry = await startRegistry({ binaries, kind: 'gcr' });
  atEnd(registry.stop);
  const folder = await mkdtemp(join(tmpdir(), 'lmo-upload-'));
  atEnd(() => rm(folder, { recursive: true }));
  const name = 'library/tiny:v1';
  await writeModel(folder, name, { gguf: tinyLlama({ endless: true, answer: ['tick', ' tock '] }) });
  return { registry, reference: (await upload(registry, folder, name)).reference };
}

export interface Chat {
  tokens: number;
  stream?: boolean;
  signal?: AbortSignal;
}

export interface ModelPod {
  readonly gateway: GatewayProcess;
  readonly ollama: OllamaServer;
  /** With a good key; resolves with the status once the answer is whole. */
  chat(wanted: Chat): Promise<number>;
}

interface Parts {
  ollama: OllamaBinaries;
  registry: RunningRegistry;
  reference: string;
  /** As the operator has written it. */
  config: GatewayConfig;
}

/** Resolves when it serves. */
export async function startModelPod({ ollama, registry, reference, config }: Parts, atEnd: AtEnd): Promise<ModelPod> {
  const pod = await createPod(atEnd);
  const { revision, deployment, model, limits, canary, residency } = config;
  const pulled = await pod.pull({ reference, source: await pod.from(registry), revision });
  if (!pulled.progress?.model) throw new Error(pulled.log);
  const server = await startOllama({ binaries: ollama, store: pod.store.root, env: { OLLAMA_KEEP_ALIVE: '-1' } });
  atEnd(server.stop);
  const { ca, changes: secrets } = await mountSecrets(atEnd);
  const told = { revision, deployment, model, limits, residency, ...(canary && { canary }), ...secrets };
  const progressFile = join(pod.folder, 'shared/progress.json');
  const runtimePort = Number(new URL(server.url).port);
  const gateway = await startGatewayProcess({ runtimePort, changes: { ...told, progressFile } });
  atEnd(gateway.stop);
  await gateway.secondsUntil(/^Serving/);
  const dispatcher = new Agent({ connect: { ca } });
  atEnd(() => dispatcher.destroy());
  const url = `https://localhost:${gateway.config.port}/v1/chat/completions`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
  return {
    gateway,
    ollama: server,
    async chat({ tokens, stream = false, signal }) {
      const messages = [{ role: 'user', content: 'hello' }];
      const body = JSON.stringify({ model: SERVED_NAME, messages, max_tokens: tokens, stream });
      const response = await fetch(url, { method: 'POST', headers, body, dispatcher, ...(signal && { signal }) });
      await response.text();
      return response.status;
    },
  };
}
