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
  /** Resolves when the process is gone; at once if it was not there. */
  stop(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Resolves when the process of that name ends. */
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
  const running = new Map<string, Tracked>();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let expected = false;

  const send = (command: Command) => child.stdin.write(`${JSON.stringify(command)}\n`);
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => hear(JSON.parse(line) as Report));

  function hear(report: Report): void {
    const { name } = report;
    if (report.report === 'started') {
      running.set(name, { pid: report.pid, ended: Promise.withResolvers() });
      starting.get(name)?.resolve(report.pid);
    } else if (report.report === 'failed') {
      starting.get(name)?.reject(new Error(`${name} cannot be started: ${report.message}`));
    } else {
      running.get(name)?.ended.resolve({ code: report.code, signal: report.signal });
      running.delete(name);
    }
  }

  // Should the supervisor itself be killed, its children have nobody left but us.
  child.once('exit', () => {
    for (const { pid } of expected ? [] : running.values()) kill(pid);
  });

  function start(spec: ProcessSpec): Promise<number> {
    const started = Promise.withResolvers<number>();
    starting.set(spec.name, started);
    send({ do: 'start', spec });
    return started.promise;
  }

  async function stop(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ended = running.get(name)?.ended.promise;
    send({ do: 'stop', name, signal });
    await ended;
  }

  return {
    pid: child.pid ?? 0,
    start,
    stop,
    ended: (name) => running.get(name)?.ended.promise ?? Promise.resolve({ code: null, signal: null }),
    pids: () => Object.fromEntries([...running].map(([name, { pid }]) => [name, pid])),
    async shutDown() {
      expected = true;
      setReferenced(child, true);
      send({ do: 'shutdown' });
      await gone;
    },
    release() {
      expected = true;
      send({ do: 'release' });
    },
    unref: () => setReferenced(child, false),
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
