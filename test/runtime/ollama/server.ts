// Starts a real Ollama server on 127.0.0.1 and sees to it that nothing of it outlives the test.
import { chmod, chown, cp, mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '../../controlplane/ports.ts';
import { createSupervisor, type Ending, type Supervisor } from '../../controlplane/supervise.ts';
import { waitFor } from '../../controlplane/wait.ts';
import type { OllamaBinaries } from './binaries.ts';

export interface OllamaOptions {
  binaries: OllamaBinaries;
  /** Folder of the models; default: an empty one that goes with the server. */
  store?: string;
  /** Its HOME, where it writes a key of its own; default: an empty folder that goes with the server. */
  home?: string;
  /** Added to the environment, which is otherwise fixed. */
  env?: Record<string, string>;
  /** Default: a free one. */
  port?: number;
  /** Run as another user, which only root may ask for. `store` must be readable for it. */
  user?: { uid: number; gid: number };
  /** Milliseconds until a server that does not answer is given up; default 60 s. */
  deadlineMs?: number;
}

export interface OllamaServer {
  /** http://127.0.0.1:port */
  readonly url: string;
  /** 127.0.0.1:port, as OLLAMA_HOST has it. */
  readonly host: string;
  readonly store: string;
  readonly home: string;
  /** Of the server as last started. */
  pid(): number | undefined;
  /** What it has written, or the last lines of it. */
  log(lines?: number): Promise<string>;
  /** Sends a signal and does not wait for what comes of it. SIGSTOP makes it hang, SIGCONT goes on. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the server as last started is gone, and all that it has started with it. */
  ended(): Promise<Ending>;
  /** Starts it again after it has ended, on the same port with the same files; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it and removes its own folder; store and home that were given stay. May be called twice. */
  stop(): Promise<void>;
}

const name = 'ollama';
const attempts = 3;

/** Resolves when the server answers. Rejects with the last lines of its log. */
export async function startOllama(options: OllamaOptions): Promise<OllamaServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const portWasTaken = error instanceof Error && error.message.includes('address already in use');
      if (!portWasTaken || options.port !== undefined || attempt === attempts) throw error;
    }
  }
}

async function startOnce(options: OllamaOptions): Promise<OllamaServer> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-ollama-'));
  const supervisor = createSupervisor(folder);
  const { store = join(folder, 'models'), home = join(folder, 'home'), user, deadlineMs = 60_000 } = options;
  const logFile = join(folder, 'ollama.log');
  const log = async (lines = Number.POSITIVE_INFINITY) =>
    (await readFile(logFile, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-lines).join('\n');
  try {
    const program = await lay(folder, [store, home], options);
    const host = `127.0.0.1:${options.port ?? (await freePort())}`;
    const url = `http://${host}`;
    const env = { ...environment(host, store, home), ...options.env };
    const start = async () => {
      const whose = user ? { user } : {};
      await supervisor.start({ name, program, argv: ['serve'], log: logFile, env, family: true, ...whose });
      await untilServing(url, supervisor, deadlineMs, log);
    };
    await start();
    supervisor.unref();
    let stopped: Promise<void> | undefined;
    return {
      url,
      host,
      store,
      home,
      pid: () => supervisor.pids()[name],
      log,
      kill: (signal) => supervisor.signal(name, signal),
      ended: () => supervisor.ended(name),
      start,
      stop: () => {
        stopped ??= supervisor.shutDown();
        return stopped;
      },
    };
  } catch (error) {
    await supervisor.shutDown();
    throw error;
  }
}

/** What keeps it small, quiet and off the network. */
const environment = (host: string, store: string, home: string): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  OLLAMA_HOST: host,
  OLLAMA_MODELS: store,
  OLLAMA_NOPRUNE: '1',
  OLLAMA_NO_CLOUD: '1',
  OLLAMA_LLM_LIBRARY: 'cpu',
  OLLAMA_CONTEXT_LENGTH: '512',
  LLAMA_ARG_THREADS: '1', // idle threads spin: with two, sixteen tokens took up to 10 s on a busy machine, else 15 ms
});

/**
 * Makes the folders, puts llama-server where Ollama looks for it below its working folder, and returns the program to start.
 * Another user cannot look into the cache of this one, so it gets copies.
 */
async function lay(folder: string, places: readonly string[], { binaries, user }: OllamaOptions): Promise<string> {
  const library = join(folder, 'build', 'lib', 'ollama');
  await mkdir(dirname(library), { recursive: true });
  for (const place of places) await mkdir(place, { recursive: true });
  if (!user) {
    await symlink(binaries.llama, library);
    return binaries.ollama;
  }
  await chmod(folder, 0o755);
  for (const place of places.filter((path) => path.startsWith(folder))) await chown(place, user.uid, user.gid);
  await cp(binaries.llama, library, { recursive: true, verbatimSymlinks: true });
  const program = join(folder, 'ollama');
  await cp(binaries.ollama, program);
  return program;
}

async function untilServing(
  url: string,
  supervisor: Supervisor,
  deadlineMs: number,
  log: (lines: number) => Promise<string>,
): Promise<void> {
  const over = new AbortController();
  const answers = async () => (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok || undefined;
  const serving = waitFor('Ollama answers', answers, { deadlineMs, signal: over.signal });
  const ended = supervisor.ended(name).then(({ code, signal }) => {
    throw new Error(`Ollama ended (${signal ?? `code ${code}`}) before it answered`);
  });
  try {
    await Promise.race([serving, ended]);
  } catch (error) {
    throw new Error(`${(error as Error).message}; the end of its log:\n${await log(20)}`);
  } finally {
    over.abort();
    serving.catch(() => {});
    ended.catch(() => {});
  }
}
