// APIs that a cluster may lack, gain and lose while we run: who learns of it, and what it means for the deployments.

import { localModelDeployments } from '../api/types.ts';
import type { Client } from '../kube/client.ts';
import { createDiscovery, type Discovery } from '../kube/discovery.ts';
import { type ChangeListener, createReflector } from '../kube/reflector.ts';
import { resources } from '../kube/resources.ts';
import { createStore } from '../kube/store.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Clock, Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { CachedKind, Caches } from './caches.ts';
import type { Capability } from './observed.ts';

export interface OptionalApisOptions {
  client: Client;
  clock: Clock;
  random: Random;
  log: Logger;
  caches: Caches;
  /** Every deployment should be looked at: what they may have has changed. */
  onChange(): void;
}

export interface OptionalApis {
  /** Runs until the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves once it is known which of them there are, so that the first pass need not be repeated. */
  whenKnown(signal: AbortSignal): Promise<void>;
  serviceMonitors(namespace: string): Capability;
  readonly discovery: Discovery;
}

const capabilities: Record<ReturnType<Caches['stateOf']>, Capability> = {
  synced: 'present',
  missing: 'unknown',
  forbidden: 'forbidden',
  starting: 'unknown',
};

/** The CRDs whose coming and going concerns a cache of ours. */
const cachedKinds: Readonly<Record<string, CachedKind>> = Object.fromEntries(
  ([localModelDeployments, resources.serviceMonitor] as const).map(({ plural, group, kind }) => [
    `${plural}.${group}`,
    kind as CachedKind,
  ]),
);

/** What the coming and going of a CRD makes of its API; a change can make anything of it. */
const outcomes = { added: 'present', changed: undefined, deleted: 'absent' } as const;

/** How long the start waits for an optional API whose answer does not come (milliseconds). */
const PATIENCE_MS = 10_000;

export function createOptionalApis({
  client,
  clock,
  random,
  log,
  caches,
  onChange,
}: OptionalApisOptions): OptionalApis {
  const discovery = createDiscovery({ client, resources: [resources.serviceMonitor], clock, random, log });
  let lifetime = new AbortController().signal;

  /** Aborts with the next change of presence. */
  let presence = new AbortController();
  async function arrived(stillThere: AbortSignal): Promise<void> {
    caches.wake('ServiceMonitor');
    await caches.whenServed('ServiceMonitor', AbortSignal.any([lifetime, stillThere]));
    if (!lifetime.aborted && !stillThere.aborted) onChange();
  }
  discovery.onChange((resource, now) => {
    log.info({ resource: resource.plural, now }, 'optional API');
    presence.abort();
    presence = new AbortController();
    if (now === 'present') void arrived(presence.signal);
    else onChange();
  });

  const seen: ChangeListener<KubeObject> = (_key, type, crd) => {
    const kind = cachedKinds[crd.metadata.name];
    if (!kind) return;
    discovery.noteCrdChanged(crd.metadata.name, outcomes[type]);
    caches.wake(kind);
  };
  // Without permission to watch CRDs, discovery still asks every few minutes.
  const definitions = createReflector({
    client,
    resource: resources.customResourceDefinition,
    metadataOnly: true,
    // Not ours to choose what people note on theirs: kubectl keeps a copy of the whole definition there, half a megabyte of some.
    pageSize: 20,
    store: createStore<KubeObject>({
      trim: ({ apiVersion, kind, metadata: { name, uid, resourceVersion } }) => ({
        apiVersion,
        kind,
        metadata: { name, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
      }),
    }),
    clock,
    random,
    log,
    onChange: seen,
  });

  return {
    discovery,
    async start(signal) {
      lifetime = signal;
      await Promise.all([discovery.start(signal), definitions.start(signal)]);
    },
    async whenKnown(signal) {
      const patience = AbortSignal.any([signal, timeout(clock, PATIENCE_MS)]);
      if (discovery.has(resources.serviceMonitor) === 'unknown') await discovery.refresh(patience);
      if (discovery.has(resources.serviceMonitor) === 'present') await caches.whenKnown('ServiceMonitor', patience);
    },
    serviceMonitors(namespace) {
      return discovery.has(resources.serviceMonitor) === 'absent'
        ? 'absent'
        : capabilities[caches.stateOf('ServiceMonitor', namespace)];
    },
  };
}

function timeout(clock: Clock, ms: number): AbortSignal {
  const controller = new AbortController();
  clock.after(ms, () => controller.abort());
  return controller.signal;
}
