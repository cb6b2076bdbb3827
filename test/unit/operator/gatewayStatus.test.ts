import { describe, expect, test } from 'vitest';
import type { Spec, Status } from '../../../src/api/schema.ts';
import type { GatewayStatus } from '../../../src/gateway/status.ts';
import { type Heard, heardAgain, readingOf, silent, unasked } from '../../../src/operator/gatewayReading.ts';
import type { Observed } from '../../../src/operator/observed.ts';
import { plan } from '../../../src/operator/plan.ts';
import type { PodFacts } from '../../../src/operator/podFacts.ts';
import { GIB, gatewayDocument, pullingDocument } from './gatewayDocument.ts';
import {
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
  revisionIn,
  spec,
} from './observation.ts';

const onGpu = spec({ hardware: { preferred: { class: 'GPU', vendor: 'nvidia' } } });
const node = { name: 'n', labels: {}, allocatable: { 'nvidia.com/gpu': '1' }, taints: [], unschedulable: false };
const world = { nodes: [node], deviceClasses: 'absent' } as const;
const begun = (wanted: Spec): Observed => carriedOut(observed({ deployment: deployment(wanted), world }));
const revisionOf = (wanted: Spec) => revisionIn(plan(observed({ deployment: deployment(wanted), world }), config, NOW));
const R = revisionOf(onGpu);

type Hears = GatewayStatus | 'unasked' | 'silent';

const heardFrom = (said: Hears, of: PodFacts): Heard => {
  if (said === 'unasked') return unasked;
  if (said === 'silent') return silent;
  const reading = readingOf(said, of, 'model');
  if (typeof reading === 'string') throw new Error(reading);
  return heardAgain(unasked, reading, NOW);
};

interface Given {
  spec?: Spec;
  pods: [PodFacts, Hears][];
  before?: Status;
  now?: number;
}

function statusOf({ spec: wanted = onGpu, pods, before, now = NOW }: Given): Status {
  const seen = begun(wanted);
  const gateways = new Map(pods.map(([of, said]) => [of.metadata.uid ?? '', heardFrom(said, of)]));
  const known = { ...seen.deployment, ...(before && { status: before }) };
  return plan({ ...seen, deployment: known, pods: pods.map(([of]) => of), gateways }, config, now).status(
    nothingFailed,
  );
}

const serving = (name = 'model-1', createdAt = 0) => pod({ name, revision: R, createdAt });
const loading = (name = 'model-1') => pod({ name, revision: R, pod: notReady, main: { ready: false, started: false } });
const idleMain = { ready: false, started: false, startedAt: undefined as never };
const pulling = (name = 'model-1') => pod({ name, revision: R, pod: notReady, pull: { ready: false }, main: idleMain });
const unfit = (phase: string, reason: string, message = `because ${reason}`) =>
  gatewayDocument(R, { phase, reason, message, ready: false, residency: { class: 'GPU', required: true } });
const sitting = (ratio?: number) =>
  gatewayDocument(R, { residency: { class: 'GPU', required: false, ...(ratio !== undefined && { ratio }) } });

