// The JSON scanner and the rewriting of bodies, against JSON.parse.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rewriteBody } from '../../src/gateway/bodies.ts';
import { JsonError, membersAt, skipSpace, skipValue } from '../../src/gateway/jsonScan.ts';
import { createServed } from '../../src/gateway/models.ts';
import { routes } from '../../src/gateway/routes.ts';

const route = routes.find(({ path }) => path === '/api/chat');
if (!route) throw new Error('no route');
const served = createServed({ runtime: 'Ollama', servedNames: ['tiny'], name: 'runtime:name' });

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function scans(text: string): boolean {
  const bytes = Buffer.from(text);
  try {
    return skipSpace(bytes, skipValue(bytes, skipSpace(bytes, 0))) === bytes.length;
  } catch (error) {
    if (error instanceof JsonError) return false;
    throw error;
  }
}

/** Good JSON, with a few letters changed, or letters that JSON consists of in any order. */
const almostJson = fc.oneof(
  fc.json(),
  fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:\\u0eE+-. \n1tfn'), fc.boolean())
    .map(([text, at, letter, replace]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + letter + text.slice(place + (replace ? 1 : 0));
    }),
  fc.string({ unit: fc.constantFrom(...'{}[]",:\\u01eE+-. \ntruefalsn'), maxLength: 12 }),
);

test('the scanner takes what JSON.parse takes, and nothing else', () => {
  fc.assert(
    fc.property(almostJson, (text) => {
      expect(scans(text)).toBe(parses(text));
    }),
    { numRuns: 5000 },
  );
});

test('the members that it finds are those that are there', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
      fc.constantFrom(undefined, 2),
      (object, indent) => {
        const text = JSON.stringify(object, undefined, indent);
        const bytes = Buffer.from(text);
        const { members, end } = membersAt(bytes, 0);
        expect(end).toBe(bytes.length);
        const found = members.map(({ key, valueStart, valueEnd }) => [
          key,
          JSON.parse(bytes.subarray(valueStart, valueEnd).toString()),
        ]);
        expect(found).toEqual(Object.entries(JSON.parse(text) as object));
      },
    ),
    { numRuns: 500 },
  );
});

/** As Go compares keys: simple folding of letters, by which the long s is an s and the Kelvin sign a k. */
const goFolds = (key: string) => key.toLowerCase().replaceAll('ſ', 's').replaceAll('\u212a', 'k');
const variants = (word: string) =>
  fc
    .tuple(
      ...[...word].map((letter) =>
        fc.constantFrom(letter, letter.toUpperCase(), letter === 's' ? 'ſ' : letter === 'k' ? '\u212a' : letter),
      ),
    )
    .map((letters) => letters.join(''));

const controlling = fc.oneof(...['keep_alive', 'shift', 'model'].map(variants));
const member = fc.tuple(
  fc.oneof({ weight: 2, arbitrary: controlling }, { weight: 1, arbitrary: fc.string() }),
  fc.jsonValue(),
);

test('nothing that controls the runtime passes, however it is spelled and however often', () => {
  fc.assert(
    fc.property(fc.array(member), (members) => {
      const body = `{${[...members.filter(([key]) => goFolds(key) !== 'model'), ['model', 'tiny'] as const]
        .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
        .join(',')}}`;
      const { chunks } = rewriteBody({ route, runtime: 'Ollama', served, headers: {}, body: Buffer.from(body) });
      const sent = Buffer.concat(chunks);
      const keys = membersAt(sent, 0).members.map(({ key }) => goFolds(key));
      expect(keys.filter((key) => key === 'model')).toHaveLength(1);
      expect(keys).not.toContain('keep_alive');
      expect(keys).not.toContain('shift');
      const before = JSON.parse(body) as Record<string, unknown>;
      const after = JSON.parse(sent.toString()) as Record<string, unknown>;
      for (const [key, value] of Object.entries(before))
        if (!['keep_alive', 'shift', 'model', 'options'].includes(goFolds(key))) expect(after[key]).toEqual(value);
    }),
    { numRuns: 500 },
  );
});
