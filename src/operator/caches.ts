// What the operator keeps in memory of the cluster: deployments, their children and their pods, each kept by a reflector that
// asks the API server for our labels only, and each trimmed to what is read again.
import { labels, localModelDeployments, type StoredDeployment } from '../api/types.ts';
import type { Client, ListOptions } from '../kube/client.ts';
import { createPool } from '../kube/pool.ts';
import { createReflector, type Reflector } from '../kube/reflector.ts';
import { resources } from '../kube/resources.ts';
import { createStore, type Store } from '../kube/store.ts';
import { createTurns } from '../kube/turns.ts';
import type { Key, KubeObject, Resource } from '../kube/types.ts';
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { childKey, type LiveChild, trimChild } from './liveChild.ts';
import { type PodFacts, trimPod } from './podFacts.ts';
import { trimDeployment } from './remembered.ts';

/** Kinds of children, by the key under which they are cached. */
export const childKinds = {
  Deployment: resources.deployment,
  Service: resources.service,
  NetworkPolicy: resources.networkPolicy,
  ConfigMap: resources.configMap,
  PersistentVolumeClaim: resources.persistentVolumeClaim,
  PodDisruptionBudget: resources.podDisruptionBudget,
  ServiceMonitor: resources.serviceMonitor,
} as const satisfies Record<string, Resource>;

export type ChildKind = keyof typeof childKinds;
export type CachedKind = ChildKind | 'LocalModelDeployment' | 'Pod';
export type CacheState = 'synced' | 'starting' | 'missing' | 'forbidden';

/** The API server sends us only what carries this label. */
const CHILD_SELECTOR = 'app.kubernetes.io/managed-by=local-model-operator';
const BY_DEPLOYMENT = 'deployment';

/** Objects per page of a list: 500 Deployments, as client-go asks for, are 7 MB of JSON and 30 MiB while they are parsed. */
const PAGE_SIZE = 100;
/** Kinds that are listed at the same time, for the same reason; two, so that one that hangs does not hold up the others. */
const LISTS_AT_ONCE = 2;

export interface CacheListeners {
  deployment(
    key: Key,
    type: 'added' | 'changed' | 'deleted',
    object: StoredDeployment,
    previous?: StoredDeployment,
  ): void;
  child(deployment: Key, object: LiveChild, previous?: LiveChild): void;
  pod(deployment: Key, object: PodFacts, previous?: PodFacts): void;
}

export interface CachesOptions {
  client: Client;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Absent: all namespaces. */
  namespaces?: readonly string[];
  listeners: CacheListeners;
}

export interface Caches {
  deployments: Store<StoredDeployment>;
  pods: Store<PodFacts>;
  children: Record<ChildKind, Store<LiveChild>>;
  /** Runs until the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Everything that must be known before acting in every namespace is known, or is known to be forbidden. */
  readonly synced: boolean;
  /** As `synced`, of one namespace: another that was taken from us, or is gone with its Role, is no reason to stand still here. */
  isSynced(namespace: string): boolean;
  /** Resolves once it is known of each namespace whether we can act there, and we can in one of them. */
  whenSynced(signal: AbortSignal): Promise<void>;
  /** The state of what keeps one kind, in one namespace or in all: `synced` only when it is so everywhere. */
  stateOf(kind: CachedKind, namespace?: string): CacheState;
  /** Watched namespaces where a kind may not be listed or watched; empty where all namespaces are watched at once. */
  forbiddenIn(kind: CachedKind): string[];
  /** Ends the pauses of the reflectors of a kind that has just appeared. */
  wake(kind: CachedKind): void;
  /** Resolves once the state of an optional kind is known for good, or the signal aborts. */
  whenKnown(kind: CachedKind, signal: AbortSignal): Promise<void>;
  /** As whenKnown, for a kind that is known to be served, although the last try may have found it missing. */
  whenServed(kind: CachedKind, signal: AbortSignal): Promise<void>;
  childrenOf(key: Key): Map<string, LiveChild>;
  podsOf(key: Key): PodFacts[];
  noteWrite(resource: Resource, written: KubeObject): void;
}

