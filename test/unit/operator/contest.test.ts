import { expect, test } from 'vitest';
import { createContests } from '../../../src/operator/contest.ts';

const MINUTE = 60_000;

test('gives up after three applies of one intent within ten minutes, and rests', () => {
  const contests = createContests();
  for (let now = 0; now < 3 * MINUTE; now += MINUTE) {
    expect(contests.isHopeless('a', 'x', now)).toBe(false);
    contests.noteApply('a', 'x', now);
  }
  expect(contests.isHopeless('a', 'x', 3 * MINUTE)).toBe(true);
  contests.giveUp('a', 'x', 3 * MINUTE, 'why');
  expect(contests.resting('a', 'x', 3 * MINUTE + contests.backOffMs - 1)).toBe('why');
  expect(contests.resting('a', 'x', 3 * MINUTE + contests.backOffMs)).toBeUndefined();
  expect(contests.isHopeless('a', 'x', 3 * MINUTE + contests.backOffMs)).toBe(false);
});

test('another intent, or another child, is another matter', () => {
  const contests = createContests();
  for (let times = 0; times < 3; times++) contests.noteApply('a', 'x', 0);
  expect(contests.isHopeless('a', 'y', 0)).toBe(false);
  expect(contests.isHopeless('b', 'x', 0)).toBe(false);
  contests.giveUp('a', 'x', 0, 'why');
  expect(contests.resting('a', 'y', 0)).toBeUndefined();
});

test('repairs that are rare are no fight', () => {
  const contests = createContests();
  for (let now = 0; now < 60 * MINUTE; now += 6 * MINUTE) {
    expect(contests.isHopeless('a', 'x', now)).toBe(false);
    contests.noteApply('a', 'x', now);
  }
});

test('remembers a fight among very many children', () => {
  const contests = createContests();
  for (let times = 0; times < 3; times++) contests.noteApply('a', 'x', 0);
  for (let child = 0; child < 3000; child++) contests.noteApply(`child ${child}`, 'x', MINUTE);
  expect(contests.isHopeless('a', 'x', MINUTE)).toBe(true);
});
