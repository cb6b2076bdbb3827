// Credentials from a program that a kubeconfig names (client.authentication.k8s.io ExecCredential): cloud logins do this.
import { execFile } from 'node:child_process';
import { z } from 'zod';
import type { Environment } from './auth.ts';

export const execConfig = z.object({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
});
export type ExecConfig = z.infer<typeof execConfig>;

const answerOf = z.object({
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
  }),
});

export interface ExecCredential {
  token?: string | undefined;
  /** PEM. */
  clientCertificateData?: string | undefined;
  clientKeyData?: string | undefined;
  /** Milliseconds since the epoch; absent: good until refused. */
  expiresAt?: number;
}

const longestRunMs = 60_000;
const largestOutput = 1024 * 1024;

/** Runs the plugin once, without a terminal. Rejects, naming the command, when it fails, hangs or answers something else. */
export async function runExecPlugin(config: ExecConfig, environment: Environment): Promise<ExecCredential> {
  const { command, args, env, apiVersion } = config;
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const merged = {
    ...environment,
    ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  };
  const output = await run(command, args ?? [], merged);
  const answer = answerOf.safeParse(parse(output));
  if (!answer.success) throw new Error(`exec plugin ${command} did not print an ExecCredential`);
  const { expirationTimestamp, ...credential } = answer.data.status;
  const expiresAt = Date.parse(expirationTimestamp ?? '');
  return { ...credential, ...(Number.isFinite(expiresAt) && { expiresAt }) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout: longestRunMs, maxBuffer: largestOutput };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      // stdout may hold a token, stderr is what plugins tell people; the message of `error` would repeat all arguments.
      const told = stderr.trim().slice(0, 500) || `${error.code ?? error.signal ?? 'no exit code'}`;
      reject(new Error(`exec plugin ${command} failed: ${told}`));
    });
    child.stdin?.end();
  });
}