describe('Accelerated', () => {
  const rows: [string, [PodFacts, Hears][], string, RegExp][] = [
    ['all of it is on the device', [[serving(), sitting(1)]], 'True OnDevice', /whole model is on the GPU/],
    [
      'part of it is not',
      [[serving(), sitting(0.437)]],
      'False PartlyOnCPU',
      /pod model-1: 43 % of the model is on the GPU/,
    ],
    ['none of it is', [[serving(), sitting(0)]], 'False NotOnDevice', /pod model-1: the whole model is on the CPU/],
    ['the runtime does not tell', [[serving(), sitting()]], 'Unknown Unknown', /runtime of pod model-1 does not tell/],
    ['the gateway is silent', [[serving(), 'silent']], 'Unknown Unknown', /gateway of pod model-1 has not told/],
    ['nobody has been asked', [[serving(), 'unasked']], 'Unknown Unknown', /no gateway has reported/],
    ['nothing is loaded yet', [[loading(), unfit('Loading', 'Loading')]], 'Unknown Unknown', /no gateway has reported/],
    [
      'one of two has told, the other does not answer clients yet',
      [
        [serving(), sitting(1)],
        [pulling('model-2'), pullingDocument(R, GIB)],
      ],
      'True OnDevice',
      /./,
    ],
    [
      'one of two is silent',
      [
        [serving(), sitting(1)],
        [serving('model-2'), 'silent'],
      ],
      'Unknown Unknown',
      /pod model-2/,
    ],
    [
      'one of two is on the CPU and the other silent',
      [
        [serving(), 'silent'],
        [serving('model-2'), sitting(0)],
      ],
      'False NotOnDevice',
      /pod model-2/,
    ],
  ];
  test.each(rows)('where %s', (_title, pods, face, message) => {
    const status = statusOf({ pods });
    expect(faceOf(status).Accelerated).toBe(face);
    expect(conditionIn(status, 'Accelerated')?.message).toMatch(message);
  });

  test('is not there on the CPU', () => {
    const wanted = spec();
    const one = pod({ revision: revisionOf(wanted) });
    const said = gatewayDocument(revisionOf(wanted), { residency: { class: 'CPU', required: false, ratio: 0 } });
    expect(faceOf(statusOf({ spec: wanted, pods: [[one, said]] })).Accelerated).toBeUndefined();
  });

  test('is judged by pods of the current revision alone', () => {
    const old = pod({ name: 'old-1', revision: 'older' });
    const said = gatewayDocument('older', { residency: { class: 'GPU', required: false, ratio: 0 } });
    expect(faceOf(statusOf({ pods: [[old, said]] })).Accelerated).toBe('Unknown Unknown');
  });
});

describe('why Ready is False', () => {
  test.each([
    ['Starting', 'SecretMissing', 'False SecretMissing'],
    ['RuntimeUp', 'TargetUnknown', 'False Progressing'],
    ['RuntimeUp', 'NotLoaded', 'False Loading'],
    ['Loading', 'Loading', 'False Loading'],
    ['Loading', 'ModelLost', 'False ModelLost'],
    ['Loading', 'LoadFailed', 'False LoadFailed'],
    ['Degraded', 'RuntimeHung', 'False NotReady'],
    ['Degraded', 'WrongModel', 'False WrongModel'],
    ['Degraded', 'NotOnDevice', 'False NotOnDevice'],
    ['Degraded', 'PartlyOnCPU', 'False NotOnDevice'],
    ['Degraded', 'Failing', 'False Failing'],
    ['Degraded', 'CanaryFailed', 'False CanaryFailed'],
    ['Degraded', 'CanaryWrong', 'False CanaryFailed'],
    // Reasons that only a newer gateway knows.
    ['Degraded', 'Bewitched', 'False NotReady'],
    ['Loading', 'Unpacking', 'False Loading'],
  ])('%s %s is %s, in the words of the gateway', (phase, reason, face) => {
    const status = statusOf({ pods: [[loading(), unfit(phase, reason)]] });
    expect(faceOf(status).Ready).toBe(face);
    expect(conditionIn(status, 'Ready')?.message).toContain(`pod model-1: because ${reason}`);
  });

  test('a missing Secret waits for a person, all else for time', () => {
    expect(faceOf(statusOf({ pods: [[loading(), unfit('Starting', 'SecretMissing')]] }))).toMatchObject({
      Stalled: 'True SecretMissing',
    });
    const failing = faceOf(statusOf({ pods: [[loading(), unfit('Loading', 'LoadFailed')]] }));
    expect(failing).toMatchObject({ Reconciling: 'True Retrying' });
    expect(failing.Stalled).toBeUndefined();
  });

  test('a container that crashes is told before what its gateway says', () => {
    const crashed = pod({
      revision: R,
      pod: notReady,
      main: { ready: false, waiting: { reason: 'CrashLoopBackOff', message: '' } },
    });
    expect(faceOf(statusOf({ pods: [[crashed, unfit('Degraded', 'RuntimeHung')]] })).Ready).toBe(
      'False CrashLoopBackOff',
    );
  });

  test.each(['silent', 'unasked'] as const)('with a gateway that is %s it is what the containers show', (said) => {
    expect(faceOf(statusOf({ pods: [[loading(), said]] })).Ready).toBe('False Loading');
    expect(faceOf(statusOf({ pods: [[pulling(), said]] })).Ready).toBe('False Pulling');
  });

  test('readiness is the pod’s own: what a gateway says makes no pod ready or unready', () => {
    expect(faceOf(statusOf({ pods: [[serving(), unfit('Degraded', 'Failing')]] })).Ready).toBe('True Serving');
    expect(faceOf(statusOf({ pods: [[loading(), gatewayDocument(R)]] })).Ready).toBe('False Loading');
  });

  test('one of two that loads is Degraded, one that fails is told', () => {
    const two = { ...onGpu, replicas: 2 };
    const with2 = (said: Hears) =>
      faceOf(
        statusOf({
          spec: two,
          pods: [
            [serving(), sitting(1)],
            [loading('model-2'), said],
          ],
        }),
      ).Ready;
    expect(with2(unfit('Loading', 'Loading'))).toBe('False Degraded');
    expect(with2(unfit('Loading', 'LoadFailed'))).toBe('False LoadFailed');
  });
});

