// Notices when writing does not help: another manager, or an admission policy, keeps setting our fields back.

/** So many applies of the same intent within the window, and we stop fighting for a while. */
const MAX_APPLIES = 3;
const WINDOW_MS = 10 * 60_000;
const BACK_OFF_MS = 5 * 60_000;
/** Old quarrels are forgotten once there are so many. */
const SWEEP_ABOVE = 1000;

interface Fight {
  desired: string;
  applies: number[];
  /** No apply before this time (milliseconds since the epoch). */
  until: number;
  message: string;
}

export interface Contests {
  /** The message of a fight that we rest from, if there is one for this intent. */
  resting(child: string, desired: string, now: number): string | undefined;
  /** Whether another apply of this intent would be one too many. */
  isHopeless(child: string, desired: string, now: number): boolean;
  noteApply(child: string, desired: string, now: number): void;
  giveUp(child: string, desired: string, now: number, message: string): void;
  readonly backOffMs: number;
}

/** Memory of one process: after a restart the fight is lost anew within three writes. */
export function createContests(): Contests {
  const fights = new Map<string, Fight>();
  const fightFor = (child: string, desired: string, now: number): Fight | undefined => {
    const fight = fights.get(child);
    if (fight?.desired !== desired) return undefined;
    fight.applies = fight.applies.filter((at) => now - at < WINDOW_MS);
    return fight;
  };
  const sweep = (now: number): void => {
    for (const [child, { applies, until }] of fights)
      if (until <= now && applies.every((at) => now - at >= WINDOW_MS)) fights.delete(child);
  };
  return {
    backOffMs: BACK_OFF_MS,
    resting(child, desired, now) {
      const fight = fightFor(child, desired, now);
      return fight && now < fight.until ? fight.message : undefined;
    },
    isHopeless: (child, desired, now) => (fightFor(child, desired, now)?.applies.length ?? 0) >= MAX_APPLIES,
    noteApply(child, desired, now) {
      const fight = fightFor(child, desired, now) ?? { desired, applies: [], until: 0, message: '' };
      fights.set(child, { ...fight, applies: [...fight.applies, now] });
      if (fights.size > SWEEP_ABOVE) sweep(now);
    },
    giveUp(child, desired, now, message) {
      fights.set(child, { desired, applies: [], until: now + BACK_OFF_MS, message });
    },
  };
}
