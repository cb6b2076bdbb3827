import fc from 'fast-check';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { openApiSchema } from '../../src/api/crd.ts';
import { localModelDeployment, spec as specSchema } from '../../src/api/schema.ts';
import { parseSpec } from '../../src/api/validate.ts';
import { rulesOf } from '../../src/cli/generate/apiReference.ts';
import { connect } from '../controlplane/access.ts';
import { createNamespace, type TestNamespace } from '../controlplane/namespaces.ts';
import { withOneChange } from '../property/apiMutation.ts';
import { arbitrarySpec } from '../property/arbitrarySpec.ts';
import { arbitraryOf, type JsonSchema } from '../property/schemaArbitrary.ts';
import { collection, deployment, installCrd, tryCreate, tryReplace, type Verdict } from './apiServer.ts';
import { base, type Case, cases, comparisons, NAME_RULE } from './celCases.ts';

const access = connect(inject('controlPlane'));
const rules = rulesOf(openApiSchema(), '');
const messages = [...new Set(rules.map(({ message }) => message))];
const isOnChange = ({ stored }: Case) => stored !== undefined;
let namespace: TestNamespace;

beforeAll(async () => {
  await installCrd(access);
  namespace = await createNamespace(access, 'cel');
});

/** Messages of the rules that our own reading finds broken, all of them. */
function ownRules(name: string, spec: unknown): string[] {
  const parsed = localModelDeployment.safeParse({ metadata: { name }, spec });
  const found = new Set(parsed.success ? [] : parsed.error.issues.map(({ message }) => message));
  return messages.filter((message) => found.has(message)).sort();
}

/** Our rules among what the API server says. */
const refusedRules = ({ refusals }: Verdict): string[] =>
  messages.filter((message) => refusals.some((refusal) => refusal.message.endsWith(message))).sort();

describe('each rule of the CRD', () => {
  it('has exactly one case', () => {
    const beginnings = [NAME_RULE, ...cases.map(({ rule }) => rule)];
    const casesOf = (message: string) => beginnings.filter((beginning) => message.startsWith(beginning));
    expect(messages.filter((message) => casesOf(message).length !== 1)).toEqual([]);
    expect(beginnings.filter((beginning) => !messages.some((message) => message.startsWith(beginning)))).toEqual([]);
  });

  it.each(cases.filter((item) => !isOnChange(item)))('refuses and says: $rule', async ({ rule, bad, good, field }) => {
    const refused = await tryCreate(access, 'a', { ...base, ...bad });
    expect(refused.refusals, JSON.stringify(refused.answer)).toHaveLength(1);
    expect(refused.refusals[0]?.field).toBe(field);
    expect(refused.refusals[0]?.message).toContain(rule);
    const accepted = await tryCreate(access, 'a', { ...base, ...good });
    expect(accepted.refusals).toEqual([]);
    expect(accepted.accepted).toBe(true);
  });

  it.each(cases.filter((item) => !isOnChange(item)))(
    'is read the same way from what is stored: $rule',
    ({ rule, bad, good, field }) => {
      const parsed = parseSpec({ metadata: { name: 'a' }, spec: { ...base, ...bad } });
      expect(parsed).toMatchObject({ problems: [{ path: field, message: expect.stringContaining(rule) }] });
      expect(parseSpec({ metadata: { name: 'a' }, spec: { ...base, ...good } })).toHaveProperty('spec');
    },
  );

  it.each(cases.filter(isOnChange))('holds still: $rule', async ({ rule, stored, bad, good, field }) => {
    const name = `change-${field.split('.').at(-1)?.toLowerCase()}`;
    const created = await access.call('POST', collection(namespace.name), {
      body: deployment(name, { ...base, ...stored }),
    });
    expect(created.status, JSON.stringify(created.body)).toBe(201);
    const current = (await access.call('GET', `${collection(namespace.name)}/${name}`)).body as ReturnType<
      typeof deployment
    >;
    const refused = await tryReplace(access, namespace.name, current, { ...base, ...bad });
    expect(refused.refusals, JSON.stringify(refused.answer)).toHaveLength(1);
    expect(refused.refusals[0]).toEqual({ field, message: expect.stringContaining(rule) });
    const accepted = await tryReplace(access, namespace.name, current, { ...base, ...good });
    expect(accepted.refusals).toEqual([]);
    expect(accepted.accepted).toBe(true);
  });

  it.each(comparisons)('compares quantities, whether strings or integers: $bad', async ({ bad, good }) => {
    const message = expect.stringContaining('a request is larger than its limit');
    const refused = await tryCreate(access, 'a', { ...base, resources: bad });
    expect(refused.refusals).toEqual([{ field: 'spec.resources', message }]);
    expect(parseSpec({ metadata: { name: 'a' }, spec: { ...base, resources: bad } })).toMatchObject({
      problems: [{ path: 'spec.resources', message }],
    });
    expect(await tryCreate(access, 'a', { ...base, resources: good })).toMatchObject({ accepted: true });
  });

  it.each(['4mini', 'a'.repeat(51), 'a.b', 'a-'])('refuses the name %s', async (name) => {
    const { accepted, refusals } = await tryCreate(access, name, base);
    expect(accepted).toBe(false);
    expect(refusals.some(({ message }) => message.includes(NAME_RULE) || message.includes('RFC 1123'))).toBe(true);
    expect(parseSpec({ metadata: { name }, spec: base })).toMatchObject({ problems: [{ path: 'metadata.name' }] });
  });

  it.each(['a', 'a'.repeat(50), 'a-1'])('takes the name %s', async (name) => {
    expect(await tryCreate(access, name, base)).toMatchObject({ accepted: true });
  });
});

