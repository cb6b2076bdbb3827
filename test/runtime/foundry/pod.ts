// What a model pod of Foundry Local runs, each as a process of its own: the pull, and after it the server, with one home and one store.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PULL_CONFIG, type PullConfig, writePullConfig } from '../../../src/puller/config.ts';
import { type TerminationMessage, terminationMessage } from '../../../src/puller/outcome.ts';
import { type ProgressReport, parseProgress } from '../../../src/puller/progressReport.ts';
import { noTelemetry } from '../../../src/runtimes/foundryVariables.ts';
import type { AtEnd } from '../given.ts';
import { thaw } from '../models/frozen.ts';
import { inferenceModel, type ModelFiles } from '../models/onnxLlama.ts';
import { onPort, type Program, startProgram } from '../program.ts';
import { versions } from '../versions.ts';
import type { CatalogServer } from './catalog.ts';
import type { FoundryNatives } from './natives.ts';

const node = join(import.meta.dirname, '../../../node_modules/.bin/node');
const main = join(import.meta.dirname, '../../../src/foundryLocal/main.ts');

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Log lines. */
  readonly log: string;
  readonly seconds: number;
}

export interface Pulled extends Ended {
  readonly message: TerminationMessage;
  readonly progress: ProgressReport | undefined;
}

export interface FoundryServer extends Program {
  readonly url: string;
  /** From the start of the process until it answered. */
  readonly seconds: number;
}

type Changes = Partial<PullConfig> & { env?: Record<string, string> };

export interface FoundryPod {
  readonly folder: string;
  readonly store: string;
  readonly home: string;
  /** In which the server says what its model runs on. */
  readonly reportFile: string;
  /** Runs the pull to its end. Unless `changes` say otherwise, from the catalog, and each revision is called as its reference. */
  pull(reference: string, changes?: Changes): Promise<Pulled>;
  /** Begins a pull and does not wait for its end. */
  begin(reference: string, changes?: Changes): { kill(signal: NodeJS.Signals): void; ended: Promise<Pulled> };
  /** Resolves when the server answers; rejects with the end of its log. */
  serve(model: string, env?: Record<string, string>): Promise<FoundryServer>;
  /** Runs a server that is not to come up. */
  serveInVain(model: string, env?: Record<string, string>): Promise<Ended>;
  /** A second pod on the same store, with a home of its own. */
  neighbour(): Promise<FoundryPod>;
}

/** A folder with a model as people bring it. */
export async function writeModelFolder(folder: string, files: ModelFiles, name?: string): Promise<string> {
  const all = name === undefined ? files : { ...files, 'inference_model.json': inferenceModel(name) };
  for (const [path, bytes] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

/** So that the core finds the catalog behind the proxy, and believes its certificate. */
export async function towards(catalog: CatalogServer, folder: string): Promise<Record<string, string>> {
  const file = join(folder, 'catalog-ca.pem');
  await writeFile(file, catalog.ca);
  return { HTTPS_PROXY: catalog.proxy, NO_PROXY: '127.0.0.1', SSL_CERT_FILE: file };
}

function run(
  argv: string[],
  env: Record<string, string>,
): { kill(signal: NodeJS.Signals): void; ended: Promise<Ended> } {
  const begun = performance.now();
  const child = spawn(node, [main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) =>
      resolve({ exitCode, signal, log, seconds: (performance.now() - begun) / 1000 }),
    );
  });
  return { kill: (signal) => void child.kill(signal), ended };
}

/** A kubelet would freeze all of a container; a signal that asks or ends is for its first process alone, as in a pod. */
function killWhole(server: Program, signal: NodeJS.Signals): void {
  const pid = server.pid();
  if (pid !== undefined && (signal === 'SIGSTOP' || signal === 'SIGCONT')) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    for (const child of children) process.kill(Number(child), signal);
  }
  server.kill(signal);
}

const sourceOfCatalog: PullConfig['source'] = { kind: 'Registry', mirrors: [], plainHttp: false };

/** An empty one. Goes with the test file. */
export async function createFoundryPod(natives: FoundryNatives, atEnd: AtEnd, shared?: string): Promise<FoundryPod> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-foundry-pod-'));
  await chmod(folder, 0o755);
  atEnd(async () => {
    await thaw(folder);
    await rm(folder, { recursive: true, force: true });
  });
  const reportFile = join(folder, 'report', 'runtime.json');
  const [home, store] = [join(folder, 'home'), shared ?? join(folder, 'models')];
  await mkdir(home);
  const common = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    FL_MODEL_DIR: store,
    FL_EP: 'cpu',
    FL_CORE: natives.core,
    ...Object.fromEntries(Object.entries(noTelemetry).map(([name, value]) => [name, `${value}`])),
  };

  function begin(reference: string, { env, ...changes }: Changes = {}) {
    const revision = changes.revision ?? reference.replaceAll(/[^A-Za-z0-9]/g, '-');
    const config: PullConfig = {
      runtime: 'FoundryLocal',
      runtimeVersion: versions.foundryLocal,
      revision,
      reference,
      verify: 'OnPull',
      source: sourceOfCatalog,
      store,
      lockFile: join(folder, 'lock', `${revision}.json`),
      progressFile: join(folder, 'shared', 'progress.json'),
      terminationMessagePath: join(folder, 'outcome.json'),
      ...changes,
    };
    const { kill, ended } = run(['pull'], { ...common, [PULL_CONFIG]: writePullConfig(config), ...env });
    atEnd(async () => kill('SIGKILL'));
    const told = ended.then(async (ending) => {
      const message = await readFile(config.terminationMessagePath, 'utf8').catch(() => {
        throw new Error(`the pull has left no message: ${JSON.stringify(ending)}`);
      });
      const progress = parseProgress(await readFile(config.progressFile, 'utf8').catch(() => ''));
      return { ...ending, message: terminationMessage.parse(JSON.parse(message)), progress };
    });
    return { kill, ended: told };
  }

  const serving = (model: string, port: number, env: Record<string, string> = {}) => ({
    ...common,
    FL_MODEL: model,
    FL_PORT: `${port}`,
    FL_MAX_CONTEXT: '2048',
    FL_THREADS: '1',
    FL_LOAD_TIMEOUT: '60',
    FL_OFFLINE: '1',
    FL_REPORT_FILE: reportFile,
    ...env,
  });

  return {
    folder,
    store,
    home,
    reportFile,
    begin,
    pull: (reference, changes) => begin(reference, changes).ended,
    serve: (model, env) =>
      onPort(undefined, async (port) => {
        const url = `http://127.0.0.1:${port}`;
        const begun = performance.now();
        const server = await startProgram({
          name: 'foundry-local',
          program: node,
          argv: [main, 'serve'],
          env: serving(model, port, env),
          folder: await mkdtemp(join(tmpdir(), 'lmo-foundry-server-')),
          answers: async () => (await fetch(`${url}/models/loaded`, { signal: AbortSignal.timeout(5_000) })).ok,
          deadlineMs: 60_000,
        });
        atEnd(server.stop);
        const kill = (signal: NodeJS.Signals) => killWhole(server, signal);
        return { ...server, kill, url, seconds: (performance.now() - begun) / 1000 };
      }),
    serveInVain: (model, env) => run(['serve'], serving(model, 5273, env)).ended,
    neighbour: () => createFoundryPod(natives, atEnd, store),
  };
}
