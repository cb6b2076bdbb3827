// One API key: an entry of a Secret, read. The entry's name is the client's; its value the key, and when it ends, if it does.
import { createHash } from 'node:crypto';
import { z } from 'zod';

export interface ApiKey {
  readonly client: string;
  /** SHA-256: all of one length, and the key itself is not kept. */
  readonly digest: Buffer;
  /** From this moment on the key is refused, milliseconds since the epoch. */
  readonly expiresAt?: number;
}

export const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** What can stand in a header as one word. A date that was meant to follow a key must not become one. */
const USABLE = /^(?!expires=)[\x21-\x7e]{1,4096}$/;

/** A day begins with its first moment in UTC; a time must say its zone. */
const expiry = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** `KEY`, or `KEY expires=2027-03-31` (or a time with its zone), with any white space around. Undefined: no API key. */
export function parseApiKey(client: string, entry: Buffer): ApiKey | undefined {
  const [key = '', end, ...more] = entry.toString('utf8').trim().split(/\s+/);
  if (!USABLE.test(key) || more.length > 0) return undefined;
  const digest = digestOf(key);
  if (end === undefined) return { client, digest };
  const date = expiry.safeParse(/^expires=(.*)$/.exec(end)?.[1]);
  return date.success ? { client, digest, expiresAt: Date.parse(date.data) } : undefined;
}

export const sameApiKey = (a: ApiKey, b: ApiKey | undefined): boolean =>
  a.client === b?.client && a.expiresAt === b.expiresAt && a.digest.equals(b.digest);
