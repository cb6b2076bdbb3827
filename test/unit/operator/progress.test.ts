import { describe, expect, test } from 'vitest';
import { settingsOf } from '../../../src/api/defaults.ts';
import { deadlineOf, lastProgress, nextLook } from '../../../src/operator/progress.ts';
import { noPull } from '../../../src/operator/pullState.ts';
import type { Situation } from '../../../src/operator/situation.ts';
import { at, NOW, nothingFailed, pod, spec } from './observation.ts';

const decision = { inputs: 'i', choice: { rung: 0, class: 'CPU' as const }, since: at(0), rejected: [] };

function situation(more: Partial<Situation> = {}): Situation {
  return {
    name: 'model',
    namespace: 'ai',
    generation: 1,
    previous: undefined,
    settings: settingsOf('model', spec({ rollout: { progressDeadlineSeconds: 600 } })),
    problems: [],
    warnings: [],
    outcome: { kind: 'placed', decision, reason: 'Preferred', message: '' },
    placement: { decision, rung: { class: 'CPU' }, image: 'x' },
    revision: 'r',
    strategy: 'RollingUpdate',
    upgrade: 'none',
    workload: undefined,
    claim: undefined,
    pods: [],
    podWarnings: new Map(),
    gateways: new Map(),
    pull: noPull,
    serviceMonitors: 'absent',
    applied: nothingFailed,
    now: NOW,
    ...more,
  };
}

const unready = { ready: false, phase: 'Pending' } as const;
const seconds = (time: number) => (time - NOW) / 1000;

describe('progress', () => {
  test('counts from the decision while there is no pod', () => {
    expect(seconds(lastProgress(situation()))).toBe(0);
  });

  test('is a pod that was made, scheduled, or whose container started', () => {
    const newer = pod({ revision: 'r', createdAt: 30, pod: unready, main: { startedAt: at(90) } });
    expect(seconds(lastProgress(situation({ pods: [newer] })))).toBe(90);
  });

  test('is no restart, and nothing that another revision does', () => {
    const crashing = pod({ revision: 'r', createdAt: 30, pod: unready, main: { startedAt: at(500), restarts: 4 } });
    const older = pod({ name: 'old', revision: 'before', createdAt: 900 });
    expect(seconds(lastProgress(situation({ pods: [crashing, older] })))).toBe(30);
  });

  test('is also the moment when it was Ready last', () => {
    const ready = {
      type: 'Ready',
      status: 'False' as const,
      reason: 'Degraded',
      message: '',
      lastTransitionTime: at(77),
    };
    expect(seconds(lastProgress(situation({ previous: { conditions: [ready] } })))).toBe(77);
    const serving = { previous: { conditions: [{ ...ready, status: 'True' as const }] }, now: NOW + 7_200_000 };
    expect(deadlineOf(situation(serving)).exceeded).toBe(false);
  });

  test('has been missing for too long once the deadline has passed since', () => {
    expect(deadlineOf(situation({ now: NOW + 599_000 }))).toMatchObject({ exceeded: false, at: NOW + 600_000 });
    expect(deadlineOf(situation({ now: NOW + 600_000 })).exceeded).toBe(true);
  });
});

describe('the next look', () => {
  const failed = (
    reason: 'WaitingForDeletion' | 'Forbidden' | 'NameConflict' | 'FieldContested' | 'Rejected' | 'Failed',
  ) => ({
    failures: [{ child: 'Service/model', reason, message: '' }],
    writes: 0,
  });
  const serving = { pods: [pod({ revision: 'r' })] };

  test('is nobody’s business while all answer', () => {
    expect(nextLook(situation(serving))).toBeUndefined();
  });

  test('is at the deadline while a pod is missing, and not after it', () => {
    expect(nextLook(situation())).toBe(600_000);
    expect(nextLook(situation({ now: NOW + 700_000 }))).toBeUndefined();
  });

  test('is when a pod that has not begun counts as stuck', () => {
    const pods = [pod({ revision: 'r', createdAt: 5, pod: unready })];
    expect(nextLook(situation({ pods }))).toBe(35_000);
  });

  test('is every minute while it has not begun: its Events may tell later', () => {
    const idle = { ready: false, started: false, startedAt: undefined as never, terminated: undefined as never };
    const pods = [pod({ revision: 'r', createdAt: 5, pod: unready, gateway: idle, pull: idle, main: idle })];
    expect(nextLook(situation({ pods, now: NOW + 60_000 }))).toBe(60_000);
    const begun = [pod({ revision: 'r', createdAt: 5, pod: unready })];
    expect(nextLook(situation({ pods: begun, now: NOW + 60_000 }))).toBe(545_000);
  });

  test('is when the ladder wants to', () => {
    const outcome = { kind: 'nothingFits' as const, rejected: [], message: '', nextCheckMs: 60_000 };
    expect(nextLook(situation({ outcome, placement: undefined, revision: undefined }))).toBe(60_000);
  });

  test.each([
    ['WaitingForDeletion', 2_000],
    ['Forbidden', 60_000],
    ['NameConflict', 60_000],
    ['FieldContested', 60_000],
    ['Rejected', 60_000], // an admission policy may be changed without anything that we watch
    ['Failed', undefined], // the queue's own backoff
  ] as const)('after %s: %s ms', (reason, ms) => {
    expect(nextLook(situation({ ...serving, applied: failed(reason) }))).toBe(ms);
  });

  test('is never for a spec that is refused, nor for one that wants no replica', () => {
    expect(nextLook(situation({ problems: [{ path: 'spec', message: '' }] }))).toBeUndefined();
    expect(nextLook(situation({ settings: settingsOf('model', spec({ replicas: 0 })) }))).toBeUndefined();
  });
});
