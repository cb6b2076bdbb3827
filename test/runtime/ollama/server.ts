// Starts a real Ollama server on 127.0.0.1 and sees to it that nothing of it outlives the test.
import { chmod, chown, cp, mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onPort, type Program, startProgram } from '../program.ts';
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

/** Store and home that were given stay when it is stopped. */
export interface OllamaServer extends Program {
  /** http://127.0.0.1:port */
  readonly url: string;
  /** 127.0.0.1:port, as OLLAMA_HOST has it. */
  readonly host: string;
  readonly store: string;
  readonly home: string;
}

/** Resolves when the server answers. Rejects with the last lines of its log. */
export const startOllama = (options: OllamaOptions): Promise<OllamaServer> =>
  onPort(options.port, async (port) => {
    const folder = await mkdtemp(join(tmpdir(), 'lmo-ollama-'));
    const { store = join(folder, 'models'), home = join(folder, 'home'), user, deadlineMs = 60_000 } = options;
    const host = `127.0.0.1:${port}`;
    const url = `http://${host}`;
    const server = await startProgram({
      name: 'ollama',
      program: await lay(folder, [store, home], options),
      argv: ['serve'],
      env: { ...environment(host, store, home), ...options.env },
      folder,
      ...(user && { user }),
      answers: async () => (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok,
      deadlineMs,
    });
    return { ...server, url, host, store, home };
  });

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
  const program = join(folder, 'ollama-program');
  await cp(binaries.ollama, program);
  return program;
}
