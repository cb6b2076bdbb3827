import { describe, expect, test } from 'vitest';
import {
  fallenSilent,
  type GatewayReading,
  type Heard,
  heardAgain,
  percentOf,
  pullStep,
  readingOf,
  silent,
  soundsTheSame,
  unasked,
} from '../../../src/operator/gatewayReading.ts';
import { GIB, gatewayDocument, pullingDocument } from './gatewayDocument.ts';
import { digest, pod } from './observation.ts';

const POD = pod({ revision: 'r' });
const read = (document: unknown): GatewayReading => {
  const reading = readingOf(document, POD, 'model');
  if (typeof reading === 'string') throw new Error(reading);
  return reading;
};
const heard = (document: unknown): Heard => ({ kind: 'read', reading: read(document) });

describe('a reading', () => {
  test('keeps what a status is made from and nothing else', () => {
    expect(read(gatewayDocument('r'))).toEqual({
      phase: 'Serving',
      reason: 'Serving',
      message: 'qwen2.5:0.5b answers',
      ready: true,
      model: {
        sourceDigest: digest('a'),
        servedDigest: digest('b'),
        sizeBytes: GIB,
        quantization: 'Q4_K_M',
        family: 'qwen2',
        contextLength: 4096,
      },
      residency: 1,
    });
  });

  test('of a pod that is not ready claims no served digest', () => {
    const { model } = read(gatewayDocument('r', { ready: false, phase: 'Degraded', reason: 'Failing' }));
    expect(model).toMatchObject({ sourceDigest: digest('a') });
    expect(model).not.toHaveProperty('servedDigest');
    expect(model).not.toHaveProperty('contextLength');
  });

  test('has a pull only while there is one, and no size while that is not known', () => {
    expect(read(pullingDocument('r', GIB)).pull).toEqual({
      phase: 'Fetching',
      completedBytes: GIB,
      totalBytes: 10 * GIB,
      etaSeconds: 90,
    });
    const resolving = pullingDocument('r', 0, { phase: 'Resolving', totalBytes: 0, etaSeconds: undefined });
    expect(read(resolving).pull).toEqual({ phase: 'Resolving' });
    expect(read(pullingDocument('r', GIB, { phase: 'Done' })).pull).toBeUndefined();
    expect(read(pullingDocument('r', GIB, { phase: 'Failed' })).pull).toBeUndefined();
  });

  test('has whole numbers and bounded words, whatever was sent', () => {
    const odd = pullingDocument('r', 1.7, { totalBytes: 1e300, etaSeconds: 2.9, phase: 'x'.repeat(9999) });
    const { message } = read(gatewayDocument('r', { message: 'm'.repeat(9999) }));
    const { pull } = read(odd);
    expect(pull?.etaSeconds).toBe(2);
    expect(pull).not.toHaveProperty('totalBytes');
    expect(pull?.phase.length).toBe(256);
    expect(message.length).toBe(512);
  });

  test.each([
    ['another deployment', gatewayDocument('r', { deployment: { namespace: 'ai', name: 'other' } })],
    ['another namespace', gatewayDocument('r', { deployment: { namespace: 'other', name: 'model' } })],
    ['another revision', gatewayDocument('before')],
  ])('is not taken from %s', (_title, document) => {
    expect(readingOf(document, POD, 'model')).toBe('Stranger');
  });

  test.each([[null], [[]], ['Serving'], [{}], [{ ...gatewayDocument('r'), ready: 'yes' }]])(
    'is not taken from what is no status: %j',
    (document) => {
      expect(readingOf(document, POD, 'model')).toBe('NoStatus');
    },
  );
});