describe('status.pull', () => {
  test('is that of the slowest pod', () => {
    const two = { ...onGpu, replicas: 2 };
    const pullWith = (a: GatewayStatus, b: GatewayStatus) =>
      statusOf({
        spec: two,
        pods: [
          [pulling(), a],
          [pulling('model-2'), b],
        ],
      }).pull;
    expect(pullWith(pullingDocument(R, 6 * GIB), pullingDocument(R, 2 * GIB))).toEqual({
      phase: 'Fetching',
      completedBytes: 2 * GIB,
      totalBytes: 10 * GIB,
      etaSeconds: 90,
    });
    const verifying = pullingDocument(R, 0, { phase: 'Verifying' });
    expect(pullWith(verifying, pullingDocument(R, 9 * GIB))?.phase).toBe('Fetching');
  });

  test('stays as it was written until it is a step further', () => {
    const before = statusOf({ pods: [[pulling(), pullingDocument(R, 5 * GIB)]] });
    const barely = statusOf({ before, pods: [[pulling(), pullingDocument(R, 5.4 * GIB, { etaSeconds: 70 })]] });
    expect(barely).toEqual(before);
    const further = statusOf({ before, pods: [[pulling(), pullingDocument(R, 5.6 * GIB, { etaSeconds: 60 })]] });
    expect(further.pull).toMatchObject({ completedBytes: Math.floor(5.6 * GIB), etaSeconds: 60 });
  });

  test('is gone once the pull container has ended, whatever the gateway said before', () => {
    expect(statusOf({ pods: [[loading(), pullingDocument(R, 9 * GIB)]] }).pull).toBeUndefined();
    expect(statusOf({ pods: [[serving(), gatewayDocument(R)]] }).pull).toBeUndefined();
  });

  test('is not known while its gateway is silent', () => {
    const before = statusOf({ pods: [[pulling(), pullingDocument(R, 5 * GIB)]] });
    expect(statusOf({ before, pods: [[pulling(), 'silent']] }).pull).toBeUndefined();
  });
});

describe('status.model', () => {
  test('has the digest that is served and the context, once a replica serves', () => {
    expect(statusOf({ pods: [[serving(), gatewayDocument(R)]] }).model).toMatchObject({
      sourceDigest: digest('a'),
      servedDigest: digest('b'),
      contextLength: 4096,
      sizeBytes: GIB,
      quantization: 'Q4_K_M',
      family: 'qwen2',
    });
    const { model } = statusOf({ pods: [[loading(), unfit('Loading', 'Loading')]] });
    expect(model).not.toHaveProperty('servedDigest');
  });

  test('claims no served digest of a gateway that is silent', () => {
    const before = statusOf({ pods: [[serving(), gatewayDocument(R)]] });
    const { model } = statusOf({ before, pods: [[serving(), 'silent']] });
    expect(model).toMatchObject({ sourceDigest: digest('a') });
    expect(model).not.toHaveProperty('servedDigest');
  });
});

