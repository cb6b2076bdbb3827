// Gathers what is known of one deployment: from the caches, and the little that must be asked for.
import { parseStatus } from '../api/validate.ts';
import type { Key } from '../kube/types.ts';
import { TransientError } from '../kube/verdict.ts';
import { type Caches, type ChildKind, childKinds } from './caches.ts';
import type { Gateways } from './gatewayPolls.ts';
import { workloadOf } from './intent.ts';
import type { Capability, Observed } from './observed.ts';
import { isLeftOver } from './ownership.ts';
import type { PodFacts } from './podFacts.ts';
import type { PodWarnings } from './podWarnings.ts';
import type { Upgrades } from './upgrades.ts';

export type Observe = (key: Key, signal: AbortSignal) => Promise<Observed | undefined>;

export interface ObserveOptions {
  caches: Caches;
  warnings: PodWarnings;
  gateways: Pick<Gateways, 'heardOf'>;
  upgrades: Upgrades;
  serviceMonitors(namespace: string): Capability;
}

/** The caches are refilling, so absence means nothing: tried again, nothing is decided. */
export class NotSynced extends TransientError {
  override readonly name = 'NotSynced';
}

/** The cache's own order depends on what happened first: a message that names the first pod would change with a restart. */
const byAge = ({ metadata: a }: PodFacts, { metadata: b }: PodFacts): number =>
  (a.creationTimestamp ?? '').localeCompare(b.creationTimestamp ?? '') || a.name.localeCompare(b.name);

export function createObserve({ caches, warnings, gateways, upgrades, serviceMonitors }: ObserveOptions): Observe {
  return async (key, signal) => {
    const namespace = key.slice(0, key.indexOf('/'));
    if (!caches.isSynced(namespace)) throw new NotSynced('the caches are not complete; an empty cache is not absence');
    const deployment = caches.deployments.get(key);
    if (!deployment) return undefined;
    const children = caches.childrenOf(key);
    const workload = workloadOf({ deployment, children });
    const pods = caches
      .podsOf(key)
      .filter((pod) => !isLeftOver(pod, deployment, workload))
      .sort(byAge);
    const kinds = Object.keys(childKinds) as ChildKind[];
    const forbidden = kinds.filter((kind) => caches.stateOf(kind, namespace) === 'forbidden');
    return {
      key,
      // Another release may have written it, under another schema.
      deployment: { ...deployment, status: parseStatus(deployment.status) },
      children,
      forbiddenKinds: new Set(forbidden),
      pods,
      serviceMonitors: serviceMonitors(namespace),
      podWarnings: await warnings.of(pods, signal),
      gateways: gateways.heardOf(pods),
      mayUpgrade: upgrades.may(key),
    };
  };
}
