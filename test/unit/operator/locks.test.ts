import { describe, expect, test } from 'vitest';
import { settingsOf } from '../../../src/api/defaults.ts';
import type { Spec } from '../../../src/api/schema.ts';
import type { LiveChild } from '../../../src/operator/liveChild.ts';
import { locksOf } from '../../../src/operator/locks.ts';
import { noPull } from '../../../src/operator/pullState.ts';
import { digest, observed, pod, spec } from './observation.ts';

const lock = (entries: Record<string, string>) =>
  new Map([['ConfigMap/model-lock', { data: entries } as unknown as LiveChild]]);
const entry = (letter: string, reference = 'qwen2.5:0.5b') => JSON.stringify({ reference, digest: digest(letter) });
const settled = (letter: string) => ({ ...noPull, lock: digest(letter) });

function locks(given: Spec, more: Parameters<typeof observed>[0] = {}, rung: object = { class: 'CPU' }) {
  return locksOf(observed(more), { rung: rung as { class: 'CPU' }, revision: 'now' }, settingsOf('model', given));
}

describe('the lock', () => {
  test('is what the ConfigMap says of this revision', () => {
    expect(locks(spec(), { children: lock({ 'now.json': entry('a') }) }).known).toBe(digest('a'));
    expect(locks(spec(), { children: lock({ 'then.json': entry('a') }) }).known).toBeUndefined();
  });

  test('is the pin where the user gives one, and then no ConfigMap repeats it', () => {
    const pinned = locks(spec({ model: { name: 'm', digest: digest('p') } }), {
      children: lock({ 'now.json': entry('a') }),
    });
    expect(pinned.known).toBe(digest('p'));
    expect(pinned.entries(settled('p'))).toEqual([]);
  });

  test('is the rung’s own pin on a rung with its own model, and the general pin is not for that model', () => {
    const general = spec({ model: { name: 'm', digest: digest('p') } });
    const own = { class: 'CPU', model: { name: 'small', digest: digest('s') } };
    expect(locks(general, {}, own).known).toBe(digest('s'));
    expect(locks(general, {}, { class: 'CPU', model: { name: 'small' } }).known).toBeUndefined();
  });

  test('is written once it is settled, with the reference for people', () => {
    expect(locks(spec()).entries(noPull)).toEqual([]);
    expect(locks(spec()).entries(settled('a'))).toEqual([
      { revision: 'now', reference: 'qwen2.5:0.5b', digest: digest('a') },
    ]);
  });

  test('keeps an older revision for as long as a pod of it may start again', () => {
    const children = lock({ 'now.json': entry('a'), 'then.json': entry('b', 'older'), 'gone.json': entry('c') });
    const pods = [pod({ revision: 'then' }), pod({ name: 'x', revision: 'gone', pod: { phase: 'Failed' } })];
    expect(locks(spec(), { children, pods }).entries(settled('a'))).toEqual([
      { revision: 'now', reference: 'qwen2.5:0.5b', digest: digest('a') },
      { revision: 'then', reference: 'older', digest: digest('b') },
    ]);
  });

  test('of an older revision that cannot be read is dropped', () => {
    const children = lock({ 'then.json': '{' });
    expect(locks(spec(), { children, pods: [pod({ revision: 'then' })] }).entries(settled('a'))).toHaveLength(1);
  });
});
