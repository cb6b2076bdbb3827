import { expect, test } from 'vitest';
import { createUpgrades } from '../../../src/operator/upgrades.ts';

function rolling(maxConcurrent: number) {
  let freed = 0;
  const upgrades = createUpgrades({ mode: 'Rolling', maxConcurrent }, () => freed++);
  return { upgrades, freed: () => freed };
}

test('nothing may upgrade by itself unless it was told so', () => {
  const upgrades = createUpgrades({ mode: 'OnNextChange', maxConcurrent: 9 }, () => undefined);
  expect(upgrades.may('a')).toBe(false);
  expect(upgrades.begin('a')).toBe(false);
});

test('only so many at once, and who has a place keeps it', () => {
  const { upgrades } = rolling(2);
  expect([upgrades.begin('a'), upgrades.begin('b'), upgrades.begin('c')]).toEqual([true, true, false]);
  expect([upgrades.may('a'), upgrades.may('c')]).toEqual([true, false]);
  expect(upgrades.begin('a')).toBe(true);
});

test('a place is free again once it is done or gone, and those who wait are told once', () => {
  const { upgrades, freed } = rolling(1);
  upgrades.begin('a');
  upgrades.note('a', true);
  expect(freed()).toBe(0);
  upgrades.note('b', false);
  expect(freed()).toBe(0);
  upgrades.note('a', false);
  expect(freed()).toBe(1);
  expect(upgrades.begin('b')).toBe(true);
  upgrades.forget('b');
  expect(freed()).toBe(2);
  expect(upgrades.begin('c')).toBe(true);
});

test('one that was under way before a restart takes its place again', () => {
  const { upgrades } = rolling(1);
  upgrades.note('a', true);
  expect(upgrades.begin('b')).toBe(false);
});
