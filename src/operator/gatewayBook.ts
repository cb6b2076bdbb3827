// Whose gateway is to be asked when: one entry for each pod whose gateway runs, kept by looking over the pods again and again.
import type { Clock, Random } from '../process/clock.ts';
import { type Heard, unasked } from './gatewayReading.ts';
import { gatewayStartedAt, type PodFacts } from './podFacts.ts';

const NOT_READY_EVERY_MS = 5_000;
const READY_EVERY_MS = 60_000;
/** After a failure; doubled with each one more. */
const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 120_000;
/** Over how long the first questions of a term are spread: a restarted operator must not fall upon all gateways at once. */
const FIRST_SPREAD_MS = { ready: 30_000, notReady: 2_000 } as const;

/** What a time was set for: another readiness, or a gateway that was started again, is worth a question at once. */
export interface Occasion {
  readonly ready: boolean;
  readonly startedAt: string;
}

export interface Entry {
  heard: Heard;
  occasion: Occasion;
  /** Monotonic milliseconds. */
  dueAt: number;
  failuresInARow: number;
  /** It waits for its turn, or for an answer. */
  busy: boolean;
  /** The look that saw it last. */
  look: number;
}

export interface Due {
  entry: Entry;
  pod: PodFacts;
}

export interface GatewayBook {
  /** Forgets all: what comes next is the first look of a term. */
  clear(): void;
  /** Those whose time has come, the longest overdue first. Pods that are not among these any more are forgotten. */
  lookOver(pods: Iterable<PodFacts>): Due[];
  /** Sets the time of the next question to one that was asked on this occasion. */
  settle(entry: Entry, asked: Occasion): void;
  get(uid: string): Entry | undefined;
  entries(): Iterable<Entry>;
}

const isSame = (a: Occasion, b: Occasion): boolean => a.ready === b.ready && a.startedAt === b.startedAt;

function pauseAfter({ failuresInARow, occasion }: Entry): number {
  if (failuresInARow > 0) return Math.min(RETRY_MS * 2 ** (failuresInARow - 1), LONGEST_RETRY_MS);
  return occasion.ready ? READY_EVERY_MS : NOT_READY_EVERY_MS;
}

export function createGatewayBook({ clock, random }: { clock: Clock; random: Random }): GatewayBook {
  const entries = new Map<string, Entry>();
  let look = 0;

  function open(uid: string, occasion: Occasion): Entry {
    const spread = look > 1 ? 0 : occasion.ready ? FIRST_SPREAD_MS.ready : FIRST_SPREAD_MS.notReady;
    const dueAt = clock.monotonic() + spread * random();
    const entry: Entry = { heard: unasked, occasion, dueAt, failuresInARow: 0, busy: false, look };
    entries.set(uid, entry);
    return entry;
  }

  function entryOf(uid: string, occasion: Occasion): Entry {
    const entry = entries.get(uid) ?? open(uid, occasion);
    entry.look = look;
    if (isSame(entry.occasion, occasion)) return entry;
    return Object.assign(entry, { occasion, dueAt: clock.monotonic(), failuresInARow: 0 });
  }

  return {
    clear() {
      entries.clear();
      look = 0;
    },
    lookOver(pods) {
      look += 1;
      const due: Due[] = [];
      const now = clock.monotonic();
      for (const pod of pods) {
        const { uid } = pod.metadata;
        const startedAt = gatewayStartedAt(pod);
        if (!uid || startedAt === undefined) continue;
        const entry = entryOf(uid, { ready: pod.pod.ready, startedAt });
        if (!entry.busy && entry.dueAt <= now) due.push({ entry, pod });
      }
      for (const [uid, entry] of entries) if (entry.look !== look) entries.delete(uid);
      return due.sort((a, b) => a.entry.dueAt - b.entry.dueAt);
    },
    settle(entry, asked) {
      entry.busy = false;
      // What was answered may be of before it turned.
      const pause = isSame(entry.occasion, asked) ? pauseAfter(entry) * (0.8 + 0.4 * random()) : 0;
      entry.dueAt = clock.monotonic() + pause;
    },
    get: (uid) => entries.get(uid),
    entries: () => entries.values(),
  };
}
