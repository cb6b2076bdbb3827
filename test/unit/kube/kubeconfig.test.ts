import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kubeconfigAuth } from '../../../src/kube/kubeconfig.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';

let directory: string;
let clock: VirtualClock;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  clock = createVirtualClock();
});
afterEach(() => rm(directory, { recursive: true }));

/** A kubeconfig is YAML, of which JSON is a part. */
async function config(user: object, { cluster = {}, name = 'config', context = 'dev' } = {}): Promise<string> {
  const path = join(directory, name);
  const content = {
    'current-context': context,
    clusters: [{ name: 'c', cluster: { server: `https://${name}:6443/`, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: context, context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  };
  await writeFile(path, JSON.stringify(content));
  return path;
}

const auth = (paths: string, context?: string) =>
  kubeconfigAuth({ paths, env: { HOME: directory }, clock, ...(context && { context }) });

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a user', () => {
  test('has a token, and a cluster its authority', async () => {
    const path = await config({ token: 'secret' }, { cluster: { 'certificate-authority-data': base64('authority') } });
    const found = await auth(path);
    expect(found).toMatchObject({ server: 'https://config:6443', namespace: 'shop' });
    const { headers, tls } = await found.credentials();
    expect(headers).toEqual({ authorization: 'Bearer secret' });
    expect(String(tls.ca)).toBe('authority');
  });

  test('has a client certificate in files beside the kubeconfig', async () => {
    await writeFile(join(directory, 'cert.pem'), 'certificate');
    await writeFile(join(directory, 'key.pem'), 'key');
    const { credentials } = await auth(await config({ 'client-certificate': 'cert.pem', 'client-key': 'key.pem' }));
    const before = await credentials();
    expect([String(before.tls.cert), String(before.tls.key), before.headers]).toEqual(['certificate', 'key', {}]);
    await clock.advance(60_000);
    expect((await credentials()).tls).toBe(before.tls);
    await writeFile(join(directory, 'cert.pem'), 'renewed');
    await clock.advance(60_000);
    expect(String((await credentials()).tls.cert)).toBe('renewed');
  });

  test('has a name and a password, or speaks for another', async () => {
    const basic = await auth(await config({ username: 'ada', password: 'pw' }));
    expect((await basic.credentials()).headers).toEqual({ authorization: `Basic ${base64('ada:pw')}` });
    const impersonating = await auth(await config({ token: 'secret', as: 'bob' }));
    expect((await impersonating.credentials()).headers).toEqual({
      authorization: 'Bearer secret',
      'impersonate-user': 'bob',
    });
  });

  test('may want a TLS name of its own, or no verification', async () => {
    const path = await config({}, { cluster: { 'tls-server-name': 'api', 'insecure-skip-tls-verify': true } });
    const { credentials } = await auth(path);
    expect((await credentials()).tls).toEqual({ servername: 'api', rejectUnauthorized: false });
  });

  test('gets the token that lies in the kubeconfig now when the old one is refused', async () => {
    const path = await config({ token: 'old' });
    const { credentials, refuse } = await auth(path);
    const old = await credentials();
    await config({ token: 'new' });
    expect(await credentials()).toBe(old);
    refuse(old);
    expect((await credentials()).headers).toEqual({ authorization: 'Bearer new' });
  });
});

describe('files', () => {
  test('merge as kubectl merges them: the first to name something counts', async () => {
    const first = await config({ token: 'one' }, { name: 'first', context: 'a' });
    const second = await config({ token: 'two' }, { name: 'second', context: 'b' });
    const merged = await auth([first, second].join(delimiter));
    expect(merged.server).toBe('https://first:6443');
    const other = await auth([first, second].join(delimiter), 'b');
    expect((await other.credentials()).headers).toEqual({ authorization: 'Bearer one' });
  });

  test('that name no cluster, or a proxy, are refused', async () => {
    const path = await config({ token: 'x' });
    await expect(auth(path, 'elsewhere')).rejects.toThrow('no cluster for its context elsewhere');
    const behindProxy = await config({ token: 'x' }, { cluster: { 'proxy-url': 'http://proxy' } });
    await expect(auth(behindProxy)).rejects.toThrow('proxy-url in a kubeconfig is not supported');
    await expect(auth(join(directory, 'absent'))).rejects.toThrow('ENOENT');
  });
});

describe('a plugin', () => {
  // Prints what it is told to, and notes each run with what it was given.
  const script = `
    const fs = require('node:fs');
    fs.appendFileSync(process.env.RUNS, process.env.KUBERNETES_EXEC_INFO + '\\n');
    process.stderr.write(process.env.COMPLAINT ?? '');
    process.stdout.write(fs.readFileSync(process.env.ANSWER));
    process.exitCode = Number(process.env.CODE ?? 0);
  `;
  const file = (name: string) => join(directory, name);
  const runs = async () => (await readFile(file('runs'), 'utf8')).trim().split('\n');
  const answer = (status: object) => writeFile(file('answer'), JSON.stringify({ kind: 'ExecCredential', status }));
  const inSeconds = (seconds: number) => new Date(clock.now() + seconds * 1_000).toISOString();

  const withPlugin = async (environment: Record<string, string> = {}) => {
    const variables = { RUNS: file('runs'), ANSWER: file('answer'), ...environment };
    const env = Object.entries(variables).map(([name, value]) => ({ name, value }));
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      env,
    };
    return auth(await config({ exec }));
  };

  test('runs once for all who ask at once, and is told that nobody sits before it', async () => {
    await answer({ token: 'minted' });
    const { credentials } = await withPlugin();
    const all = await Promise.all([credentials(), credentials(), credentials()]);
    expect(all.map(({ headers }) => headers)).toEqual(Array(3).fill({ authorization: 'Bearer minted' }));
    expect((await runs()).map((line) => JSON.parse(line))).toEqual([
      { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', spec: { interactive: false } },
    ]);
  });

  test('runs again a minute before its token ends', async () => {
    await answer({ token: 'minted', expirationTimestamp: inSeconds(600) });
    const { credentials } = await withPlugin();
    await credentials();
    await clock.advance(539_000);
    await credentials();
    expect(await runs()).toHaveLength(1);
    await answer({ token: 'next', expirationTimestamp: inSeconds(600) });
    await clock.advance(1_000);
    expect((await credentials()).headers).toEqual({ authorization: 'Bearer next' });
  });

  test('does not run with every call when its tokens are short-lived', async () => {
    await answer({ token: 'minted', expirationTimestamp: inSeconds(40) });
    const { credentials } = await withPlugin();
    await credentials();
    await clock.advance(29_000);
    await credentials();
    expect(await runs()).toHaveLength(1);
  });

  test('runs again when its token is refused', async () => {
    await answer({ token: 'minted' });
    const { credentials, refuse } = await withPlugin();
    refuse(await credentials());
    await credentials();
    expect(await runs()).toHaveLength(2);
  });

  test('may give a client certificate', async () => {
    await answer({ clientCertificateData: 'certificate', clientKeyData: 'key' });
    const { credentials } = await withPlugin();
    expect(await credentials()).toEqual({ headers: {}, tls: { cert: 'certificate', key: 'key' } });
  });

  test('that fails is named with what it complains of, and never with what it printed', async () => {
    await answer({ token: 'minted' });
    const { credentials } = await withPlugin({ CODE: '3', COMPLAINT: 'please log in' });
    await expect(credentials()).rejects.toThrow(/^exec plugin .* failed: please log in$/);
    const silent = await withPlugin({ CODE: '3' });
    await expect(silent.credentials()).rejects.toThrow(/^exec plugin .* failed: 3$/);
  });

  test('that prints something else, or does not exist, is named', async () => {
    await writeFile(file('answer'), 'token: minted');
    const { credentials } = await withPlugin();
    await expect(credentials()).rejects.toThrow('did not print an ExecCredential');
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: file('absent') };
    const absent = await auth(await config({ exec }));
    await expect(absent.credentials()).rejects.toThrow(/absent failed: ENOENT/);
  });
});
