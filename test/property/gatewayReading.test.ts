import fc from 'fast-check';
import { expect, test } from 'vitest';
import { status as statusSchema } from '../../src/api/status.ts';
import { readStatus } from '../../src/gateway/status.ts';
import { type Heard, heardAgain, readingOf, soundsTheSame, unasked } from '../../src/operator/gatewayReading.ts';
import { plan } from '../../src/operator/plan.ts';
import { GIB, gatewayDocument, pullingDocument } from '../unit/operator/gatewayDocument.ts';
import { begun, loading, pulling, R, serving } from '../unit/operator/gatewayScene.ts';
import { config, NOW, nothingFailed } from '../unit/operator/observation.ts';

/** Documents of ours in which any members are replaced by anything that JSON can say, or are gone. */
const mangled = fc
  .tuple(
    fc.constantFrom(gatewayDocument(R), pullingDocument(R, 3 * GIB)),
    fc.array(fc.tuple(fc.nat(), fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined })), { maxLength: 6 }),
  )
  .map(([document, changes]) => {
    const copy = structuredClone(document) as unknown as Record<string, unknown>;
    const inner = ['model', 'pull', 'residency'].map((name) => copy[name]).filter(Boolean) as Record<string, unknown>[];
    const places = [copy, ...inner].flatMap((object) => Object.keys(object).map((name) => ({ object, name })));
    for (const [at, value] of changes) {
      const place = places[at % places.length];
      if (place) place.object[place.name] = value;
    }
    return copy;
  });

const pods = [serving(), loading(), pulling()];
const options = { seed: 5, numRuns: 400 };

test('whatever is answered, it is a reading or a reason, and never an error', () => {
  fc.assert(
    fc.property(fc.oneof(mangled, fc.jsonValue()), (document) => {
      const reading = readingOf(document, serving(), 'model');
      if (typeof reading !== 'string') expect(reading.message.length).toBeLessThanOrEqual(512);
      else if (reading === 'NoStatus') expect(readStatus(document)).toBeUndefined();
    }),
    options,
  );
});

test('whatever is read, the status that is made of it is one that the API takes, and the same again writes nothing', () => {
  const seen = begun();
  fc.assert(
    fc.property(mangled, fc.constantFrom(...pods), (document, pod) => {
      const reading = readingOf(document, pod, 'model');
      fc.pre(typeof reading !== 'string');
      const heard: Heard = heardAgain(unasked, reading as Exclude<typeof reading, string>, NOW);
      const given = { ...seen, pods: [pod], gateways: new Map([[pod.metadata.uid ?? '', heard]]) };
      const first = plan(given, config, NOW).status(nothingFailed);
      expect(statusSchema.safeParse(first).error).toBeUndefined();
      const again = { ...given, deployment: { ...given.deployment, status: first } };
      expect(plan(again, config, NOW + 5_000).status(nothingFailed)).toEqual(first);
    }),
    options,
  );
});

test('what sounds the same gives the same status', () => {
  const seen = begun();
  const pod = pulling();
  const statusAfter = (heard: Heard, status?: object) =>
    plan(
      {
        ...seen,
        deployment: { ...seen.deployment, ...(status && { status }) },
        pods: [pod],
        gateways: new Map([[pod.metadata.uid ?? '', heard]]),
      },
      config,
      NOW,
    ).status(nothingFailed);
  const bytes = fc.integer({ min: 0, max: 10 * GIB });
  fc.assert(
    fc.property(bytes, bytes, fc.nat(1000), (one, other, etaSeconds) => {
      const first = heardAgain(unasked, read(pullingDocument(R, one)), NOW);
      const next = heardAgain(first, read(pullingDocument(R, other, { etaSeconds })), NOW);
      const before = statusAfter(first);
      const isSame = JSON.stringify(statusAfter(next, before)) === JSON.stringify(statusAfter(first, before));
      expect(isSame).toBe(soundsTheSame(first, next));
    }),
    options,
  );
});

function read(document: unknown) {
  const reading = readingOf(document, pulling(), 'model');
  if (typeof reading === 'string') throw new Error(reading);
  return reading;
}
