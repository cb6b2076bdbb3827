// The order of an API server's history: resourceVersions are decimal integers of any length (comparable by KEP-5504).

/** A decimal integer without leading zeros; empty for what has no version, which is older than anything. */
export type ResourceVersion = string;

/** Negative when `a` is older than `b`, 0 when it is the same, positive when it is newer. Allocates nothing, unlike BigInt. */
export function compareVersions(a: ResourceVersion, b: ResourceVersion): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export const isNewer = (a: ResourceVersion, b: ResourceVersion): boolean => compareVersions(a, b) > 0;

export const newest = (a: ResourceVersion, b: ResourceVersion): ResourceVersion => (isNewer(b, a) ? b : a);
