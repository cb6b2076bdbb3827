// Asks the gateways of model pods how they are: those that are not ready every few seconds, the others about once a minute.
//
// Level-triggered like everything here: each second it looks over the pods that there are, and asks those whose time has come.
// A deployment is looked at again only when an answer would change its status.

import { createTurns } from '../kube/turns.ts';
import type { Key } from '../kube/types.ts';
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { GatewayError, type GatewayProblem, type GatewayReader } from './gatewayReader.ts';
import { fallenSilent, type Heard, heardAgain, readingOf, soundsTheSame, unasked } from './gatewayReading.ts';
import { gatewayStartedAt, type PodFacts } from './podFacts.ts';

const LOOK_EVERY_MS = 1_000;
const NOT_READY_EVERY_MS = 5_000;
const READY_EVERY_MS = 60_000;
/** After a failure; doubled with each one more. */
const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 120_000;
/** Failures in a row: one question may be lost to a busy moment of either side. */
const SILENT_AFTER = 3;
const AT_ONCE = 32;
/** Over how long the first questions of a term are spread: a restarted operator must not fall upon all gateways at once. */
const FIRST_SPREAD_MS = { ready: 30_000, notReady: 2_000 } as const;

export interface GatewayPollsOptions {
  reader: Pick<GatewayReader, 'read'>;
  /** All model pods, as they are now. */
  pods(): Iterable<PodFacts>;
  deploymentOf(pod: PodFacts): Key;
  /** Pods of others are not asked. */
  isKnown(deployment: Key): boolean;
  /** What the status of this deployment says may be another now. */
  onChange(deployment: Key): void;
  clock: Clock;
  random: Random;
  log: Logger;
}

export interface Gateways {
  /** Asks until the signal aborts; resolves once no question is open. Forgets what it knew before. */
  run(signal: AbortSignal): Promise<void>;
  /** What is known of each pod whose gateway runs, by uid. The others have nothing to say. */
  heardOf(pods: readonly PodFacts[]): ReadonlyMap<string, Heard>;
  /** Pods by what was heard of them, for metrics. */
  counts(): Readonly<Record<Heard['kind'], number>>;
}

/** For an operator that asks nobody. */
export const noGateways: Gateways = {
  run: async () => undefined,
  heardOf: () => new Map(),
  counts: () => ({ unasked: 0, silent: 0, read: 0 }),
};

interface Entry {
  heard: Heard;
  /** The pod's readiness and the start of its gateway when its time was set: another one is worth a question at once. */
  ready: boolean;
  startedAt: string;
  /** Monotonic milliseconds. */
  dueAt: number;
  failuresInARow: number;
  /** It waits for its turn, or for an answer. */
  busy: boolean;
  /** The look that saw it last. */
  look: number;
}

export function createGatewayPolls(options: GatewayPollsOptions): Gateways {
  const { reader, pods, deploymentOf, isKnown, onChange, clock, random, log } = options;
  const entries = new Map<string, Entry>();
  const inTurn = createTurns(AT_ONCE);
  const jittered = (ms: number): number => ms * (0.8 + 0.4 * random());

  function failed(entry: Entry, pod: PodFacts, problem: GatewayProblem, note: string): void {
    entry.failuresInARow += 1;
    if (entry.failuresInARow !== SILENT_AFTER) return;
    entry.heard = fallenSilent(entry.heard);
    const { namespace, name } = pod.metadata;
    // A pod that is ready is being asked by the kubelet as well: that only we do not hear it is worth a word.
    log[pod.pod.ready ? 'warn' : 'debug']({ pod: `${namespace}/${name}`, problem, note }, 'gateway cannot be read');
  }

  function answered(entry: Entry, pod: PodFacts, document: unknown, deployment: Key): void {
    const reading = readingOf(document, pod, deployment.slice(deployment.indexOf('/') + 1));
    if (typeof reading === 'string') failed(entry, pod, reading, 'what answers there is not this gateway');
    else {
      entry.failuresInARow = 0;
      entry.heard = heardAgain(entry.heard, reading, clock.now());
    }
  }

  const pauseAfter = ({ failuresInARow, ready }: Entry): number =>
    failuresInARow > 0
      ? Math.min(RETRY_MS * 2 ** (failuresInARow - 1), LONGEST_RETRY_MS)
      : ready
        ? READY_EVERY_MS
        : NOT_READY_EVERY_MS;

  async function ask(entry: Entry, pod: PodFacts, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const deployment = deploymentOf(pod);
    const { heard: before, ready, startedAt } = entry;
    try {
      answered(entry, pod, await reader.read(pod, signal), deployment);
    } catch (error) {
      if (signal.aborted) return;
      const { message } = error as Error;
      failed(entry, pod, error instanceof GatewayError ? error.reason : 'Unreachable', message);
    }
    entry.busy = false;
    const hasTurned = entry.ready !== ready || entry.startedAt !== startedAt;
    entry.dueAt = clock.monotonic() + (hasTurned ? 0 : jittered(pauseAfter(entry)));
    if (!signal.aborted && !soundsTheSame(before, entry.heard)) onChange(deployment);
  }

  function entryOf(uid: string, ready: boolean, startedAt: string, look: number): Entry {
    const known = entries.get(uid);
    const now = clock.monotonic();
    if (known) {
      if (known.ready !== ready || known.startedAt !== startedAt) {
        Object.assign(known, { ready, startedAt, dueAt: now, failuresInARow: 0 });
      }
      known.look = look;
      return known;
    }
    const spread = look > 1 ? 0 : ready ? FIRST_SPREAD_MS.ready : FIRST_SPREAD_MS.notReady;
    const dueAt = now + spread * random();
    const entry: Entry = { heard: unasked, ready, startedAt, dueAt, failuresInARow: 0, busy: false, look };
    entries.set(uid, entry);
    return entry;
  }

  /** Those whose time has come; what is gone is forgotten. */
  function due(look: number): { entry: Entry; pod: PodFacts }[] {
    const found: { entry: Entry; pod: PodFacts }[] = [];
    const now = clock.monotonic();
    for (const pod of pods()) {
      const { uid } = pod.metadata;
      const startedAt = gatewayStartedAt(pod);
      if (!uid || startedAt === undefined || !isKnown(deploymentOf(pod))) continue;
      const entry = entryOf(uid, pod.pod.ready, startedAt, look);
      if (!entry.busy && entry.dueAt <= now) found.push({ entry, pod });
    }
    for (const [uid, entry] of entries) if (entry.look !== look) entries.delete(uid);
    return found.sort((a, b) => a.entry.dueAt - b.entry.dueAt);
  }

  return {
    async run(signal) {
      entries.clear();
      const open = new Set<Promise<void>>();
      for (let look = 1; !signal.aborted; look++) {
        for (const { entry, pod } of due(look)) {
          entry.busy = true;
          const asked = inTurn(() => ask(entry, pod, signal));
          open.add(asked);
          void asked.finally(() => open.delete(asked));
        }
        await delay(clock, LOOK_EVERY_MS, signal);
      }
      await Promise.all(open);
    },
    heardOf(given) {
      const heard = new Map<string, Heard>();
      for (const pod of given) {
        const { uid } = pod.metadata;
        if (uid && gatewayStartedAt(pod) !== undefined) heard.set(uid, entries.get(uid)?.heard ?? unasked);
      }
      return heard;
    },
    counts() {
      const counts = { unasked: 0, silent: 0, read: 0 };
      for (const { heard } of entries.values()) counts[heard.kind] += 1;
      return counts;
    },
  };
}
