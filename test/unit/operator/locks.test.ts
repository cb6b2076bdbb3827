import { describe, expect, test } from 'vitest';
import { settingsOf } from '../../../src/api/defaults.ts';
import type { Spec } from '../../../src/api/schema.ts';
import type { LiveChild } from '../../../src/operator/liveChild.ts';
import { locksOf } from '../../../src/operator/locks.ts';
import { noPull } from '../../../src/operator/pullState.ts';
import { digest, observed, pod, report, spec } from './observation.ts';

const lock = (entries: Record<string, string>) =>
  new Map([['ConfigMap/model-lock', { data: entries } as unknown as LiveChild]]);
const entry = (letter: string, reference = 'qwen2.5:0.5b') => JSON.stringify({ reference, digest: digest(letter) });
const settled = (letter: string) => ({ ...noPull, lock: digest(letter) });

function locks(given: Spec, more: Parameters<typeof observed>[0] = {}, rung: object = { class: 'CPU' }) {
  return locksOf(observed(more), { rung: rung as { class: 'CPU' }, revision: 'now' }, settingsOf('model', given));
}
const ownClaim = { storage: { type: 'PersistentVolumeClaim' as const, persistentVolumeClaim: { size: '10Gi' } } };

describe('the lock', () => {
  test('is what the ConfigMap says of this revision', () => {
    expect(locks(spec(), { children: lock({ 'now.json': entry('a') }) }).known.digest).toBe(digest('a'));
    expect(locks(spec(), { children: lock({ 'then.json': entry('a') }) }).known.digest).toBeUndefined();
  });

  test('is the pin where the user gives one, and then no ConfigMap repeats it', () => {
    const pinned = locks(spec({ model: { name: 'm', digest: digest('p') } }), {
      children: lock({ 'now.json': entry('a') }),
    });
    expect(pinned.known.digest).toBe(digest('p'));
    expect(pinned.entries(settled('p'))).toEqual([]);
  });

  test('is not repeated either where pods of this revision have reported into a claim that pulls tidy', () => {
    const message = report({ digest: digest('p') });
    const pods = [pod({ revision: 'now', pull: { terminated: { exitCode: 0, reason: 'Completed', message } } })];
    const pinned = spec({ model: { name: 'm', digest: digest('p') }, ...ownClaim });
    expect(locks(pinned, { pods }).entries(settled('p'))).toEqual([]);
  });

  test('is the rung’s own pin on a rung with its own model, and the general pin is not for that model', () => {
    const general = spec({ model: { name: 'm', digest: digest('p') } });
    const own = { class: 'CPU', model: { name: 'small', digest: digest('s') } };
    expect(locks(general, {}, own).known.digest).toBe(digest('s'));
    expect(locks(general, {}, { class: 'CPU', model: { name: 'small' } }).known.digest).toBeUndefined();
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

  test('of an older revision that was pinned is what its pods have reported, so that no pull tidies its model away', () => {
    const message = report({ digest: digest('p'), reference: 'older' });
    const pods = [pod({ revision: 'then', pull: { terminated: { exitCode: 0, reason: 'Completed', message } } })];
    expect(locks(spec(ownClaim), { pods }).entries(settled('a')).slice(1)).toEqual([
      { revision: 'then', reference: 'older', digest: digest('p') },
    ]);
    expect(locks(spec(), { pods }).entries(settled('a')).slice(1)).toEqual([]);
  });

  const adapters = (...given: { name: string; digest?: string }[]) => ({ ollama: { modelfile: { adapters: given } } });

  test('holds adapters that were given by tag, also of a pinned model', () => {
    const found = { ...settled('a'), adapters: [digest('b')] };
    const open = adapters({ name: 'me/lora:v1' });
    const entryWithAdapter = { revision: 'now', digest: digest('a'), adapters: [digest('b')] };
    expect(locks(spec(open)).entries(found)).toMatchObject([entryWithAdapter]);
    const pinned = { model: { name: 'm', digest: digest('a') } };
    expect(locks(spec({ ...pinned, ...open })).entries(found)).toMatchObject([entryWithAdapter]);
    expect(locks(spec({ ...pinned, ...open })).entries(settled('a'))).toEqual([]);
    expect(locks(spec({ ...pinned, ...adapters({ name: 'l', digest: digest('b') }) })).entries(found)).toEqual([]);
  });

  test('of adapters is known before any pod is asked', () => {
    const text = JSON.stringify({ reference: 'm', digest: digest('a'), adapters: [digest('b')] });
    expect(locks(spec(), { children: lock({ 'now.json': text }) }).known.adapters).toEqual([digest('b')]);
  });
});
