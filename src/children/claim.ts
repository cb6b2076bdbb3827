// The claim that the operator makes for a model store.
import type { ChildInput } from './input.ts';
import { childMetadata } from './metadata.ts';
import type { Child } from './pod.ts';

/** Undefined where the store is ephemeral or lies on a claim that the user brought. */
export function claim(input: ChildInput): Child | undefined {
  const { storage } = input.settings;
  if (storage.kind !== 'Claim' || !storage.own) return undefined;
  const { claimName, size, accessModes, storageClassName, whenDeleted } = storage;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    // Retained from the start: an ownerReference taken away at deletion would race with the garbage collector.
    metadata: childMetadata(input, claimName, 'store', { owned: whenDeleted === 'Delete' }),
    spec: {
      accessModes,
      ...(storageClassName && { storageClassName }),
      resources: { requests: { storage: size } },
    },
  };
}
