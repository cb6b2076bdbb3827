import { describe, expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import type { Applied, ApplyFailure, Observed } from '../../../src/operator/observed.ts';
import { plan } from '../../../src/operator/plan.ts';
import type { PodFacts } from '../../../src/operator/podFacts.ts';
import { isMajorChange, sameStatus } from '../../../src/operator/status.ts';
import {
  at,
  carriedOut,
  conditionIn,
  config,
  deployment,
  digest,
  faceOf,
  NOW,
  nothingFailed,
  notReady,
  observed,
  pod,
  report,
  revisionIn,
  spec,
} from './observation.ts';

const revisionOf = (given: Spec) => revisionIn(plan(observed({ deployment: deployment(given) }), config, NOW));
const CURRENT = revisionOf(spec());

interface Given {
  spec?: Spec;
  pods?: PodFacts[];
  applied?: Applied;
  more?: Partial<Observed>;
  now?: number;
}

function statusOf({ spec: wanted = spec(), pods = [], applied = nothingFailed, more = {}, now = NOW }: Given) {
  const seen = carriedOut(observed({ deployment: deployment(wanted) }));
  return plan({ ...seen, pods, ...more }, config, now).status(applied);
}

const failing = (exitCode: number, reason: string, retrying = false) => {
  const ended = { exitCode, reason: 'Error', message: JSON.stringify({ reason, message: `because ${reason}` }) };
  return pod({
    revision: CURRENT,
    pod: notReady,
    main: {
      ready: false,
      started: false,
      startedAt: undefined as never,
      waiting: { reason: 'PodInitializing', message: '' },
    },
    pull: retrying
      ? { restarts: 2, waiting: { reason: 'CrashLoopBackOff', message: '' }, last: ended }
      : { terminated: ended },
  });
};
const waitingMain = (reason: string, message = '') => ({ ready: false, waiting: { reason, message } });
const idleMain = { ready: false, started: false, startedAt: undefined as never };
const stale = pod({ name: 'old-1', revision: 'older' });

/** What the pods show, and what is said about it: only the conditions that matter to the row. */
const rows: [string, Given, Record<string, string | undefined>][] = [
  ['nothing yet', {}, { Ready: 'False Progressing', Available: 'False NoneReady', Reconciling: 'True Progressing' }],
  [
    'one that answers',
    { pods: [pod({ revision: CURRENT })] },
    { Ready: 'True Serving', Pulled: 'True Verified', Available: 'True AtLeastOneReady', Reconciling: undefined },
  ],
  [
    'one of an older revision that answers',
    { pods: [stale] },
    { Ready: 'False Progressing', Pulled: 'False Pulling', Available: 'True AtLeastOneReady' },
  ],
  [
    'one of two that answers',
    { spec: spec({ replicas: 2 }), pods: [pod({ revision: CURRENT })] },
    { Ready: 'False Degraded', Available: 'True AtLeastOneReady' },
  ],
  [
    'one that answers and is on its way out',
    { pods: [pod({ revision: CURRENT, metadata: { deletionTimestamp: at(0) } })] },
    { Ready: 'False Progressing', Available: 'False NoneReady' },
  ],
  [
    'one that was evicted',
    { pods: [pod({ revision: CURRENT, pod: { phase: 'Failed', ready: false } })] },
    { Ready: 'False Progressing', Available: 'False NoneReady' },
  ],
  [
    'one that pulls',
    { pods: [pod({ revision: CURRENT, pod: notReady, pull: { ready: false }, main: idleMain })] },
    { Ready: 'False Pulling', Pulled: 'False Pulling', Reconciling: 'True Pulling' },
  ],
  [
    'one that loads',
    { pods: [pod({ revision: CURRENT, pod: notReady, main: { ready: false, started: false } })] },
    { Ready: 'False Loading', Pulled: 'True Verified', Reconciling: 'True Loading' },
  ],
  [
    'a pull that found nothing',
    { pods: [failing(21, 'NotFound')] },
    { Ready: 'False PullFailed', Pulled: 'False NotFound', Stalled: 'True NotFound', Reconciling: undefined },
  ],
  [
    'a pull that is tried again',
    { pods: [failing(40, 'Unreachable', true)] },
    { Ready: 'False PullFailed', Pulled: 'False Unreachable', Stalled: undefined, Reconciling: 'True Retrying' },
  ],
  [
    'a pull that crashed',
    { pods: [failing(70, 'Internal')] },
    { Ready: 'False PullFailed', Pulled: 'False PullFailed', Reconciling: 'True Retrying' },
  ],
  [
    'no node',
    {
      pods: [
        pod({
          revision: CURRENT,
          pod: { ...notReady, node: undefined as never, unschedulable: '0/3 nodes', containers: [] },
        }),
      ],
    },
    { Ready: 'False Unschedulable', Placed: 'False Unschedulable', Reconciling: 'True Waiting' },
  ],
  [
    'no image',
    { pods: [pod({ revision: CURRENT, pod: notReady, main: waitingMain('ErrImagePull') })] },
    { Ready: 'False ImagePullBackOff' },
  ],
  ['no pod, by quota', { more: {}, applied: nothingFailed, spec: spec() }, { Ready: 'False Progressing' }],
  [
    'none wanted',
    { spec: spec({ replicas: 0 }) },
    { Ready: 'True ScaledToZero', Available: 'False ScaledToZero', Pulled: 'Unknown ScaledToZero' },
  ],
  [
    'nothing for too long',
    { now: NOW + 1_800_000 },
    { Ready: 'False ProgressDeadlineExceeded', Stalled: 'True ProgressDeadlineExceeded', Reconciling: undefined },
  ],
];

describe('conditions', () => {
  test.each(rows)('with %s', (_title, given, expected) => {
    const face = faceOf(statusOf(given));
    for (const [type, value] of Object.entries(expected)) expect(face[type], type).toBe(value);
  });

  test('are complete, stamped and ordered, whatever is known', () => {
    const { conditions } = statusOf({});
    expect(conditions?.map(({ type }) => type)).toEqual([
      'Ready',
      'Accepted',
      'Placed',
      'Pulled',
      'Available',
      'Monitored',
      'UpToDate',
      'Reconciling',
    ]);
    expect(conditions?.every(({ observedGeneration }) => observedGeneration === 1)).toBe(true);
  });

  test('Accelerated is there for devices alone', () => {
    expect(conditionIn(statusOf({}), 'Accelerated')).toBeUndefined();
    const gpu = deployment(spec({ hardware: { preferred: { class: 'GPU', vendor: 'nvidia' } } }));
    const node = { name: 'n', labels: {}, allocatable: { 'nvidia.com/gpu': '1' }, taints: [], unschedulable: false };
    const seen = observed({ deployment: gpu, world: { nodes: [node], deviceClasses: 'absent' } });
    const status = plan(seen, config, NOW).status(nothingFailed);
    expect(conditionIn(status, 'Accelerated')).toMatchObject({ status: 'Unknown', reason: 'Unknown' });
  });

  test('replicas that wait do not make Placed false while others have a node', () => {
    const waiting = pod({
      name: 'model-2',
      revision: CURRENT,
      pod: { ...notReady, node: undefined as never, unschedulable: 'no room', containers: [] },
    });
    const status = statusOf({ spec: spec({ replicas: 2 }), pods: [pod({ revision: CURRENT }), waiting] });
    expect(faceOf(status)).toMatchObject({ Placed: 'True Preferred', Ready: 'False Unschedulable' });
  });
});

const failure = (reason: ApplyFailure['reason'], child = 'Service/model'): Applied => ({
  failures: [{ child, reason, message: `words of ${reason}` }],
  writes: 0,
});

describe('children that could not be written', () => {
  const pods = [pod({ revision: CURRENT })];

  test.each([
    ['NameConflict', 'NameConflict'],
    ['FieldContested', 'FieldContested'],
    ['Forbidden', 'Forbidden'],
    ['Rejected', 'InvalidSpec'],
  ] as const)('%s is told by Accepted, Ready and Stalled', (reason, told) => {
    const status = statusOf({ pods, applied: failure(reason) });
    expect(faceOf(status)).toMatchObject({
      Accepted: `False ${told}`,
      Ready: `False ${told}`,
      Stalled: `True ${told}`,
    });
    expect(conditionIn(status, 'Accepted')?.message).toBe(`Service/model: words of ${reason}`);
  });

  test('what time will mend keeps Ready as the pods have it', () => {
    const status = statusOf({ pods, applied: failure('Failed') });
    expect(faceOf(status)).toMatchObject({ Ready: 'True Serving', Reconciling: 'True Retrying' });
    expect(conditionIn(status, 'Stalled')).toBeUndefined();
  });

  test('a predecessor that is going is waited for, though its pods answer', () => {
    const status = statusOf({ pods, applied: failure('WaitingForDeletion', 'Deployment/model') });
    expect(faceOf(status)).toMatchObject({ Ready: 'False Progressing', Reconciling: 'True Progressing' });
  });

  test.each([
    ['Forbidden', 'False Forbidden'],
    ['NameConflict', 'False NameConflict'],
    ['Failed', 'Unknown Unknown'],
  ] as const)('a ServiceMonitor (%s) is told by Monitored alone', (reason, told) => {
    const applied = failure(reason, 'ServiceMonitor/model');
    const status = statusOf({ pods, applied, more: { serviceMonitors: 'present' } });
    expect(faceOf(status)).toMatchObject({ Monitored: told, Ready: 'True Serving' });
    expect(conditionIn(status, 'Accepted')?.status).toBe('True');
  });
});

test.each([
  ['present', 'True Monitored'],
  ['absent', 'False CRDNotInstalled'],
  ['forbidden', 'False Forbidden'],
  ['unknown', 'Unknown Unknown'],
] as const)('Monitored where ServiceMonitors are %s', (serviceMonitors, told) => {
  expect(faceOf(statusOf({ more: { serviceMonitors } })).Monitored).toBe(told);
});

describe('the rest of the status', () => {
  test('counts pods that live, that answer and that are of the revision', () => {
    const pods = [
      pod({ revision: CURRENT }),
      pod({ name: 'b', revision: CURRENT, pod: notReady, main: { ready: false } }),
      stale,
      pod({ name: 'c', revision: CURRENT, pod: { phase: 'Failed', ready: false } }),
    ];
    expect(statusOf({ pods })).toMatchObject({ replicas: 3, readyReplicas: 1, updatedReplicas: 2 });
  });

  test('shows the model that was found, and the digest of the lock', () => {
    const message = report({ digest: digest('c'), sizeBytes: 5, quantization: 'Q4_K_M', family: 'qwen2' });
    const pods = [pod({ revision: CURRENT, pull: { terminated: { exitCode: 0, reason: 'Completed', message } } })];
    expect(statusOf({ pods }).model).toMatchObject({
      reference: 'qwen2.5:0.5b',
      sourceDigest: digest('c'),
      sizeBytes: 5,
      quantization: 'Q4_K_M',
      family: 'qwen2',
    });
  });

  test('remembers that a pod was scheduled once, after it is gone', () => {
    const seen = carriedOut(observed(), { pods: [pod({ revision: CURRENT, createdAt: 3 })] });
    const first = plan(seen, config, NOW).status(nothingFailed);
    expect(first.hardware?.scheduledAt).toBe(at(3));
    const later = { ...seen, pods: [], deployment: { ...seen.deployment, status: first } };
    expect(plan(later, config, NOW + 60_000).status(nothingFailed).hardware?.scheduledAt).toBe(at(3));
  });
});

describe('worth a write', () => {
  const before = statusOf({ pods: [pod({ revision: CURRENT })] });

  test('the same is the same, in whatever order', () => {
    expect(sameStatus(before, Object.fromEntries(Object.entries(before).reverse()))).toBe(true);
    expect(sameStatus(undefined, before)).toBe(false);
  });

  test('a condition that turns is major, a count or a message is not', () => {
    const unready = statusOf({ pods: [pod({ revision: CURRENT, pod: notReady, main: { ready: false } })] });
    expect(isMajorChange(before, unready)).toBe(true);
    expect(isMajorChange(undefined, before)).toBe(true);
    expect(isMajorChange(before, { ...before, observedGeneration: 2 })).toBe(true);
    expect(isMajorChange(before, { ...before, revision: 'another' })).toBe(true);
    expect(isMajorChange(before, { ...before, replicas: 7 })).toBe(false);
  });
});
