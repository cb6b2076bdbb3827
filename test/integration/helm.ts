// Helm as the tests of the chart run it: with a home of its own, so that nobody's repositories and plugins are in the way.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { CommandResult } from '../controlplane/access.ts';

export const root = resolve(import.meta.dirname, '../..');
export const chart = join(root, 'charts/local-model-operator');
export const RELEASE = 'local-model-operator';
export const NAMESPACE = 'local-model-operator';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: a test may look at any field of any kind
  [field: string]: any;
}

export interface Helm extends Disposable {
  /** Never rejects because Helm failed. */
  run(argv: readonly string[], options?: { kubeconfig?: string; input?: string }): Promise<CommandResult>;
  /** What the chart makes of values; rejects with Helm's words. */
  template(argv: readonly string[]): Promise<Manifest[]>;
}

/** `program` may be empty where there is none: then nothing may be run. */
export function openHelm(program: string): Helm {
  const home = mkdtempSync(join(tmpdir(), 'lmo-helm-'));

  const run: Helm['run'] = (argv, { kubeconfig, input = '' } = {}) =>
    new Promise((settle, reject) => {
      const env = { HOME: home, PATH: '/usr/bin:/bin', ...(kubeconfig && { KUBECONFIG: kubeconfig }) };
      const child = spawn(program, argv, { env, stdio: 'pipe' });
      const stdout: string[] = [];
      const stderr: string[] = [];
      child.stdout.setEncoding('utf8').on('data', (piece: string) => stdout.push(piece));
      child.stderr.setEncoding('utf8').on('data', (piece: string) => stderr.push(piece));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      child.once('error', reject);
      child.once('close', (code) => settle({ code: code ?? -1, stdout: stdout.join(''), stderr: stderr.join('') }));
    });

  return {
    run,
    async template(argv) {
      const { code, stdout, stderr } = await run(['template', RELEASE, chart, '--namespace', NAMESPACE, ...argv]);
      if (code !== 0) throw new Error(stderr);
      return parseAllDocuments(stdout)
        .map((document) => document.toJS() as Manifest | null)
        .filter((manifest) => manifest !== null);
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}
