// kubectl as a person would call it, for what the demo shows of it. The demo's own work does not need it.
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export type Kubectl = (argv: readonly string[], signal: AbortSignal) => Promise<string>;

export interface KubectlOptions {
  program: string;
  env: NodeJS.ProcessEnv;
  /** Put before every command line. */
  flags?: readonly string[];
}

/** Resolves with what it printed, stderr last; rejects only when it cannot be run, or when the signal aborts. */
export function createKubectl({ program, env, flags = [] }: KubectlOptions): Kubectl {
  return (argv, signal) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, [...flags, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'], signal });
      const texts = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8').on('data', (piece: string) => {
          texts[name] += piece;
        });
      }
      child.once('error', (error) => reject(signal.aborted ? signal.reason : error));
      child.once('close', () => resolve(`${texts.stdout}${texts.stderr}`));
    });
}

/** The path of kubectl on PATH. */
export async function findKubectl({ PATH = '' }: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of PATH.split(delimiter).filter(Boolean)) {
    const path = join(folder, 'kubectl');
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}
