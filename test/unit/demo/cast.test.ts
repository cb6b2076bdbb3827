import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { localModelDeployment } from '../../../src/api/schema.ts';
import { loadCast, mistaken, starring } from '../../demo/cast.ts';

const root = resolve(import.meta.dirname, '../../..');

test('every actor is a sample that the schema accepts', async () => {
  for (const { sample, manifest } of await loadCast(root, 'demo')) {
    const { status: _, ...stored } = manifest;
    expect(localModelDeployment.safeParse(stored).error, sample).toBeUndefined();
    expect(manifest.metadata.namespace).toBe('demo');
  }
});

test('every end state has an actor, and those that the story picks out are there', async () => {
  const cast = await loadCast(root, 'demo');
  expect(new Set(cast.map(({ expected }) => expected))).toEqual(new Set(['ready', 'parked', 'waiting', 'refused']));
  expect(cast.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.values(starring)));
});

test('the mistaken one has three mistakes', () => {
  const { success, error } = localModelDeployment.safeParse(mistaken('demo'));
  expect(success).toBe(false);
  expect(error?.issues.map(({ path }) => path.join('.')).sort()).toEqual([
    'spec.api.port',
    'spec.model.digest',
    'spec.ollama',
  ]);
});
