// The pull as a pod runs it: a process of its own with its configuration in the environment, and what it leaves for others.
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '../../../src/models/store.ts';
import { PULL_CONFIG, type PullConfig, type PullSource, writePullConfig } from '../../../src/puller/config.ts';
import { type TerminationMessage, terminationMessage } from '../../../src/puller/outcome.ts';
import { type ProgressReport, parseProgress } from '../../../src/puller/progressReport.ts';
import type { AtEnd } from '../given.ts';
import { thaw } from '../models/frozen.ts';
import { dockerConfig } from '../registries/credentials.ts';
import type { RunningRegistry } from '../registries/server.ts';
import { versions } from '../versions.ts';

export interface Pulled {
  readonly exitCode: number | null;
  readonly message: TerminationMessage;
  readonly progress: ProgressReport | undefined;
  /** As the runtime knows it; empty where nothing was published. */
  readonly name: string;
  /** What it wrote: log lines. */
  readonly log: string;
}

export interface Pod {
  /** Others may look into it. */
  readonly folder: string;
  readonly store: Store;
  /** Runs the pull to its end. Unless `changes` say otherwise, each revision is called as its reference. */
  pull(changes: Pick<PullConfig, 'reference' | 'source'> & Partial<PullConfig>): Promise<Pulled>;
  /** The source that leads to this registry, with its password and authority mounted unless `without` says so. */
  from(registry: RunningRegistry, options?: { without?: 'credentials' }): Promise<PullSource>;
}

const node = join(import.meta.dirname, '../../../node_modules/.bin/node');
const program = join(import.meta.dirname, '../../../src/puller/main.ts');

const revisionOf = (reference: string) => reference.replaceAll(/[^A-Za-z0-9]/g, '-');

async function runProcess(config: PullConfig): Promise<{ exitCode: number | null; log: string }> {
  const child = spawn(node, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', [PULL_CONFIG]: writePullConfig(config) },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, log };
}

/** What optional mounts of Secrets look like in the pod. */
async function mount(folder: string, files: Record<string, string>): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** An empty one. Goes with the test file. */
export async function createPod(atEnd: AtEnd): Promise<Pod> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-pod-'));
  await chmod(folder, 0o755);
  atEnd(async () => {
    await thaw(folder);
    await rm(folder, { recursive: true });
  });
  const store = openStore(join(folder, 'models'));
  const [progressFile, terminationMessagePath] = ['shared/progress.json', 'outcome.json'].map((name) =>
    join(folder, name),
  );
  const config = {
    runtime: 'Ollama',
    runtimeVersion: versions.ollama,
    verify: 'OnPull',
    store: store.root,
    progressFile: progressFile ?? '',
    terminationMessagePath: terminationMessagePath ?? '',
  } as const;

  return {
    folder,
    store,
    async pull(changes) {
      const revision = revisionOf(changes.reference);
      const lockFile = join(folder, 'lock', `${revision}.json`);
      const ended = await runProcess({ ...config, revision, lockFile, ...changes });
      const message = terminationMessage.parse(JSON.parse(await readFile(config.terminationMessagePath, 'utf8')));
      const progress = parseProgress(await readFile(config.progressFile, 'utf8'));
      return { ...ended, message, progress, name: progress?.model?.name ?? '' };
    },
    async from(registry, { without } = {}) {
      const credentials = await mount(join(folder, 'credentials'), {
        '.dockerconfigjson': without === 'credentials' ? '{"auths":{}}' : dockerConfig(registry.host),
      });
      const ca = registry.ca && (await mount(join(folder, 'ca'), { 'ca.crt': registry.ca }));
      return {
        kind: 'Registry',
        mirrors: [],
        plainHttp: !registry.ca,
        credentials: { path: credentials, kind: 'Secret', name: 'registry' },
        ...(ca && { ca: { path: ca, kind: 'ConfigMap', name: 'authority', key: 'ca.crt' } }),
      };
    },
  };
}
