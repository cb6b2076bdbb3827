// A process of its own that starts the programs of a test and outlives nobody: when the pipe to its parent closes,
// for whatever reason, SIGKILL included, it ends what it started and removes the state folder.
// Run by supervise.ts as `node supervisor.ts FOLDER`; speaks one JSON object per line.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';

export interface ProcessSpec {
  name: string;
  program: string;
  argv: string[];
  /** Absolute path; stdout and stderr are appended to it. */
  log: string;
  env: Record<string, string>;
  /** Run as another user, which only root may ask for. */
  user?: { uid: number; gid: number };
  /** It starts programs of its own, which nobody else would end when it is killed: they end with it. Default false. */
  family?: boolean;
}

export type Command =
  | { do: 'start'; spec: ProcessSpec }
  | { do: 'stop'; name: string; signal: NodeJS.Signals }
  /** From now on the parent may go without anything ending. */
  | { do: 'release' }
  | { do: 'shutdown' };

export type Report =
  | { report: 'started'; name: string; pid: number; family: boolean }
  | { report: 'failed'; name: string; message: string }
  | { report: 'ended'; name: string; code: number | null; signal: string | null };

/** Milliseconds between SIGTERM and SIGKILL at shutdown: nothing here is worth saving. */
const graceMs = 1_000;

function supervise(folder: string): void {
  const children = new Map<string, ChildProcess>();
  let released = false;
  let ending = false;

  const tell = (report: Report) => process.stdout.write(`${JSON.stringify(report)}\n`);

  function start({ name, program, argv, log, env, user, family = false }: ProcessSpec): void {
    const output = openSync(log, 'a', 0o600);
    const child = spawn(program, argv, {
      stdio: ['ignore', output, output],
      env,
      cwd: folder,
      detached: family, // a process group of its own
      ...user,
    });
    closeSync(output);
    // At once and not on 'spawn', which comes later: a shutdown in between would miss the child.
    if (child.pid !== undefined) children.set(name, child);
    child.once('error', (error) => tell({ report: 'failed', name, message: error.message }));
    child.once('spawn', () => tell({ report: 'started', name, pid: child.pid ?? 0, family }));
    child.once('exit', (code, signal) => {
      children.delete(name);
      if (family) endGroup(child.pid);
      tell({ report: 'ended', name, code, signal });
    });
  }

  async function shutDown(): Promise<void> {
    if (ending) return;
    ending = true;
    const gone = [...children.values()].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of children.values()) child.kill('SIGTERM');
    const impatience = setTimeout(() => {
      for (const child of children.values()) child.kill('SIGKILL');
    }, graceMs);
    await Promise.all(gone);
    clearTimeout(impatience);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(0);
  }

  function obey(command: Command): void {
    if (ending) return;
    if (command.do === 'start') start(command.spec);
    else if (command.do === 'stop') children.get(command.name)?.kill(command.signal);
    else if (command.do === 'release') released = true;
    else void shutDown();
  }

  process.stdout.on('error', () => {}); // the parent has gone: its end of the pipe tells us below
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void shutDown());
  process.on('uncaughtException', () => void shutDown()); // e.g. half a line from a parent that died while writing
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => obey(JSON.parse(line) as Command));
  lines.on('close', () => {
    if (!released) void shutDown();
    else setInterval(() => {}, 2 ** 30); // nothing to read any more, but still in charge
  });
}

/** The process group of a child that is gone: whatever it has left behind. */
function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // nobody is left
  }
}

const folder = process.argv[2];
if (import.meta.main && folder) supervise(folder);