/** Each key is held by the index of every kind. */
const keys = createPool<Key>(5_000);

export function deploymentKeyOf({ metadata }: KubeObject): Key {
  const key = `${metadata.namespace}/${metadata.labels?.[labels.deployment] ?? ''}`;
  return keys.share(key, () => key);
}
const indexes = { [BY_DEPLOYMENT]: (object: KubeObject) => [deploymentKeyOf(object)] };

/** The kinds without which nothing can be decided. A ServiceMonitor is optional, so nobody waits for it. */
const requiredKinds: readonly CachedKind[] = [
  'LocalModelDeployment',
  'Pod',
  ...(Object.keys(childKinds) as ChildKind[]).filter((kind) => kind !== 'ServiceMonitor'),
];

/** Those that nothing can be done without. */
const isIndispensable = (kind: CachedKind): boolean => kind === 'LocalModelDeployment' || kind === 'Pod';

/** One reflector, and the namespace that it is for; absent: all. */
interface Watched {
  namespace?: string;
  reflector: Reflector;
}

export function createCaches(options: CachesOptions): Caches {
  const { client, clock, random, log, listeners, namespaces } = options;
  const deployments = createStore<StoredDeployment>({ trim: trimDeployment });
  const pods = createStore<PodFacts>({ trim: trimPod, indexes });
  const children = Object.fromEntries(
    Object.keys(childKinds).map((kind) => [kind, createStore<LiveChild>({ trim: trimChild, indexes })]),
  ) as Record<ChildKind, Store<LiveChild>>;
  const reflectors = new Map<string, Watched[]>();
  const common = { client: takingTurns(client), clock, random, log, pageSize: PAGE_SIZE };
  const scopes: { namespace?: string }[] = namespaces ? namespaces.map((namespace) => ({ namespace })) : [{}];

  reflectors.set(
    'LocalModelDeployment',
    scopes.map((scope) => ({
      ...scope,
      reflector: createReflector({
        ...common,
        ...scope,
        resource: localModelDeployments,
        store: deployments,
        onChange: listeners.deployment,
      }),
    })),
  );
  reflectors.set(
    'Pod',
    scopes.map((scope) => ({
      ...scope,
      reflector: createReflector({
        ...common,
        ...scope,
        resource: resources.pod,
        labelSelector: labels.deployment,
        store: pods,
        onChange: (_key, _type, object, previous) => tellBoth(listeners.pod, object, previous),
      }),
    })),
  );
  for (const [kind, resource] of Object.entries(childKinds))
    reflectors.set(
      kind,
      scopes.map((scope) => ({
        ...scope,
        reflector: createReflector({
          ...common,
          ...scope,
          resource,
          labelSelector: CHILD_SELECTOR,
          store: children[kind as ChildKind],
          onChange: (_key, _type, object, previous) => tellBoth(listeners.child, object, previous),
        }),
      })),
    );

  const watchedIn = (kind: CachedKind, namespace?: string): Watched[] => {
    const all = reflectors.get(kind) ?? [];
    return namespaces && namespace !== undefined ? all.filter((one) => one.namespace === namespace) : all;
  };
  const stateOf: Caches['stateOf'] = (kind, namespace) => {
    const all = watchedIn(kind, namespace).map(({ reflector }) => reflector);
    if (all.some(({ state }) => state === 'forbidden')) return 'forbidden';
    if (all.every(({ synced }) => synced)) return 'synced';
    return all.some(({ state }) => state === 'missing') ? 'missing' : 'starting';
  };
  const isKnown = (kind: CachedKind, namespace?: string): boolean => {
    const state = stateOf(kind, namespace);
    return state === 'synced' || (state === 'forbidden' && !isIndispensable(kind));
  };
  const isSynced = (namespace?: string): boolean => requiredKinds.every((kind) => isKnown(kind, namespace));
  const isClosed = (namespace?: string): boolean =>
    requiredKinds.some((kind) => isIndispensable(kind) && stateOf(kind, namespace) === 'forbidden');

  async function whenAll(kind: CachedKind, isSettled: (watched: Watched) => boolean, signal: AbortSignal) {
    await Promise.all(watchedIn(kind).map((one) => settled(one.reflector, () => isSettled(one), clock, signal)));
  }
  async function whenOneOf(states: readonly CacheState[], kind: CachedKind, signal: AbortSignal): Promise<void> {
    await whenAll(kind, () => states.includes(stateOf(kind)), signal);
  }

  return {
    deployments,
    pods,
    children,
    async start(signal) {
      await Promise.all([...reflectors.values()].flat().map(({ reflector }) => reflector.start(signal)));
    },
    get synced() {
      return isSynced();
    },
    isSynced,
    async whenSynced(signal) {
      const isSettled = (kind: CachedKind, namespace?: string) => isKnown(kind, namespace) || isClosed(namespace);
      await Promise.all(
        requiredKinds.map((kind) => whenAll(kind, ({ namespace }) => isSettled(kind, namespace), signal)),
      );
      while (!signal.aborted && !scopes.some(({ namespace }) => isSynced(namespace)))
        await delay(clock, FORBIDDEN_LOOK_MS, signal);
    },
    stateOf,
    forbiddenIn: (kind) =>
      watchedIn(kind).flatMap(({ namespace, reflector }) => (reflector.state === 'forbidden' && namespace) || []),
    wake(kind) {
      for (const { reflector } of watchedIn(kind)) reflector.wake();
    },
    whenKnown: (kind, signal) => whenOneOf(['synced', 'forbidden', 'missing'], kind, signal),
    whenServed: (kind, signal) => whenOneOf(['synced', 'forbidden'], kind, signal),
    childrenOf: (key) =>
      new Map(
        Object.values(children).flatMap((store) =>
          store.byIndex(BY_DEPLOYMENT, key).map((child) => [childKey(child), child]),
        ),
      ),
    podsOf: (key) => pods.byIndex(BY_DEPLOYMENT, key),
    noteWrite(resource, written) {
      const key = `${written.metadata.namespace}/${written.metadata.name}`;
      if (resource.kind === 'LocalModelDeployment') deployments.noteWrite(key, written as StoredDeployment);
      else if (resource.kind in children) children[resource.kind as ChildKind].noteWrite(key, written as LiveChild);
    },
  };
}