describe('an operator that has just begun to lead', () => {
  const two = { ...onGpu, replicas: 2 };
  const states: [string, Spec, (said: (document: GatewayStatus) => Hears) => [PodFacts, Hears][]][] = [
    ['one that serves', onGpu, (said) => [[serving(), said(gatewayDocument(R))]]],
    ['one that pulls', onGpu, (said) => [[pulling(), said(pullingDocument(R, 3 * GIB))]]],
    ['one partly on the CPU', onGpu, (said) => [[serving(), said(sitting(0.4))]]],
    [
      'one that serves and one that pulls',
      two,
      (said) => [
        [serving(), said(gatewayDocument(R))],
        [pulling('model-2'), said(pullingDocument(R, 3 * GIB))],
      ],
    ],
  ];

  test.each(states)('says of %s what was said before, until it has asked', (_title, wanted, pods) => {
    const before = statusOf({ spec: wanted, pods: pods((document) => document) });
    const after = statusOf({ spec: wanted, before, pods: pods(() => 'unasked') });
    const same = (status: Status) => ({ ...status, conditions: faceOf(status) });
    expect(same({ ...after, conditions: after.conditions?.filter(({ type }) => type !== 'Ready') ?? [] })).toEqual(
      same({ ...before, conditions: before.conditions?.filter(({ type }) => type !== 'Ready') ?? [] }),
    );
    expect(faceOf(after).Ready).toBe(faceOf(before).Ready);
  });

  test('keeps nothing of another revision', () => {
    const before = { ...statusOf({ pods: [[serving(), gatewayDocument(R)]] }), revision: 'older' };
    const after = statusOf({ before, pods: [[serving(), 'unasked']] });
    expect(after.model).not.toHaveProperty('servedDigest');
    expect(faceOf(after).Accelerated).toBe('Unknown Unknown');
  });
});

test('an unreachable gateway makes what came from it unknown, and nothing else', () => {
  const pods = (said: Hears): [PodFacts, Hears][] => [[serving(), said]];
  const before = statusOf({ pods: pods(gatewayDocument(R)) });
  const after = statusOf({ before, pods: pods('silent') });
  const { servedDigest, contextLength, sizeBytes: _size, quantization: _q, family: _f, ...model } = before.model ?? {};
  expect(servedDigest).toBe(digest('b'));
  expect(contextLength).toBe(4096);
  expect({ ...after, conditions: [] }).toEqual({ ...before, model, conditions: [] });
  expect(faceOf(after)).toEqual({ ...faceOf(before), Accelerated: 'Unknown Unknown' });
});

describe('the progress deadline', () => {
  const seconds = 1800;
  const later = NOW + (seconds + 600) * 1000;
  const movedAgo = (ago: number): Heard => {
    const reading = readingOf(pullingDocument(R, GIB), pulling(), 'model');
    if (typeof reading === 'string') throw new Error(reading);
    return heardAgain(unasked, reading, later - ago * 1000);
  };
  const readyOf = (heard: Heard, previous?: Status) => {
    const seen = begun(onGpu);
    const one = pulling();
    const known = { ...seen.deployment, ...(previous && { status: previous }) };
    const given = { ...seen, deployment: known, pods: [one], gateways: new Map([[one.metadata.uid ?? '', heard]]) };
    return faceOf(plan(given, config, later).status(nothingFailed)).Ready;
  };

  test('counts from the last byte of the pull', () => {
    expect(readyOf(movedAgo(60))).toBe('False Pulling');
    expect(readyOf(movedAgo(seconds + 1))).toBe('False ProgressDeadlineExceeded');
  });

  test('counts from there also while the gateway is silent', () => {
    expect(readyOf({ kind: 'silent', movedAt: later - 60_000 })).toBe('False Pulling');
    expect(readyOf(silent)).toBe('False ProgressDeadlineExceeded');
  });

  test('is not called out before an operator that has just begun has asked', () => {
    expect(readyOf(unasked)).toBe('False Pulling');
    const exceeded = statusOf({ pods: [[pulling(), 'silent']], now: later });
    expect(faceOf(exceeded).Ready).toBe('False ProgressDeadlineExceeded');
    expect(readyOf(unasked, exceeded)).toBe('False ProgressDeadlineExceeded');
  });
});
