// How soon a key that failed may be tried again: each key backs off on its own, and all together stay under one rate.
import type { Clock, Random } from '../process/clock.ts';
import type { Key } from './types.ts';

export interface TokenBucket {
  /** Takes the next token and answers in how many milliseconds it may be used; 0 means now. Tokens of the future are lent in order. */
  reserve(): number;
  /** Takes a token only if one is there now. */
  take(): boolean;
}

export interface TokenBucketOptions {
  clock: Clock;
  /** Tokens per second in the long run. */
  perSecond: number;
  /** Tokens that a quiet bucket holds. */
  burst: number;
}

/** A bucket that starts full. */
export function createTokenBucket({ clock, perSecond, burst }: TokenBucketOptions): TokenBucket {
  let tokens = burst;
  let countedAt = clock.monotonic();

  const refill = () => {
    const now = clock.monotonic();
    tokens = Math.min(burst, tokens + ((now - countedAt) / 1000) * perSecond);
    countedAt = now;
  };

  return {
    reserve() {
      refill();
      tokens -= 1;
      return tokens >= 0 ? 0 : (-tokens / perSecond) * 1000;
    },
    take() {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

export interface RetryLimiter {
  /** Counts one more failure of `key` and answers after how many milliseconds to try again. */
  delayFor(key: Key): number;
  /** The key is well: its next failure starts from the shortest delay. */
  forget(key: Key): void;
  /** Failures since the key was last forgotten. */
  failures(key: Key): number;
}

export interface RetryLimiterOptions {
  clock: Clock;
  random: Random;
  /** Milliseconds before the first retry; doubled by each further failure. */
  baseMs?: number;
  /** Milliseconds that no backoff exceeds (the bucket may add to it). */
  maxMs?: number;
  /** Retries per second over all keys. */
  perSecond?: number;
  burst?: number;
}

/** The least part of a backoff that jitter leaves: keys that failed together must not come back together. */
const keptByJitter = 0.8;

/**
 * Exponential backoff per key and a token bucket over all; whichever asks for longer wins, as in client-go's default
 * controller rate limiter. Only its cap differs: 5 minutes, because 1,000 s is longer than anyone waits at a terminal.
 */
export function createRetryLimiter({
  clock,
  random,
  baseMs = 5,
  maxMs = 300_000,
  perSecond = 10,
  burst = 100,
}: RetryLimiterOptions): RetryLimiter {
  const failuresOf = new Map<Key, number>();
  const bucket = createTokenBucket({ clock, perSecond, burst });

  return {
    delayFor(key) {
      const failures = failuresOf.get(key) ?? 0;
      failuresOf.set(key, failures + 1);
      const backoff = Math.min(maxMs, baseMs * 2 ** failures) * (keptByJitter + (1 - keptByJitter) * random());
      return Math.max(backoff, bucket.reserve());
    },
    forget: (key) => void failuresOf.delete(key),
    failures: (key) => failuresOf.get(key) ?? 0,
  };
}
