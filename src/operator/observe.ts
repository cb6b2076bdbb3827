// Gathers what is known of one deployment: from the caches, and the little that must be asked for.
import type { Key } from '../kube/types.ts';
import { TransientError } from '../kube/verdict.ts';
import { type Caches, type ChildKind, childKinds } from './caches.ts';
import type { Capability, Observed } from './observed.ts';
import type { PodWarnings } from './podWarnings.ts';
import type { Upgrades } from './upgrades.ts';

export type Observe = (key: Key, signal: AbortSignal) => Promise<Observed | undefined>;

export interface ObserveOptions {
  caches: Caches;
  warnings: PodWarnings;
  upgrades: Upgrades;
  serviceMonitors(): Capability;
}

/** The caches are refilling, so absence means nothing: tried again, nothing is decided. */
export class NotSynced extends TransientError {
  override readonly name = 'NotSynced';
}

export function createObserve({ caches, warnings, upgrades, serviceMonitors }: ObserveOptions): Observe {
  return async (key, signal) => {
    if (!caches.synced) throw new NotSynced('the caches are not complete; an empty cache is not absence');
    const deployment = caches.deployments.get(key);
    if (!deployment) return undefined;
    const pods = caches.podsOf(key);
    const forbidden = (Object.keys(childKinds) as ChildKind[]).filter((kind) => caches.stateOf(kind) === 'forbidden');
    return {
      key,
      deployment,
      children: caches.childrenOf(key),
      forbiddenKinds: new Set(forbidden),
      pods,
      serviceMonitors: serviceMonitors(),
      podWarnings: await warnings.of(pods, signal),
      mayUpgrade: upgrades.may(key),
    };
  };
}
