import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCache, defaultCacheFolder } from '../../controlplane/cache.ts';
import type { Part } from '../../controlplane/versions.ts';

const part: Part = {
  name: 'etcd',
  version: '1.0.0',
  programs: ['etcd', 'kubectl'],
  build: { module: '', package: '', linked: false, ldflags: '', elsewhereSeconds: 0 },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmo-cache-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const fillWith = (text: string) => async (place: string) => {
  await writeFile(join(place, 'etcd'), text);
  await symlink('etcd', join(place, 'kubectl'));
};
const open = () => createCache(folder, 'linux', 'x64');
const contentOf = (cache = open()) => readFile(join(cache.folder(part), 'kubectl'), 'utf8');

test('a part that was published is found, with its checksums', async () => {
  const cache = open();
  await cache.publish(part, 'build', fillWith('one'));
  expect(await cache.find(part, true)).toMatchObject({
    source: 'build',
    files: { etcd: { size: 3 } },
    links: { kubectl: 'etcd' },
  });
  expect(await createCache(folder, 'linux', 'arm64').find(part)).toBeUndefined();
});

test('a part whose filling failed is not there at all', async () => {
  const cache = open();
  const failing = cache.publish(part, 'build', async (place) => {
    await writeFile(join(place, 'etcd'), 'half');
    throw new Error('killed');
  });
  await expect(failing).rejects.toThrow('killed');
  expect(await readdir(cache.root)).toEqual([]);
});

test('who publishes second uses what is there', async () => {
  const cache = open();
  await Promise.all([cache.publish(part, 'build', fillWith('one')), cache.publish(part, 'build', fillWith('two'))]);
  const first = await contentOf();
  await cache.publish(part, 'download', fillWith('three'));
  expect(await contentOf()).toBe(first);
  expect(await readdir(cache.root)).toEqual(['etcd-1.0.0']);
});

test.each([
  ['a file has another size', (place: string) => writeFile(join(place, 'etcd'), 'longer than before')],
  ['a file is missing', (place: string) => rm(join(place, 'etcd'))],
  ['a link is missing', (place: string) => rm(join(place, 'kubectl'))],
  ['the manifest is cut short', (place: string) => writeFile(join(place, 'manifest.json'), '{"part":"et')],
  ['the manifest is missing', (place: string) => rm(join(place, 'manifest.json'))],
])('is not taken for whole, and is replaced, when %s', async (_title, damage) => {
  const cache = open();
  await cache.publish(part, 'build', fillWith('one'));
  await damage(cache.folder(part));
  expect(await cache.find(part)).toBeUndefined();
  await cache.publish(part, 'build', fillWith('two'));
  expect(await contentOf()).toBe('two');
});

test('a flipped byte is found by a thorough look', async () => {
  const cache = open();
  await cache.publish(part, 'build', fillWith('one'));
  await writeFile(join(cache.folder(part), 'etcd'), 'onE');
  expect(await cache.find(part)).toBeDefined();
  expect(await cache.find(part, true)).toBeUndefined();
});

test('what a killed process left long ago is swept away, what is fresh stays', async () => {
  const cache = open();
  for (const name of ['.new-old', '.new-fresh']) await mkdir(join(cache.root, name), { recursive: true });
  await chmod(join(cache.root, '.new-old'), 0o755);
  await utimes(join(cache.root, '.new-old'), 1, 1);
  await cache.publish(part, 'build', fillWith('one'));
  expect((await readdir(cache.root)).sort()).toEqual(['.new-fresh', 'etcd-1.0.0']);
});

test('lies in the user cache folder, wherever that is', () => {
  expect(defaultCacheFolder({ HOME: '/home/me' })).toBe('/home/me/.cache/local-model-operator/controlplane');
  expect(defaultCacheFolder({ HOME: '/home/me', XDG_CACHE_HOME: '/var/c' })).toBe(
    '/var/c/local-model-operator/controlplane',
  );
});
