// A short name for a value: the same for the same content, whatever the order of its keys.
import { createHash } from 'node:crypto';

function sorted(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** JSON with sorted keys. A member that is undefined is left out, so a field that nobody sets changes no hash. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, sorted) ?? 'null';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'; // base32 of RFC 4648, in lower case: fit for labels and names
const LENGTH = 10; // 50 bits: one deployment meets a few hundred values in its life

/** Ten characters of [a-z2-7] from the SHA-256 of the canonical JSON. */
export function hashOf(value: unknown): string {
  const bits = createHash('sha256').update(canonicalJson(value)).digest().readBigUInt64BE();
  return Array.from({ length: LENGTH }, (_, i) => ALPHABET[Number((bits >> BigInt(59 - 5 * i)) & 31n)]).join('');
}
