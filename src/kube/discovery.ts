// Which optional APIs the cluster serves, which version it is, and what we may do there: asked, remembered, asked again.
import { type Clock, delay, type Random, type Timer } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type AccessReviews, createAccessReviews } from './access.ts';
import type { Client } from './client.ts';
import { ApiError } from './errors.ts';
import { apiVersionOf, type Resource } from './types.ts';

/** `unknown` until the API server has answered once; a check that fails afterwards keeps the last answer. */
export type Presence = 'present' | 'absent' | 'unknown';

/** May throw: that is logged. `before` is `unknown` with the first answer. */
export type PresenceListener = (resource: Resource, now: Presence, before: Presence) => void;

export interface ServerVersion {
  major: number;
  minor: number;
  /** As the server says it, e.g. `v1.37.0-gke.100`. */
  gitVersion: string;
}

export interface DiscoveryOptions {
  client: Pick<Client, 'raw'>;
  /** What to look for. */
  resources: readonly Resource[];
  clock: Clock;
  random: Random;
  log: Logger;
  /** Milliseconds, jittered by up to a half; default 5 minutes. */
  refreshEveryMs?: number;
}

export interface Discovery extends AccessReviews {
  /** Asks at once and then periodically, until the signal aborts; never rejects. */
  start(signal: AbortSignal): Promise<void>;
  /** Asks about everything now. Never rejects: what cannot be answered stays as it was. */
  refresh(signal?: AbortSignal): Promise<void>;
  /** `unknown` also of what was not in `resources`. */
  has(resource: Resource): Presence;
  /** Returns how to stop listening. */
  onChange(listener: PresenceListener): () => void;
  /**
   * A CustomResourceDefinition, e.g. `servicemonitors.monitoring.coreos.com`, was seen to come, change or go. `expected`: what
   * should follow from it; once that is so, nobody is asked any more.
   */
  noteCrdChanged(name: string, expected?: Presence): void;
  readonly version: ServerVersion | undefined;
  /** Whether the server is Kubernetes 1.`minor` or newer; undefined until it has said its version. */
  atLeast(minor: number): boolean | undefined;
}

interface ApiResourceList {
  resources?: { name: string }[];
}

interface VersionAnswer {
  major?: string;
  minor?: string;
  gitVersion?: string;
}

// Discovery follows a CRD with a delay: its condition Established comes first, and each API server learns for itself.
const followUpsMs = [0, 1_000, 3_000, 10_000, 30_000] as const;
const deadlineMs = 10_000;

/** Nothing is asked before `start` or `refresh`. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { client, clock, random, log, refreshEveryMs = 5 * 60_000 } = options;
  const byApi = Map.groupBy(options.resources, apiVersionOf);
  const presences = new Map<string, Presence>();
  const listeners = new Set<PresenceListener>();
  const followUps = new Map<string, Timer[]>();
  /** Of each API, the number of the youngest question that was answered: what was asked earlier knows less. */
  const answered = new Map<string, number>();
  let questions = 0;
  let version: ServerVersion | undefined;

  async function check(api: string, signal?: AbortSignal): Promise<void> {
    const question = ++questions;
    const served = await servedBy(api, signal);
    if (!served || question < (answered.get(api) ?? 0)) return;
    answered.set(api, question);
    for (const resource of byApi.get(api) ?? []) settle(resource, served.has(resource.plural) ? 'present' : 'absent');
  }

  /** The plurals that an API serves; undefined: we do not know. */
  async function servedBy(api: string, signal?: AbortSignal): Promise<Set<string> | undefined> {
    try {
      const path = api.includes('/') ? `/apis/${api}` : `/api/${api}`;
      const { resources = [] } = await client.raw<ApiResourceList>('GET', path, limits(signal));
      return new Set(resources.map(({ name }) => name));
    } catch (err) {
      if (err instanceof ApiError && err.reason === 'notFound') return new Set();
      log.debug({ err, api }, 'API could not be looked up');
      return undefined;
    }
  }

  function settle(resource: Resource, now: Presence): void {
    const before = has(resource);
    if (before === now) return;
    presences.set(idOf(resource), now);
    log.info({ api: apiVersionOf(resource), kind: resource.kind, presence: now }, 'optional API looked up');
    for (const listener of listeners) {
      try {
        listener(resource, now, before);
      } catch (err) {
        log.error({ err, kind: resource.kind }, 'a listener failed');
      }
    }
  }

  async function checkVersion(signal?: AbortSignal): Promise<void> {
    try {
      version = parseVersion(await client.raw<VersionAnswer>('GET', '/version', limits(signal))) ?? version;
    } catch (err) {
      log.debug({ err }, 'version of the API server could not be looked up');
    }
  }

  async function refresh(signal?: AbortSignal): Promise<void> {
    await Promise.all([checkVersion(signal), ...[...byApi.keys()].map((api) => check(api, signal))]);
  }

  function noteCrdChanged(name: string, expected?: Presence): void {
    for (const [api, resources] of byApi) {
      const resource = resources.find((candidate) => nameOf(candidate) === name);
      if (!resource) continue;
      const cancel = () => {
        for (const timer of followUps.get(api) ?? []) timer.cancel();
      };
      const follow = async () => {
        if (has(resource) !== expected) await check(api);
        if (has(resource) === expected) cancel();
      };
      cancel();
      followUps.set(
        api,
        followUpsMs.map((ms) => clock.after(ms, () => void follow())),
      );
    }
  }

  async function start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await refresh(signal);
      await delay(clock, refreshEveryMs * (1 + random() / 2), signal);
    }
    for (const timers of followUps.values()) for (const timer of timers) timer.cancel();
    followUps.clear();
  }

  const has = (resource: Resource): Presence => presences.get(idOf(resource)) ?? 'unknown';

  return {
    start,
    refresh,
    has,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    noteCrdChanged,
    get version() {
      return version;
    },
    atLeast: (minor) => version && (version.major > 1 || version.minor >= minor),
    canI: createAccessReviews({ client, clock, log }).canI,
  };
}

const limits = (signal?: AbortSignal) => ({ deadlineMs, ...(signal && { signal }) });

const idOf = (resource: Resource): string => `${apiVersionOf(resource)}/${resource.plural}`;

/** As its CustomResourceDefinition is called. */
const nameOf = ({ plural, group }: Resource): string => `${plural}.${group}`;

/** Managed clusters append to the number of the minor version, e.g. `33+`. */
function parseVersion({ major, minor, gitVersion = '' }: VersionAnswer): ServerVersion | undefined {
  const parsed = { major: Number.parseInt(major ?? '', 10), minor: Number.parseInt(minor ?? '', 10), gitVersion };
  return Number.isNaN(parsed.major) || Number.isNaN(parsed.minor) ? undefined : parsed;
}
