import { describe, expect, test } from 'vitest';
import type { Spec, Status } from '../../../src/api/schema.ts';
import type { GatewayStatus } from '../../../src/gateway/status.ts';
import { type Heard, heardAgain, readingOf, silent, unasked } from '../../../src/operator/gatewayReading.ts';
import { plan } from '../../../src/operator/plan.ts';
import type { PodFacts } from '../../../src/operator/podFacts.ts';
import { GIB, gatewayDocument, pullingDocument } from './gatewayDocument.ts';
import { begun, type Hears, loading, onGpu, pulling, R, serving, sitting, statusOf, unfit } from './gatewayScene.ts';
import { config, digest, faceOf, NOW, nothingFailed } from './observation.ts';

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

describe('status.hardware', () => {
  const document = gatewayDocument(R);
  const told: GatewayStatus = {
    ...document,
    runtime: { kind: 'FoundryLocal', up: true, executionProvider: 'CUDAExecutionProvider' },
  };
  const providerOf = (pods: [PodFacts, Hears][], before?: Status) =>
    statusOf({ pods, ...(before && { before }) }).hardware?.executionProvider;

  test('names what the runtime computes with, once a replica serves and says it', () => {
    expect(providerOf([[serving(), told]])).toBe('CUDAExecutionProvider');
    expect(providerOf([[serving(), document]])).toBeUndefined();
    expect(providerOf([[loading(), told]])).toBeUndefined();
  });

  test('keeps the name until somebody has asked anew, and claims none of a gateway that is silent', () => {
    const before = statusOf({ pods: [[serving(), told]] });
    expect(providerOf([[serving(), 'unasked']], before)).toBe('CUDAExecutionProvider');
    expect(providerOf([[serving(), 'silent']], before)).toBeUndefined();
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
