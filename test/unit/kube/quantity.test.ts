import { describe, expect, it } from 'vitest';
import { compareQuantities, thousandths, unitsOf } from '../../../src/kube/quantity.ts';

describe('quantities', () => {
  it.each([
    ['1Gi', '1024Mi', 0],
    ['1.5Gi', '1536Mi', 0],
    ['1G', '1Gi', -1],
    ['500m', '0.5', 0],
    ['4500m', 5, -1],
    [2, '2', 0],
    ['9007199254740993', '9007199254740992', 1],
    ['8Ei', '7Ei', 1],
  ])('compares %s with %s', (a, b, order) => {
    expect(Math.sign(compareQuantities(a, b))).toBe(order);
    expect(Math.sign(compareQuantities(b, a))).toBe(order === 0 ? 0 : -order);
  });

  it('rounds up what is finer than a thousandth', () => {
    expect(thousandths('0.0001')).toBe(1n);
    expect(unitsOf('1500m')).toBe(2);
    expect(unitsOf('10Mi')).toBe(10_485_760);
  });

  it('knows what is none', () => {
    for (const text of ['', 'x', '-1', '1.', '1 Gi', '1gi', 'Gi']) expect(thousandths(text)).toBeUndefined();
  });
});
