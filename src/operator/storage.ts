// Whether the claim that exists can be the one that the spec describes. CEL holds the fields still while they are there; a
// claim may also be older than the spec: retained, restored, or left by a spec that had its storage taken out in between.
import type { Storage } from '../api/defaults.ts';
import type { Problem } from '../api/types.ts';
import { compareQuantities } from '../kube/quantity.ts';
import type { LiveChild } from './liveChild.ts';

const sorted = (modes: readonly string[]): string => [...modes].sort().join(', ');

/** The problem, or undefined when there is no claim yet or it fits. */
export function claimMismatch(children: ReadonlyMap<string, LiveChild>, storage: Storage): Problem | undefined {
  if (storage.kind !== 'Claim' || !storage.own) return undefined;
  const live = children.get(`PersistentVolumeClaim/${storage.claimName}`)?.claim;
  if (!live) return undefined;
  const problem = (field: string, message: string, cure = 'change it back'): Problem => ({
    path: `spec.storage.persistentVolumeClaim.${field}`,
    message: `${message}; ${cure}, or delete the claim ${storage.claimName} and its data`,
    reason: 'StorageMismatch',
  });
  if (storage.storageClassName && live.storageClassName && storage.storageClassName !== live.storageClassName)
    return problem('storageClassName', `the claim that exists has class ${live.storageClassName}`);
  if (sorted(storage.accessModes) !== sorted(live.accessModes))
    return problem('accessModes', `the claim that exists has ${sorted(live.accessModes)}`);
  if (!live.requested || compareQuantities(storage.size, live.requested) >= 0) return undefined;
  return problem(
    'size',
    `the claim that exists has ${live.requested}, and claims cannot shrink`,
    `set it to ${live.requested}`,
  );
}
