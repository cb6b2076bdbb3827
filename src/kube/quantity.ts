// Kubernetes quantities, as exact numbers: 500m, 1.5Gi, 2e3. Limits and claims are compared by them.

const factors: Record<string, readonly [base: bigint, power: bigint]> = {
  '': [1n, 0n],
  k: [10n, 3n],
  M: [10n, 6n],
  G: [10n, 9n],
  T: [10n, 12n],
  P: [10n, 15n],
  E: [10n, 18n],
  Ki: [2n, 10n],
  Mi: [2n, 20n],
  Gi: [2n, 30n],
  Ti: [2n, 40n],
  Pi: [2n, 50n],
  Ei: [2n, 60n],
};

/** Thousandths, rounded up, as the API server rounds what is finer. Absent where the text is no quantity of ours. */
export function thousandths(quantity: string | number): bigint | undefined {
  const match = /^([0-9]+)(?:\.([0-9]+))?(m|[kMGTPE]|[KMGTPE]i)?$/.exec(String(quantity));
  if (!match) return undefined;
  const [, whole = '0', fraction = '', suffix = ''] = match;
  const [base, power] = factors[suffix === 'm' ? '' : suffix] ?? [1n, 0n];
  const scaled = BigInt(whole + fraction) * base ** power * (suffix === 'm' ? 1n : 1000n);
  const divisor = 10n ** BigInt(fraction.length);
  return (scaled + divisor - 1n) / divisor;
}

/** Negative where `a` is less than `b`, 0 where they are the same amount, whatever way they are written. */
export function compareQuantities(a: string | number, b: string | number): number {
  const [left = 0n, right = 0n] = [thousandths(a), thousandths(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whole bytes (or units), rounded up; 0 where the text is no quantity. */
export const unitsOf = (quantity: string | number): number => Number(((thousandths(quantity) ?? 0n) + 999n) / 1000n);
