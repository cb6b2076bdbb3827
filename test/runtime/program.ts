// A server that runs as a process of its own for a test: started until it answers, watched, and never left behind.
import { readFile } from 'node:fs/promises';
import { freePort } from '../controlplane/ports.ts';
import { createSupervisor, type Ending } from '../controlplane/supervise.ts';
import type { ProcessSpec } from '../controlplane/supervisor.ts';
import { waitFor } from '../controlplane/wait.ts';

export interface Program {
  /** Of the process as last started; undefined when it has ended. */
  pid(): number | undefined;
  /** What it has written, or the last lines of it. */
  log(lines?: number): Promise<string>;
  /** Sends a signal and does not wait for what comes of it. SIGSTOP makes it hang, SIGCONT goes on. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process as last started is gone, and all that it has started with it. */
  ended(): Promise<Ending>;
  /** Starts it again after it has ended, on the same port with the same files; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it and removes its own folder. May be called twice. */
  stop(): Promise<void>;
}

export interface ProgramSpec extends Omit<ProcessSpec, 'log'> {
  /** Working folder and log lie here; removed at the end. */
  folder: string;
  /** Whether it answers yet; a rejection counts as no. */
  answers: () => Promise<boolean>;
  deadlineMs: number;
}

/** Resolves when the program answers. Rejects with the last lines of its log; nothing is left then. */
export async function startProgram({ folder, answers, deadlineMs, ...spec }: ProgramSpec): Promise<Program> {
  const { name } = spec;
  const supervisor = createSupervisor(folder);
  const file = `${folder}/${name}.log`;
  const log = async (lines = Number.POSITIVE_INFINITY) =>
    (await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-lines).join('\n');

  async function start(): Promise<void> {
    await supervisor.start({ ...spec, log: file, family: true });
    const over = new AbortController();
    const patience = { deadlineMs, signal: over.signal };
    const serving = waitFor(`${name} answers`, async () => (await answers()) || undefined, patience);
    const ended = supervisor.ended(name).then(({ code, signal }) => {
      throw new Error(`${name} ended (${signal ?? `code ${code}`}) before it answered`);
    });
    for (const either of [serving, ended]) either.catch(() => {}); // whichever comes second
    try {
      await Promise.race([serving, ended]);
    } catch (error) {
      throw new Error(`${(error as Error).message}; the end of its log:\n${await log(20)}`);
    } finally {
      over.abort();
    }
  }

  try {
    await start();
  } catch (error) {
    await supervisor.shutDown();
    throw error;
  }
  supervisor.unref();
  let stopped: Promise<void> | undefined;
  return {
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
}

const attempts = 3;

/** Starts something on `port`, or on a free one, and on another one should somebody be quicker. */
export async function onPort<T>(port: number | undefined, start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(port ?? (await freePort()));
    } catch (error) {
      const taken = error instanceof Error && error.message.includes('address already in use');
      if (!taken || port !== undefined || attempt === attempts) throw error;
    }
  }
}
