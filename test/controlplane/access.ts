// What a test needs to use a running control plane, also from another process: plain data, and the functions on it.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { type Authority, issueCertificate } from './certificates.ts';
import { kubeconfig } from './kubeconfig.ts';

/** Plain data: can be handed to vitest's workers or written to a file. */
export interface Connection {
  /** `https://127.0.0.1:port` */
  server: string;
  /** PEM. */
  ca: string;
  /** Bearer token of a user in system:masters. */
  token: string;
  /** Path of a kubeconfig with that token. */
  kubeconfig: string;
  /** State folder: logs, keys, audit log. */
  folder: string;
  /** Path of the kubectl program. */
  kubectl: string;
  /** Path, where an audit log was asked for: one JSON event per line, at Metadata level. */
  auditLog?: string;
}

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ApiAnswer {
  status: number;
  body: unknown;
}

export interface ApiCall {
  /** Sent as JSON. */
  body?: unknown;
  /** Default `application/json`; `application/apply-patch+yaml` and the like for PATCH. */
  contentType?: string;
  /** Milliseconds; default 10 s. */
  deadlineMs?: number;
}

export interface Access extends Connection {
  /** Runs kubectl as the administrator, or as the user of another kubeconfig. Never rejects because kubectl failed. */
  runKubectl(argv: string[], options?: { input?: string; kubeconfig?: string }): Promise<CommandResult>;
  /** Writes a kubeconfig with a client certificate for any user of any groups; resolves with its path. */
  kubeconfigFor(user: string, groups?: readonly string[]): Promise<string>;
  /** One request as the administrator, past the code under test. Rejects only when there is no answer. */
  call(method: string, path: string, options?: ApiCall): Promise<ApiAnswer>;
}

/** The functions that go with a connection. */
export function connect(connection: Connection): Access {
  return {
    ...connection,
    runKubectl: (argv, options) => runKubectl(connection, argv, options),
    kubeconfigFor: (user, groups) => kubeconfigFor(connection, user, groups),
    call: (method, path, options) => call(connection, method, path, options),
  };
}

function runKubectl(
  { kubectl, folder, ...connection }: Connection,
  argv: string[],
  { input = '', kubeconfig = connection.kubeconfig } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    // HOME inside the folder: kubectl's discovery cache must not outlive the cluster, and port numbers come back.
    const child = spawn(kubectl, argv, { env: { HOME: folder, KUBECONFIG: kubeconfig }, stdio: 'pipe' });
    const stdout: string[] = [];
    const stderr: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (piece: string) => stdout.push(piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => stderr.push(piece));
    child.stdin.on('error', () => {}); // kubectl may end before it has read everything
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout: stdout.join(''), stderr: stderr.join('') }));
  });
}

async function kubeconfigFor(
  { server, ca, folder }: Connection,
  user: string,
  groups: readonly string[] = [],
): Promise<string> {
  const authority: Authority = {
    commonName: authorityName,
    cert: ca,
    key: await readFile(authorityKey(folder), 'utf8'),
  };
  const credentials = issueCertificate(authority, { commonName: user, organizations: groups }, Date.now());
  const path = join(await mkdtemp(join(folder, 'user-')), 'kubeconfig');
  await writeFile(path, kubeconfig(server, ca, user, credentials), { mode: 0o600 });
  return path;
}

export const authorityName = 'local-model-operator test authority';
const authorityKey = (folder: string) => join(folder, 'pki', 'ca.key');

function call(
  { server, ca, token }: Pick<Connection, 'server' | 'ca' | 'token'>,
  method: string,
  path: string,
  { body, contentType = 'application/json', deadlineMs = 10_000 }: ApiCall = {},
): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': contentType };
    const signal = AbortSignal.timeout(deadlineMs);
    const request = httpsRequest(new URL(path, server), { method, ca, headers, signal }, (response) => {
      const pieces: string[] = [];
      response.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece));
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: parse(pieces.join('')) }));
    });
    request.once('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Health endpoints answer in plain text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
