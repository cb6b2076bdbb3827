// The parent's end of supervisor.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command, ProcessSpec, Report } from './supervisor.ts';

export interface Ending {
  code: number | null;
  signal: string | null;
}

export interface Supervisor {
  readonly pid: number;
  /** Resolves with the process id once the program runs. */
  start(spec: ProcessSpec): Promise<number>;
  /** Resolves when the process is gone; at once if it was not there. SIGKILL follows after `graceMs`. */
  stop(name: string, signal: 'SIGTERM' | 'SIGKILL', graceMs?: number): Promise<void>;
  /** Sends a signal and does not wait for what comes of it; nothing where the process is not there. */
  signal(name: string, signal: NodeJS.Signals): void;
  /** How the process of that name, as last started, ends or has ended. */
  ended(name: string): Promise<Ending>;
  pids(): Record<string, number>;
  /** Ends every process, removes the folder, resolves when all that is done. */
  shutDown(): Promise<void>;
  /** Leaves everything running when this process goes. */
  release(): void;
  /** Lets this process exit while the supervisor runs. */
  unref(): void;
}

interface Tracked {
  pid: number;
  family: boolean;
  alive: boolean;
  ended: PromiseWithResolvers<Ending>;
}

/** Starts a supervisor whose last act will be to remove `folder`. */
export function createSupervisor(folder: string): Supervisor {
  // A session of its own, so that Ctrl-C reaches only us and the clean-up runs undisturbed.
  const child = spawn(process.execPath, [join(import.meta.dirname, 'supervisor.ts'), folder], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: process.env.PATH ?? '' },
  });
  const starting = new Map<string, PromiseWithResolvers<number>>();
  const processes = new Map<string, Tracked>();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let expected = false;
  let detached = false;
  let asked = 0;

  /** Holds this process while it waits for an answer. */
  async function answer<T>(answered: Promise<T>): Promise<T> {
    asked++;
    setReferenced(child, true);
    try {
      return await answered;
    } finally {
      if (--asked === 0 && detached) setReferenced(child, false);
    }
  }

  const send = (command: Command) => child.stdin.write(`${JSON.stringify(command)}\n`);
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => hear(JSON.parse(line) as Report));

  function hear(report: Report): void {
    const { name } = report;
    if (report.report === 'started') {
      const { pid, family } = report;
      processes.set(name, { pid, family, alive: true, ended: Promise.withResolvers() });
      starting.get(name)?.resolve(pid);
      starting.delete(name);
    } else if (report.report === 'failed') {
      starting.get(name)?.reject(new Error(`${name} cannot be started: ${report.message}`));
      starting.delete(name);
    } else {
      const ended = processes.get(name);
      if (ended) ended.alive = false;
      ended?.ended.resolve({ code: report.code, signal: report.signal });
    }
  }

  const alive = () => [...processes].filter(([, tracked]) => tracked.alive);

  // Should the supervisor itself be killed, its children have nobody left but us.
  child.once('exit', () => {
    for (const started of starting.values()) started.reject(new Error('the supervisor has ended'));
    for (const [, { pid, family }] of expected ? [] : alive()) kill(family ? -pid : pid);
  });

  function start(spec: ProcessSpec): Promise<number> {
    const started = Promise.withResolvers<number>();
    starting.set(spec.name, started);
    send({ do: 'start', spec });
    return answer(started.promise);
  }

  async function stop(name: string, signal: 'SIGTERM' | 'SIGKILL', graceMs = 3_000): Promise<void> {
    const tracked = processes.get(name);
    if (!tracked?.alive) return;
    send({ do: 'stop', name, signal });
    const impatience = setTimeout(() => send({ do: 'stop', name, signal: 'SIGKILL' }), graceMs);
    await answer(tracked.ended.promise);
    clearTimeout(impatience);
  }

  return {
    pid: child.pid ?? 0,
    start,
    stop,
    signal: (name, signal) => send({ do: 'stop', name, signal }),
    ended: (name) => processes.get(name)?.ended.promise ?? Promise.reject(new Error(`${name} was never started`)),
    pids: () => Object.fromEntries(alive().map(([name, { pid }]) => [name, pid])),
    async shutDown() {
      expected = true;
      send({ do: 'shutdown' });
      await answer(gone);
    },
    release() {
      expected = true;
      send({ do: 'release' });
    },
    unref() {
      detached = true;
      if (asked === 0) setReferenced(child, false);
    },
  };
}

/** Pipes of a child keep a process alive as the child itself does; @types/node does not know that they are sockets. */
function setReferenced(child: ChildProcess, referenced: boolean): void {
  const handles: unknown[] = [child, child.stdin, child.stdout];
  for (const handle of handles as { ref(): void; unref(): void }[]) {
    if (referenced) handle.ref();
    else handle.unref();
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // already gone
  }
}
