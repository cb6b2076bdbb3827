import { expect, test } from 'vitest';
import { compareVersions, isNewer, newest } from '../../../src/kube/resourceVersion.ts';

test('orders as integers, not as text', () => {
  expect(['100', '9', '20', '99'].toSorted(compareVersions)).toEqual(['9', '20', '99', '100']);
});

test('orders what a double cannot tell apart', () => {
  expect(isNewer('9007199254740993', '9007199254740992')).toBe(true);
  expect(isNewer('184467440737095516160', '18446744073709551615')).toBe(true);
});

test('takes no version as older than any', () => {
  expect(isNewer('1', '')).toBe(true);
  expect(newest('', '7')).toBe('7');
  expect(newest('8', '7')).toBe('8');
  expect(isNewer('7', '7')).toBe(false);
});