describe('gateways of other versions', () => {
  test('an older one says less, and that is read', () => {
    const { schema, deployment, revision, phase, reason, ready } = gatewayDocument('r');
    expect(read({ schema, deployment, revision, phase, reason, ready })).toEqual({
      phase: 'Serving',
      reason: 'Serving',
      message: '',
      ready: true,
    });
  });

  test('a newer one says more, in other words, and what is known of it is read', () => {
    const document = {
      ...gatewayDocument('r', { phase: 'Resting', reason: 'Asleep' }),
      schema: 3,
      thermals: { celsius: 71 },
      residency: { class: 'TPU', ratio: 0.5, pages: [] },
      canary: 'none',
    };
    expect(read(document)).toMatchObject({ phase: 'Resting', reason: 'Asleep', residency: 0.5 });
  });
});

describe('what sounds the same', () => {
  const half = pullingDocument('r', 5 * GIB);

  test('is said again with the numbers of a moment later', () => {
    expect(soundsTheSame(heard(gatewayDocument('r')), heard(gatewayDocument('r', { since: 'later' })))).toBe(true);
    const busy = gatewayDocument('r', { requests: { inFlight: 7, queued: 3, total: 99 } });
    expect(soundsTheSame(heard(gatewayDocument('r')), heard(busy))).toBe(true);
    expect(soundsTheSame(heard(half), heard(pullingDocument('r', 5 * GIB + 1, { etaSeconds: 80 })))).toBe(true);
  });

  test('is said again with another count', () => {
    const hung = (probes: number, name = 'qwen2.5:0.5b') =>
      read(gatewayDocument('r', { reason: 'RuntimeHung', message: `${name} has not answered ${probes} probes` }));
    const first = heardAgain(unasked, hung(3), 0);
    const later = heardAgain(first, hung(17), 5_000);
    expect(later).toEqual(first);
    expect(soundsTheSame(later, heardAgain(first, hung(17, 'qwen2.5:3b'), 5_000))).toBe(false);
    expect(soundsTheSame(heard(half), heard({ ...half, message: 'Fetching 5.1 GB of 10 GB, 31 s left' }))).toBe(true);
  });

  test('is not another step of a pull, another reason, another digest, or silence', () => {
    expect(soundsTheSame(heard(half), heard(pullingDocument('r', 6 * GIB)))).toBe(false);
    expect(soundsTheSame(heard(half), heard(pullingDocument('r', 5 * GIB, { phase: 'Verifying' })))).toBe(false);
    const wrong = gatewayDocument('r', { reason: 'CanaryWrong' });
    expect(soundsTheSame(heard(gatewayDocument('r')), heard(wrong))).toBe(false);
    expect(soundsTheSame(heard(half), silent)).toBe(false);
    expect(soundsTheSame(unasked, silent)).toBe(false);
  });

  test('a pull from nothing to all is twenty-one steps', () => {
    const steps = new Set(
      Array.from({ length: 1001 }, (_, i) => pullStep({ phase: 'Fetching', completedBytes: i, totalBytes: 1000 })),
    );
    expect(steps.size).toBe(21);
  });
});

test.each([
  [0, 0],
  [0.0001, 1],
  [0.437, 43],
  [0.9999, 99],
  [1, 100],
])('%d of a model is %d %%', (ratio, percent) => {
  expect(percentOf(ratio)).toBe(percent);
});

describe('when a pull last moved', () => {
  const first = heardAgain(unasked, read(pullingDocument('r', GIB)), 1000);

  test('is when its bytes or its phase changed', () => {
    const same = heardAgain(first, read(pullingDocument('r', GIB, { etaSeconds: 7 })), 2000);
    expect(same).toMatchObject({ movedAt: 1000 });
    expect(heardAgain(same, read(pullingDocument('r', GIB + 1)), 3000)).toMatchObject({ movedAt: 3000 });
    expect(heardAgain(same, read(pullingDocument('r', GIB, { phase: 'Verifying' })), 4000)).toMatchObject({
      movedAt: 4000,
    });
  });

  test('is still known when its gateway falls silent, and when the pull is over', () => {
    expect(fallenSilent(first)).toEqual({ kind: 'silent', movedAt: 1000 });
    expect(heardAgain(first, read(gatewayDocument('r')), 9000)).toMatchObject({ movedAt: 1000 });
    expect(fallenSilent(unasked)).toEqual(silent);
  });
});
