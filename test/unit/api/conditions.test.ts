import { describe, expect, it } from 'vitest';
import { bounded, condition, conditions, mergeConditions, type SomeCondition } from '../../../src/api/conditions.ts';
import { outcomes } from '../../../src/puller/outcome.ts';

const noon = Date.parse('2026-11-22T12:00:00.987Z');
const later = noon + 90_000;
const ready = (status: 'True' | 'False', message = '') =>
  condition('Ready', status, status === 'True' ? 'Serving' : 'Degraded', message);

describe('mergeConditions', () => {
  it('stamps a new condition with generation and time in whole seconds', () => {
    expect(mergeConditions(undefined, [ready('False', 'one of two')], { generation: 3, now: noon })).toEqual([
      {
        type: 'Ready',
        status: 'False',
        reason: 'Degraded',
        message: 'one of two',
        lastTransitionTime: '2026-11-22T12:00:00Z',
        observedGeneration: 3,
      },
    ]);
  });

  it('keeps the time while only reason, message or generation change', () => {
    const first = mergeConditions(undefined, [ready('False')], { generation: 1, now: noon });
    const next = condition('Ready', 'False', 'Pulling', '40 %');
    const [merged] = mergeConditions(first, [next], { generation: 2, now: later });
    expect(merged).toMatchObject({
      reason: 'Pulling',
      observedGeneration: 2,
      lastTransitionTime: '2026-11-22T12:00:00Z',
    });
  });

  it('moves the time when status changes', () => {
    const first = mergeConditions(undefined, [ready('False')], { generation: 1, now: noon });
    const [merged] = mergeConditions(first, [ready('True')], { generation: 1, now: later });
    expect(merged?.lastTransitionTime).toBe('2026-11-22T12:01:30Z');
  });

  it('changes nothing when the same is said again', () => {
    const first = mergeConditions(undefined, [ready('True')], { generation: 1, now: noon });
    expect(mergeConditions(first, [ready('True')], { generation: 1, now: later })).toEqual(first);
  });

  it('shows Reconciling and Stalled only while they are true', () => {
    const said: SomeCondition[] = [
      condition('Stalled', 'False', 'NothingFits', ''),
      condition('Reconciling', 'Unknown', 'Progressing', ''),
      ready('True'),
    ];
    expect(mergeConditions(undefined, said, { generation: 1, now: noon }).map(({ type }) => type)).toEqual(['Ready']);
    const stalled = condition('Stalled', 'True', 'NothingFits', '');
    expect(mergeConditions(undefined, [stalled], { generation: 1, now: noon })).toHaveLength(1);
  });

  it('orders as the catalogue does, whatever the order of what is given', () => {
    const said = [
      condition('UpToDate', 'True', 'UpToDate', ''),
      condition('Accepted', 'True', 'Accepted', ''),
      ready('True'),
    ];
    const types = mergeConditions(undefined, said, { generation: 1, now: noon }).map(({ type }) => type);
    expect(types).toEqual(['Ready', 'Accepted', 'UpToDate']);
  });

  it('drops what is no longer said', () => {
    const first = mergeConditions(undefined, [ready('True'), condition('Accelerated', 'True', 'OnDevice', '')], {
      generation: 1,
      now: noon,
    });
    expect(mergeConditions(first, [ready('True')], { generation: 2, now: later })).toHaveLength(1);
  });

  it('bounds messages', () => {
    const [merged] = mergeConditions(undefined, [ready('False', 'x'.repeat(5000))], { generation: 1, now: noon });
    expect(merged?.message).toHaveLength(1024);
    expect(merged?.message.endsWith('…')).toBe(true);
  });

  it('gives a time to a condition that was stored without one', () => {
    const broken = [{ type: 'Ready', status: 'True', reason: 'Serving', message: '' }] as never;
    const [merged] = mergeConditions(broken, [ready('True')], { generation: 1, now: noon });
    expect(merged?.lastTransitionTime).toBe('2026-11-22T12:00:00Z');
  });
});

describe('bounded', () => {
  it('leaves short text alone and never cuts through a character', () => {
    expect(bounded('abc', 3)).toBe('abc');
    expect(bounded('ab😀cd', 4)).toBe('ab…');
  });
});

describe('the catalogue', () => {
  it('has types and reasons that the API server takes', () => {
    for (const [type, { reasons }] of Object.entries(conditions)) {
      expect(type).toMatch(/^[A-Z][A-Za-z]+$/);
      for (const reason of Object.keys(reasons)) expect(reason).toMatch(/^[A-Z][A-Za-z]*$/);
    }
  });

  it('lets Stalled tell each ending of a pull that is permanent, and no other', () => {
    const endings = Object.entries(outcomes).map(([reason, { retry }]) => [reason, retry === 'permanent']);
    const told = Object.keys(outcomes).map((reason) => [reason, Object.hasOwn(conditions.Stalled.reasons, reason)]);
    expect(told).toEqual(endings);
  });

  it('does not compile with a reason of another type', () => {
    // @ts-expect-error Verified belongs to Pulled
    condition('Ready', 'True', 'Verified', '');
    // @ts-expect-error no such type
    condition('Happy', 'True', 'Serving', '');
  });
});
