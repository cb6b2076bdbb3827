// How long to wait before asking a registry again.
import type { Random } from '../process/clock.ts';

const BASE_MS = 500;
const MAX_MS = 30_000;
/** Who asks for more shall have it, but by ending the pull, so that the reason is seen outside. */
const LONGEST_RETRY_AFTER_MS = 600_000;

/**
 * Milliseconds; undefined where the registry asks for more patience than we have. Doubles with each `attempt` (from 0),
 * jittered to between half and one and a half; on top of what the registry asks for, so that not all come back at once.
 */
export function pauseMs(attempt: number, random: Random, retryAfterMs = 0): number | undefined {
  if (retryAfterMs > LONGEST_RETRY_AFTER_MS) return undefined;
  const ownMs = Math.min(MAX_MS, BASE_MS * 2 ** attempt) * (0.5 + random());
  return retryAfterMs > 0 ? retryAfterMs + Math.min(ownMs, 1_000) : ownMs;
}
