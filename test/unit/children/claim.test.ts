import { expect, test } from 'vitest';
import { claim } from '../../../src/children/claim.ts';
import { podInput } from './input.ts';

const withClaim = (persistentVolumeClaim: object) =>
  podInput({ storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim } });

test('a claim is made only where the user gives a size', () => {
  expect(claim(podInput())).toBeUndefined();
  expect(claim(withClaim({ claimName: 'theirs' }))).toBeUndefined();
  expect(claim(withClaim({ size: '20Gi' }))?.spec).toEqual({
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '20Gi' } },
  });
});

test('a claim that is to stay has no owner from the start', () => {
  expect(claim(withClaim({ size: '1Gi', whenDeleted: 'Retain' }))?.metadata.ownerReferences).toBeUndefined();
  expect(claim(withClaim({ size: '1Gi' }))?.metadata.ownerReferences).toHaveLength(1);
});
