import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSecrets } from '../../../src/puller/secrets.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';

const registry = { kind: 'Registry' as const, mirrors: [], plainHttp: false };
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

it('reads nothing where nothing is asked for', async () => {
  expect(await readSecrets(registry)).toEqual({});
});

it('reads what is mounted, as a folder or as a file', async () => {
  const path = await temporaryFolder();
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  const auths = { 'registry.example': { username: 'me', password: 'pw' } };
  await writeFile(join(path, '.dockerconfigjson'), JSON.stringify({ auths }));
  await writeFile(join(path, 'id_ed25519'), key);
  await writeFile(join(path, 'ca.crt'), PEM);
  const { docker, identity, ca } = await readSecrets({
    ...registry,
    credentials: { path, kind: 'Secret', name: 'a' },
    identity: { path: join(path, 'id_ed25519'), kind: 'Secret', name: 'b' },
    ca: { path, kind: 'ConfigMap', name: 'c', key: 'ca.crt' },
  });
  expect(docker?.find('registry.example', 'library/tiny')).toMatchObject({ username: 'me' });
  expect(identity?.publicKey).toMatch(/^ssh-ed25519 /);
  expect(ca).toBe(PEM);
});

it('names the object and its key where they are missing', async () => {
  const path = await temporaryFolder();
  const ca = { path, kind: 'ConfigMap' as const, name: 'company-ca', key: 'ca.crt' };
  await expect(readSecrets({ ...registry, ca })).rejects.toMatchObject({
    reason: 'SecretMissing',
    message: expect.stringMatching(/^ca\.crt of ConfigMap company-ca is not there .* in the namespace of the pod$/),
  });
});

it('refuses a bundle without a certificate, and repeats nothing of it', async () => {
  const path = await temporaryFolder();
  await writeFile(join(path, 'ca.crt'), '-----BEGIN PRIVATE KEY-----\nhunter2');
  const ca = { path, kind: 'Secret' as const, name: 'company-ca', key: 'ca.crt' };
  const error = await readSecrets({ ...registry, ca }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ reason: 'SecretMissing', message: expect.stringContaining('company-ca') });
  expect(String(error)).not.toContain('hunter2');
});
