// The digest that each revision has settled on. A tag is resolved once; every later pod of the revision pulls exactly that.
import { lockFileOf } from './gatewayConfig.ts';
import type { ChildInput } from './input.ts';
import { childMetadata, childNames } from './metadata.ts';
import type { Child } from './pod.ts';

export interface Lock {
  revision: string;
  /** As declared, for people who read the ConfigMap. */
  reference: string;
  /** sha256:… of the source manifest. */
  digest: string;
  /** sha256:… of the manifests of adapters, in the order of the Modelfile; absent where there are none, or all are pinned. */
  adapters?: readonly string[];
}

/**
 * One entry per revision: the current one, and the previous one for as long as its pods may restart. Undefined where
 * nothing has been settled yet; pods mount it as optional.
 */
export function lockConfigMap(input: ChildInput, locks: readonly Lock[]): Child | undefined {
  if (locks.length === 0) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: childMetadata(input, childNames(input.name).lock, 'lock'),
    data: Object.fromEntries(locks.map(({ revision, ...entry }) => [lockFileOf(revision), JSON.stringify(entry)])),
  };
}
