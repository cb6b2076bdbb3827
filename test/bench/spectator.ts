// Watches what comes to be in one namespace, and tells when: the same watches in every pass, so that they cost every pass the same.
import { labels, localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import type { Client } from '../../src/kube/client.ts';
import { createReflector } from '../../src/kube/reflector.ts';
import { resources } from '../../src/kube/resources.ts';
import { createStore, type Store } from '../../src/kube/store.ts';
import type { Key, KubeObject, Resource } from '../../src/kube/types.ts';
import { childKinds } from '../../src/operator/caches.ts';
import { type PodFacts, trimPod } from '../../src/operator/podFacts.ts';
import { systemClock } from '../../src/process/clock.ts';
import { silentLogger } from '../../src/process/logger.ts';
import { isReady } from './sample.ts';

export interface Sighting {
  kind: string;
  name: string;
  object: KubeObject;
}

export interface Spectator {
  /** Children that exist, of all kinds. */
  childCount(): number;
  readyCount(): number;
  /** Pods that are ready, by their deployment's name. */
  readonly readyPods: ReadonlySet<string>;
  children(): KubeObject[];
  /** Resolves with the monotonic time at which `holds` came true, judged after each change. Rejects at the deadline. */
  until(what: string, holds: () => boolean, deadlineMs: number): Promise<number>;
  /** Called for each object that comes or changes; returns how to stop listening. */
  onSighting(listener: (sighting: Sighting) => void): () => void;
  stop(): Promise<void>;
}

const withoutContents = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { managedFields: _, ...rest } = metadata;
  return { apiVersion, kind, metadata: rest };
};

/** Resolves when all watches stand. */
export async function watchNamespace(client: Client, namespace: string): Promise<Spectator> {
  const stopping = new AbortController();
  const listeners = new Set<(sighting: Sighting) => void>();
  const ready = new Set<Key>();
  const readyPods = new Set<string>();
  const running: Promise<void>[] = [];
  const synced: Promise<void>[] = [];

  function watch<T extends KubeObject>(
    resource: Resource,
    store: Store<T>,
    selection: { metadataOnly?: boolean; labelSelector?: string },
    note?: (object: T) => void,
  ): Store<T> {
    const onChange = (_key: Key, type: string, object: T): void => {
      if (type === 'deleted') return;
      note?.(object);
      for (const listener of listeners) listener({ kind: resource.kind, name: object.metadata.name, object });
    };
    const common = { client, clock: systemClock, random: Math.random, log: silentLogger, namespace };
    const reflector = createReflector({ ...common, ...selection, resource, store, onChange });
    running.push(reflector.start(stopping.signal));
    synced.push(reflector.whenSynced());
    return store;
  }

  watch(localModelDeployments, createStore<StoredDeployment>(), {}, (object) => {
    if (isReady(object)) ready.add(object.metadata.name);
    else ready.delete(object.metadata.name);
  });
  const byDeployment = { labelSelector: labels.deployment };
  watch(resources.pod, createStore<PodFacts>({ trim: trimPod }), byDeployment, ({ metadata, pod }) => {
    if (pod.ready) readyPods.add(metadata.labels?.[labels.deployment] ?? '');
  });
  const children = Object.values(childKinds).map((resource) =>
    watch(resource, createStore<KubeObject>({ trim: withoutContents }), { ...byDeployment, metadataOnly: true }),
  );
  await Promise.all(synced);

  const onSighting: Spectator['onSighting'] = (listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    childCount: () => children.reduce((sum, store) => sum + store.size, 0),
    readyCount: () => ready.size,
    readyPods,
    children: () => children.flatMap((store) => store.list()),
    until: (what, holds, deadlineMs) => until(onSighting, { what, holds, deadlineMs, signal: stopping.signal }),
    onSighting,
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

interface Wait {
  what: string;
  holds: () => boolean;
  deadlineMs: number;
  /** Gives up at once. */
  signal: AbortSignal;
}

function until(onSighting: Spectator['onSighting'], { what, holds, deadlineMs, signal }: Wait): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', giveUp);
      stopListening();
      end();
    };
    const giveUp = () => settle(() => reject(new Error(`${what}: not within ${deadlineMs / 1000} s`)));
    const look = () => {
      if (holds()) settle(() => resolve(performance.now()));
    };
    const deadline = setTimeout(giveUp, deadlineMs);
    const stopListening = onSighting(look);
    signal.addEventListener('abort', giveUp);
    look();
  });
}
