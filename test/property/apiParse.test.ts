import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { condition, conditions, mergeConditions, type SomeCondition } from '../../src/api/conditions.ts';
import { settingsOf } from '../../src/api/defaults.ts';
import { spec as specSchema } from '../../src/api/schema.ts';
import { parseSpec, parseStatus } from '../../src/api/validate.ts';
import { warningsOf } from '../../src/api/warnings.ts';
import { withOneChange } from './apiMutation.ts';
import { arbitrarySpec } from './arbitrarySpec.ts';
import { arbitraryOf, type JsonSchema } from './schemaArbitrary.ts';

const json = fc.jsonValue({ maxDepth: 4 });
/** Fields right one by one; whether they go together is left to chance. */
const fieldwise = arbitraryOf(z.toJSONSchema(specSchema, { unrepresentable: 'any' }) as JsonSchema);

function check(stored: unknown) {
  const before = JSON.stringify(stored);
  const parsed = parseSpec(stored);
  expect(JSON.stringify(stored)).toBe(before);
  if ('problems' in parsed) {
    expect(parsed.problems.length).toBeGreaterThan(0);
    expect(parsed.problems.length).toBeLessThanOrEqual(16);
    for (const { path, message } of parsed.problems) {
      expect(path).toMatch(/^(spec|metadata\.name)/);
      expect(path.length).toBeLessThanOrEqual(256);
      expect(message.length).toBeGreaterThan(0);
      expect(message.length).toBeLessThanOrEqual(1024);
    }
    return;
  }
  warningsOf(settingsOf('a', parsed.spec), parsed.spec);
}

describe('parseSpec', () => {
  it('answers any JSON with a spec or with problems', () => {
    fc.assert(
      fc.property(json, (stored) => check(stored)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(json, (spec) => check({ metadata: { name: 'a' }, spec })),
      { numRuns: 500 },
    );
  });

  it('answers a spec with anything wrong in one place', () => {
    fc.assert(
      fc.property(withOneChange(fieldwise, json), (spec) => check({ metadata: { name: 'a' }, spec })),
      { numRuns: 500 },
    );
  });

  it('gives back what it accepts, unchanged', () => {
    fc.assert(
      fc.property(arbitrarySpec, (spec) => {
        expect(parseSpec({ metadata: { name: 'a' }, spec })).toEqual({ spec });
      }),
      { numRuns: 200 },
    );
  });
});

describe('parseStatus', () => {
  it('answers any JSON with a status', () => {
    fc.assert(
      fc.property(json, (stored) => {
        expect(parseStatus(stored)).toBeTypeOf('object');
      }),
    );
  });
});

describe('mergeConditions', () => {
  const some: fc.Arbitrary<SomeCondition> = fc
    .constantFrom(...(Object.keys(conditions) as (keyof typeof conditions)[]))
    .chain((type) =>
      fc.record({
        type: fc.constant(type),
        status: fc.constantFrom('True', 'False', 'Unknown' as const),
        reason: fc.constantFrom(...Object.keys(conditions[type].reasons)),
        message: fc.string({ unit: 'grapheme', maxLength: 2000 }),
      }),
    )
    .map(({ type, status, reason, message }) => condition(type, status as 'True', reason as never, message));
  const said = fc.uniqueArray(some, { selector: ({ type }) => type });
  const time = fc.integer({ min: 0, max: 4_000_000_000_000 });

  it('has each type once, in the order of the catalogue, within the bounds of the API', () => {
    fc.assert(
      fc.property(said, said, time, time, (first, second, now, later) => {
        const previous = mergeConditions(undefined, first, { generation: 1, now });
        const merged = mergeConditions(previous, second, { generation: 2, now: later });
        const order = Object.keys(conditions);
        const positions = merged.map(({ type }) => order.indexOf(type));
        expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
        for (const { message, lastTransitionTime } of merged) {
          expect(message.length).toBeLessThanOrEqual(1024);
          expect(message.isWellFormed()).toBe(true);
          expect(lastTransitionTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        }
        for (const { type, status, lastTransitionTime } of merged) {
          const known = previous.find((item) => item.type === type);
          if (known?.status === status) expect(lastTransitionTime).toBe(known.lastTransitionTime);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('changes nothing when it is told the same again', () => {
    fc.assert(
      fc.property(said, time, time, (items, now, later) => {
        const merged = mergeConditions(undefined, items, { generation: 1, now });
        expect(mergeConditions(merged, items, { generation: 1, now: later })).toEqual(merged);
      }),
    );
  });
});
