import { expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { mountsOf, podVolumes, volumeEntries } from '../../../src/children/volumes.ts';
import { podInput } from './input.ts';

const volumesOf = (fields: Partial<Spec> = {}) => podVolumes(podInput(fields));
const entry = (name: string, fields: Partial<Spec>) =>
  volumeEntries(volumesOf(fields)).find((volume) => volume.name === name);
const mount = (name: string, consumer: 'gateway' | 'pull' | 'main', fields: Partial<Spec> = {}) =>
  mountsOf(volumesOf(fields), consumer).find((own) => own.name === name);

test('Ollama reads the store, the pull writes it, the gateway has none of it', () => {
  expect(mount('models', 'main')).toEqual({ name: 'models', mountPath: '/models', readOnly: true });
  expect(mount('models', 'pull')).toEqual({ name: 'models', mountPath: '/models' });
  expect(mount('models', 'gateway')).toBeUndefined();
});

test('nor can Foundry Local, whose core gets a folder of links in its home to write into', () => {
  const readOnly = { name: 'models', mountPath: '/models', readOnly: true };
  expect(mount('models', 'main', { runtime: 'FoundryLocal' })).toEqual(readOnly);
});

test('the runtime cannot write what the gateway believes', () => {
  const names = (consumer: 'main' | 'gateway') => mountsOf(volumesOf(), consumer).map(({ name }) => name);
  expect(names('main')).not.toContain('shared');
  expect(names('main')).not.toContain('lock');
  expect(names('gateway')).toContain('shared');
});

test('Foundry Local says what it runs on in a folder of its own, which the gateway only reads', () => {
  const fields = { runtime: 'FoundryLocal' } as const;
  const where = { name: 'report', mountPath: '/run/local-runtime' };
  expect(mount('report', 'main', fields)).toEqual(where);
  expect(mount('report', 'gateway', fields)).toEqual({ ...where, readOnly: true });
  expect(mount('report', 'pull', fields)).toBeUndefined();
  expect(mount('shared', 'main', fields)).toBeUndefined();
  expect(entry('report', {})).toBeUndefined();
});

test('an ephemeral store is as large as the user lets it be', () => {
  const storage = { type: 'Ephemeral', ephemeral: { sizeLimit: '20Gi' } } as const;
  expect(entry('models', { storage })).toEqual({ name: 'models', emptyDir: { sizeLimit: '20Gi' } });
  expect(entry('models', {})).toEqual({ name: 'models', emptyDir: {} });
});

test('a claim is mounted by its name, whoever made it', () => {
  const store = (claim: object) =>
    entry('models', { storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: claim } });
  expect(store({ size: '1Gi' })).toEqual({ name: 'models', persistentVolumeClaim: { claimName: 'qwen-models' } });
  expect(store({ claimName: 'theirs' })).toEqual({ name: 'models', persistentVolumeClaim: { claimName: 'theirs' } });
});

test('an image or a volume as source is read by pull and runtime alike, since the store links into it', () => {
  const image = { model: { name: 'm', source: { image: { reference: 'r:1' } } } };
  const volume = { model: { name: 'm', source: { volume: { claimName: 'theirs', path: 'a/b' } } } };
  expect(entry('source', image)).toEqual({ name: 'source', image: { reference: 'r:1' } });
  expect(entry('source', volume)).toEqual({
    name: 'source',
    persistentVolumeClaim: { claimName: 'theirs', readOnly: true },
  });
  for (const fields of [image, volume])
    for (const consumer of ['pull', 'main'] as const)
      expect(mount('source', consumer, fields)).toEqual({ name: 'source', mountPath: '/source', readOnly: true });
});

test('keys and certificates are seen by the gateway alone', () => {
  const api = { auth: { secretRef: { name: 'keys' } }, tls: { secretRef: { name: 'cert' } } };
  for (const name of ['api-keys', 'tls']) {
    expect(mount(name, 'gateway', { api })?.readOnly).toBe(true);
    expect(mount(name, 'pull', { api })).toBeUndefined();
    expect(mount(name, 'main', { api })).toBeUndefined();
  }
});

test('credentials of registries are seen by the pull alone, and of a bundle only the entry that was named', () => {
  const registry = {
    credentialsSecretRef: { name: 'login' },
    identitySecretRef: { name: 'key' },
    caBundleRef: { kind: 'Secret', name: 'ca', key: 'root.pem' },
  } as const;
  const fields = { model: { name: 'm', source: { registry } } };
  for (const name of ['registry-credentials', 'registry-identity', 'registry-ca']) {
    expect(mount(name, 'pull', fields)?.readOnly).toBe(true);
    expect(mount(name, 'main', fields)).toBeUndefined();
  }
  expect(entry('registry-ca', fields)).toEqual({
    name: 'registry-ca',
    secret: { secretName: 'ca', items: [{ key: 'root.pem', path: 'root.pem' }], optional: true },
  });
});
