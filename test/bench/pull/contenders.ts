// Those who fetch the model: each into an empty folder, watched while it does.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PULL_CONFIG, type PullConfig, writePullConfig } from '../../../src/puller/config.ts';
import { pullNodeFlags } from '../../../src/puller/nodeFlags.ts';
import { parseOutcome } from '../../../src/puller/outcome.ts';
import { call } from '../../runtime/ollama/api.ts';
import type { OllamaBinaries } from '../../runtime/ollama/binaries.ts';
import { startOllama } from '../../runtime/ollama/server.ts';
import { versions } from '../../runtime/versions.ts';
import { endedChildrenCpuSeconds, usageOf } from '../usage.ts';
import type { UploadedModel } from './model.ts';

export interface Cost {
  /** From the start of its process, or from the order where a server runs already, until the model is there. */
  seconds: number;
  /** Undefined where there is no /proc. */
  cpuSeconds?: number | undefined;
  peakRssMiB?: number | undefined;
}

/** Resolves with what it has cost; rejects unless the model is there. `folder` is empty and goes afterwards. */
export type Contender = (model: UploadedModel, folder: string) => Promise<Cost>;

const WATCH_EVERY_MS = 20;

/** Runs the program to its end; rejects with what it has written unless it ends well. */
async function timed(program: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Cost> {
  const cpuBefore = await endedChildrenCpuSeconds();
  const begun = performance.now();
  const child = spawn(program, argv, {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let peakRssMiB: number | undefined;
  const watch = setInterval(async () => {
    peakRssMiB = (await usageOf(child.pid ?? 0))?.peakRssMiB || peakRssMiB;
  }, WATCH_EVERY_MS);
  try {
    await ended(child, program);
  } finally {
    clearInterval(watch);
  }
  const seconds = (performance.now() - begun) / 1000;
  const cpuAfter = await endedChildrenCpuSeconds();
  const cpuSeconds = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  return { seconds, cpuSeconds, peakRssMiB };
}

function ended(child: ChildProcess, program: string): Promise<void> {
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => {
      words = `${words}${text}`.slice(-2_000);
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${code}: ${words}`));
    });
  });
}

/** The program that the pull container runs. */
export const ours =
  (program: string): Contender =>
  async ({ reference }, folder) => {
    const config: PullConfig = {
      runtime: 'Ollama',
      runtimeVersion: versions.ollama,
      revision: 'bench',
      reference,
      verify: 'OnPull',
      source: { kind: 'Registry', mirrors: [], plainHttp: true },
      store: join(folder, 'models'),
      lockFile: join(folder, 'lock', 'bench.json'),
      progressFile: join(folder, 'progress.json'),
      terminationMessagePath: join(folder, 'outcome.json'),
    };
    const cost = await timed(process.execPath, [...pullNodeFlags, program], {
      [PULL_CONFIG]: writePullConfig(config),
      NODE_ENV: 'production',
    });
    const { reason, message } = parseOutcome(await readFile(config.terminationMessagePath, 'utf8'), 0);
    if (reason !== 'Done') throw new Error(message);
    return cost;
  };

/** What a careful shell script does: to a file, and then its hash. */
export const curl: Contender = async ({ reference, weights }, folder) => {
  const [host, namespace, model] = reference.replace(/:[^/]*$/, '').split('/');
  const url = `http://${host}/v2/${namespace}/${model}/blobs/${weights.digest}`;
  const script =
    'curl --fail --silent --show-error --location --output "$0" "$1" && echo "$2  $0" | sha256sum --check --quiet';
  const hex = weights.digest.slice('sha256:'.length);
  const { seconds, cpuSeconds } = await timed('sh', ['-c', script, join(folder, 'blob'), url, hex]);
  return { seconds, cpuSeconds };
};

/** A server that has just started and has done nothing else; its start is not counted. */
export const ollama =
  (binaries: OllamaBinaries): Contender =>
  async ({ reference }, folder) => {
    const server = await startOllama({ binaries, store: join(folder, 'models') });
    try {
      const pid = server.pid() ?? 0;
      const before = await usageOf(pid);
      const begun = performance.now();
      const { body } = await call(server.url, '/api/pull', { model: reference, insecure: true });
      const seconds = (performance.now() - begun) / 1000;
      if (body.status !== 'success') throw new Error(`ollama pull: ${JSON.stringify(body)}`);
      const after = await usageOf(pid);
      if (!before || !after) return { seconds };
      return { seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakRssMiB: after.peakRssMiB };
    } finally {
      await server.stop();
    }
  };
