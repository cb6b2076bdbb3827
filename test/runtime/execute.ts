// Runs a program to its end and keeps the last lines of what it says, for the message should it fail.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ExecuteOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Called with every line of stdout and stderr. */
  onLine?: (line: string) => void;
}

const kept = 20;

/** Resolves with all of stdout. Rejects where the program is not there or ends with another code than 0. */
export async function execute(program: string, argv: readonly string[], options: ExecuteOptions): Promise<string> {
  const { cwd, env, onLine } = options;
  const child = spawn(program, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  const last: string[] = [];
  const hear = (line: string) => {
    onLine?.(line);
    last.push(line);
    if (last.length > kept) last.shift();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    output.push(line);
    hear(line);
  });
  createInterface({ input: child.stderr }).on('line', hear);
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  if (code !== 0) throw new Error(`${program} ${argv[0] ?? ''} failed (${code}):\n${last.join('\n')}`);
  return output.join('\n');
}