describe('our reading and the API server', () => {
  const AT_ONCE = 8;

  /**
   * Samples of an arbitrary, `count` of them, tried side by side. The same in every run, so that a failure is of the change
   * that is tested; FC_SEED looks elsewhere. The seed is in the failure.
   */
  async function forSamples(values: fc.Arbitrary<unknown>, count: number, look: (spec: unknown) => Promise<void>) {
    const seed = Number(process.env.FC_SEED ?? 1);
    const specs = fc.sample(values, { numRuns: count, seed });
    const next = specs.entries();
    const worker = async () => {
      for (const [index, spec] of next) {
        await look(spec).catch((error: unknown) => {
          throw new Error(`seed ${seed}, sample ${index}: ${JSON.stringify(spec)}`, { cause: error });
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  const fieldwise = arbitraryOf(z.toJSONSchema(specSchema, { unrepresentable: 'any' }) as JsonSchema);

  it('find the same rules broken in specs whose fields are right one by one', async () => {
    const seen = new Set<string>();
    await forSamples(fieldwise, 200, async (spec) => {
      const verdict = await tryCreate(access, 'a', spec);
      const found = refusedRules(verdict);
      expect(found).toEqual(ownRules('a', spec));
      expect(verdict.accepted).toBe(found.length === 0);
      for (const message of found) seen.add(message);
    });
    expect(seen.size).toBeGreaterThan(10);
  });

  it('take the same specs', async () => {
    await forSamples(arbitrarySpec, 100, async (spec) => {
      const { accepted, answer } = await tryCreate(access, 'a', spec);
      expect(accepted, JSON.stringify(answer)).toBe(true);
    });
  });

  it('refuse the same specs with one thing wrong', async () => {
    let refused = 0;
    const other = fc.oneof(
      fc.jsonValue({ maxDepth: 1 }).filter((value) => !/:null/.test(JSON.stringify(value))),
      fc.constantFrom('', '0', 0, -1, 'x y', 65_536, [], {}, true),
    );
    // Strict decoding refuses an unknown field also where it says nothing; what is stored says nothing there either.
    const saysNothing = /"unheardOf":null/;
    const wrong = withOneChange(arbitrarySpec, other).filter((spec) => !saysNothing.test(JSON.stringify(spec)));
    await forSamples(wrong, 300, async (spec) => {
      const { accepted, answer } = await tryCreate(access, 'a', spec);
      const parsed = parseSpec({ metadata: { name: 'a' }, spec });
      expect(accepted, `${JSON.stringify(parsed)} ${JSON.stringify(answer)}`).toBe('spec' in parsed);
      refused += accepted ? 0 : 1;
    });
    expect(refused).toBeGreaterThan(50);
  });
});
