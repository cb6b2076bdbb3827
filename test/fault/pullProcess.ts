// The pull as a process of its own, as kubelet starts it.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { PULL_CONFIG, type PullConfig, writePullConfig } from '../../src/puller/config.ts';

const main = resolve(import.meta.dirname, '../../src/puller/main.ts');

export interface PullProcess {
  readonly child: ChildProcess;
  /** Has it ended? */
  readonly isOver: boolean;
  /** `code` is null for one that was killed. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

export interface PullProcessOptions {
  env?: Record<string, string>;
  args?: string[];
}

/** `config`: a text goes as it is. The process ends with the test at the latest. */
export function startPull(
  config: PullConfig | string | undefined,
  { env = {}, args = [] }: PullProcessOptions = {},
): PullProcess {
  const text = typeof config === 'object' ? writePullConfig(config) : config;
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, ...(text !== undefined && { [PULL_CONFIG]: text }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      texts[name] += piece;
    });
  let isOver = false;
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      isOver = true;
      settle({ code, ...texts });
    });
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    child,
    ended,
    get isOver() {
      return isOver;
    },
  };
}
