import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAuth } from '../../../src/kube/auth.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';

let directory: string;
let clock: VirtualClock;
const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

const mount = (file: string, content: string) => writeFile(join(directory, file), content);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'auth-'));
  clock = createVirtualClock();
  await mount('token', 'first\n');
  await mount('ca.crt', 'authority');
  await mount('namespace', 'lmo-system\n');
});
afterEach(() => rm(directory, { recursive: true }));

const inCluster = (more: Record<string, string> = {}) =>
  loadAuth({ env: { ...env, ...more }, clock, serviceAccount: directory });

describe('in a cluster', () => {
  test('is who the mounted service account says', async () => {
    const auth = await inCluster();
    expect(auth).toMatchObject({ server: 'https://10.0.0.1:443', namespace: 'lmo-system' });
    expect(await auth.credentials()).toEqual({ headers: { authorization: 'Bearer first' }, tls: { ca: 'authority' } });
  });

  test('puts an IPv6 address in brackets', async () => {
    expect((await inCluster({ KUBERNETES_SERVICE_HOST: 'fd00::1' })).server).toBe('https://[fd00::1]:443');
  });

  test('reads a rotated token within a minute, and keeps the connections', async () => {
    const auth = await inCluster();
    const before = await auth.credentials();
    await mount('token', 'second');
    expect(await auth.credentials()).toBe(before);
    await clock.advance(60_000);
    const after = await auth.credentials();
    expect(after.headers).toEqual({ authorization: 'Bearer second' });
    expect(after.tls).toBe(before.tls);
  });

  test('reads it at once when the old one is refused, and only then', async () => {
    const auth = await inCluster();
    const first = await auth.credentials();
    await mount('token', 'second');
    auth.refuse(first);
    const second = await auth.credentials();
    expect(second.headers).toEqual({ authorization: 'Bearer second' });
    auth.refuse(first); // a call that was under way for longer
    expect(await auth.credentials()).toBe(second);
  });

  test('wants other connections when the authority is replaced', async () => {
    const auth = await inCluster();
    const { tls } = await auth.credentials();
    await mount('ca.crt', 'next authority');
    await clock.advance(60_000);
    expect((await auth.credentials()).tls).toEqual({ ca: 'next authority' });
    expect(tls).toEqual({ ca: 'authority' });
  });

  test('keeps the token it has while the mount cannot be read, and looks again soon', async () => {
    const auth = await inCluster();
    const first = await auth.credentials();
    await rm(join(directory, 'token'));
    await clock.advance(60_000);
    expect(await auth.credentials()).toBe(first);
    await mount('token', 'back');
    await clock.advance(10_000);
    expect((await auth.credentials()).headers).toEqual({ authorization: 'Bearer back' });
  });

  test('says at the start which file is missing', async () => {
    await rm(join(directory, 'token'));
    await expect(inCluster()).rejects.toThrow(/ENOENT.*token/);
  });
});

describe('where to look', () => {
  const kubeconfig = (server: string) => `
apiVersion: v1
kind: Config
current-context: dev
clusters: [{name: c, cluster: {server: "${server}"}}]
users: [{name: u, user: {token: secret}}]
contexts: [{name: dev, context: {cluster: c, user: u}}]
`;

  test('a named kubeconfig comes before KUBECONFIG, and both before the service account', async () => {
    await mount('named', kubeconfig('https://named'));
    await mount('variable', kubeconfig('https://variable'));
    const options = { env: { ...env, KUBECONFIG: join(directory, 'variable') }, clock, serviceAccount: directory };
    expect((await loadAuth({ ...options, kubeconfig: join(directory, 'named') })).server).toBe('https://named');
    expect((await loadAuth(options)).server).toBe('https://variable');
    expect((await inCluster()).server).toBe('https://10.0.0.1:443');
  });

  test('says so when there is nowhere to look', async () => {
    await expect(loadAuth({ env: {}, clock })).rejects.toThrow('not in a cluster');
  });
});
