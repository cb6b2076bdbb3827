import { expect, test } from 'vitest';
import { settingsOf } from '../../../src/api/defaults.ts';
import type { Spec } from '../../../src/api/schema.ts';
import type { LiveChild } from '../../../src/operator/liveChild.ts';
import { claimMismatch } from '../../../src/operator/storage.ts';
import { spec } from './observation.ts';

const claim = (more: object = {}): Partial<Spec> => ({
  storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { size: '2Gi', ...more } },
});
const existing = (more: object = {}) =>
  new Map([
    [
      'PersistentVolumeClaim/model-models',
      {
        claim: { phase: 'Bound', accessModes: ['ReadWriteOnce'], storageClassName: 'fast', requested: '2Gi', ...more },
      } as unknown as LiveChild,
    ],
  ]);
const problem = (given: Partial<Spec>, live = existing()) =>
  claimMismatch(live, settingsOf('model', spec(given)).storage);

test.each<[string, Partial<Spec>, Map<string, LiveChild>]>([
  ['no claim yet', claim({ size: '1Gi' }), new Map()],
  ['a claim that fits', claim(), existing()],
  ['the same size in other words', claim({ size: '2048Mi' }), existing()],
  ['a claim that should grow', claim({ size: '3Gi' }), existing()],
  ['the default class, whatever that was', claim(), existing({ storageClassName: 'slow' })],
  [
    'another class that nobody has set yet',
    claim({ storageClassName: 'fast' }),
    existing({ storageClassName: undefined }),
  ],
  [
    'modes in another order',
    claim({ accessModes: ['ReadWriteMany', 'ReadWriteOnce'] }),
    existing({ accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }),
  ],
  ['no storage of its own', {}, existing()],
  [
    'a claim of the user’s own',
    { storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { claimName: 'model-models' } } },
    existing(),
  ],
])('nothing is wrong with %s', (_title, given, live) => {
  expect(problem(given, live)).toBeUndefined();
});

test.each([
  ['size', claim({ size: '1Gi' }), 'has 2Gi, and claims cannot shrink'],
  ['storageClassName', claim({ storageClassName: 'slow' }), 'has class fast'],
  ['accessModes', claim({ accessModes: ['ReadWriteMany'] }), 'has ReadWriteOnce'],
])('%s that differs is told by its path, with what to do', (field, given, words) => {
  const found = problem(given);
  expect(found).toMatchObject({ path: `spec.storage.persistentVolumeClaim.${field}`, reason: 'StorageMismatch' });
  expect(found?.message).toContain(words);
  expect(found?.message).toContain('delete the claim model-models');
});

test('a claim that somebody has made larger wants its new size in the spec', () => {
  expect(problem(claim(), existing({ requested: '5Gi' }))?.message).toContain('set it to 5Gi');
});
