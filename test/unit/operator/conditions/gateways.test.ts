import { describe, expect, test } from 'vitest';
import type { PodFacts } from '../../../../src/operator/podFacts.ts';
import { GIB, gatewayDocument, pullingDocument } from '../gatewayDocument.ts';
import {
  type Hears,
  loading,
  onGpu,
  pulling,
  R,
  revisionOf,
  serving,
  sitting,
  statusOf,
  unfit,
} from '../gatewayScene.ts';
import { conditionIn, faceOf, notReady, pod, spec } from '../observation.ts';

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

  test.each([
    [1, 'CUDAExecutionProvider', 'True OnDevice', 'the whole model is on the GPU (CUDAExecutionProvider)'],
    [0, 'CPUExecutionProvider', 'False NotOnDevice', 'model is on the CPU (CPUExecutionProvider), not on the GPU'],
  ])('with ratio %d names the provider %s, where the runtime says it', (ratio, executionProvider, face, words) => {
    const runtime = { kind: 'FoundryLocal', up: true, executionProvider };
    const status = statusOf({ pods: [[serving(), { ...sitting(ratio), runtime }]] });
    expect(faceOf(status).Accelerated).toBe(face);
    expect(conditionIn(status, 'Accelerated')?.message).toContain(words);
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