/** Who changes the label by which an object is found takes it from one deployment and gives it to another. */
function tellBoth<T extends KubeObject>(
  listener: (deployment: Key, object: T, previous?: T) => void,
  object: T,
  previous: T | undefined,
): void {
  const [now, before] = [deploymentKeyOf(object), previous && deploymentKeyOf(previous)];
  listener(now, object, previous);
  if (before !== undefined && before !== now) listener(before, object, previous);
}

/** A few pages are under way at a time, whoever asks. */
function takingTurns(client: Client): Pick<Client, 'pages' | 'watch'> {
  const inTurn = createTurns(LISTS_AT_ONCE);
  return {
    watch: client.watch,
    async *pages<T extends KubeObject>(resource: Resource, options?: ListOptions) {
      const pages = client.pages<T>(resource, options);
      for (;;) {
        const page = await inTurn(() => pages.next());
        if (page.done) return;
        yield page.value;
      }
    },
  };
}

/** A reflector that may not list never becomes synced, so its state is looked at meanwhile. */
async function settled(
  reflector: Reflector,
  isSettled: () => boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && !isSettled()) {
    const look = new AbortController();
    const timer = clock.after(FORBIDDEN_LOOK_MS, () => look.abort());
    await reflector.whenSynced(AbortSignal.any([signal, look.signal])).catch(() => undefined);
    timer.cancel();
    if (reflector.synced) return;
  }
}

const FORBIDDEN_LOOK_MS = 100;
