import { describe, expect, test } from 'vitest';
import { lockedEntry, pullStateOf } from '../../../src/operator/pullState.ts';
import { digest, pod, report } from './observation.ts';

const done = (name: string, letter: string, createdAt = 0) =>
  pod({
    name,
    revision: 'r',
    createdAt,
    pull: { terminated: { exitCode: 0, reason: 'Completed', message: report({ digest: digest(letter) }) } },
  });
const failed = (name: string, exitCode: number, message = '') =>
  pod({ name, revision: 'r', pull: { terminated: { exitCode, reason: 'Error', message } } });
const running = (name: string) => pod({ name, revision: 'r', pull: { ready: false } });

describe('what the pulls say', () => {
  test('nothing, while none has ended', () => {
    const state = pullStateOf([running('a'), running('b')], {});
    expect(state).toMatchObject({ reports: [], failures: [], pending: 2, mismatched: [] });
    expect(state.lock).toBeUndefined();
  });

  test('the oldest pod settles the lock, and who found another is named', () => {
    const state = pullStateOf([done('a', 'b', 9), done('c', 'a', 1), running('d')], {});
    expect(state.lock).toBe(digest('a'));
    expect(state.reports.map(({ pod: name }) => name)).toEqual(['c', 'a']);
    expect(state.mismatched.map(({ pod: name }) => name)).toEqual(['a']);
    expect(state.pending).toBe(1);
  });

  test('of pods that are equally old the name decides, so that every pass says the same', () => {
    const pods = [done('b', 'b'), done('a', 'a')];
    expect(pullStateOf(pods, {}).lock).toBe(digest('a'));
    expect(pullStateOf([...pods].reverse(), {}).lock).toBe(digest('a'));
  });

  test('a lock that is known stands, even against the oldest pod', () => {
    const state = pullStateOf([done('a', 'b')], { digest: digest('a') });
    expect(state.lock).toBe(digest('a'));
    expect(state.mismatched).toHaveLength(1);
  });

  const adapted = (name: string, adapter: string, createdAt = 0) => {
    const message = report({ digest: digest('a'), adapters: [digest(adapter)] });
    return pod({
      name,
      revision: 'r',
      createdAt,
      pull: { terminated: { exitCode: 0, reason: 'Completed', message } },
    });
  };

  test('adapters are settled like the model: the oldest pod says which', () => {
    const state = pullStateOf([adapted('late', 'c', 9), adapted('early', 'b', 1)], {});
    expect(state.adapters).toEqual([digest('b')]);
    expect(state.mismatched.map(({ pod: name }) => name)).toEqual(['late']);
    const locked = pullStateOf([adapted('early', 'b', 1)], { digest: digest('a'), adapters: [digest('c')] });
    expect(locked.mismatched).toHaveLength(1);
  });

  test('a pull that reports no digest settles nothing and is no mismatch', () => {
    const silent = pod({
      revision: 'r',
      pull: { terminated: { exitCode: 0, reason: 'Completed', message: 'not json' } },
    });
    expect(pullStateOf([silent], {})).toMatchObject({ lock: undefined, mismatched: [], pending: 0 });
    expect(pullStateOf([silent], { digest: digest('a') }).mismatched).toEqual([]);
  });

  test('a failure counts by its own words, else by its exit code', () => {
    const message = JSON.stringify({ reason: 'Unauthorized', message: 'no such user' });
    const { failures } = pullStateOf([failed('a', 22, message), failed('b', 40), failed('c', 137)], {});
    expect(failures.map(({ reason, retry }) => `${reason} ${retry}`)).toEqual([
      'Unauthorized permanent',
      'Unreachable retryable',
      'Internal retryable',
    ]);
  });

  test('while a pull is tried again its last words count', () => {
    const again = pod({
      revision: 'r',
      pull: { ready: false, restarts: 2, last: { exitCode: 21, reason: 'Error', message: '' } },
    });
    expect(pullStateOf([again], {})).toMatchObject({ pending: 0, failures: [{ reason: 'NotFound' }] });
  });
});

describe('the digest in the lock', () => {
  const entry = (value: unknown) => ({ 'r.json': JSON.stringify(value) });

  test('is read for the revision alone', () => {
    const data = { ...entry({ reference: 'x', digest: digest('a') }), 's.json': '{}' };
    expect(lockedEntry(data, 'r')).toEqual({ reference: 'x', digest: digest('a') });
    expect(lockedEntry(data, 's')).toBeUndefined();
    expect(lockedEntry(undefined, 'r')).toBeUndefined();
  });

  test.each([
    ['no JSON', { 'r.json': '{' }],
    ['null', entry(null)],
    ['a number', entry({ digest: 7 })],
    ['no digest', entry({ digest: 'latest' })],
    ['an adapter that is none', entry({ digest: digest('a'), adapters: ['latest'] })],
    ['too short', entry({ digest: 'sha256:abc' })],
  ])('is nothing where somebody wrote %s', (_title, data) => {
    expect(lockedEntry(data, 'r')).toBeUndefined();
  });
});
