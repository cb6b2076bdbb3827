// Specs that the schema takes, of every shape that it knows. Others build their properties on these.
import fc from 'fast-check';
import * as z from 'zod';
import { type Spec, spec as specSchema } from '../../src/api/schema.ts';
import { arbitraryOf, type JsonSchema } from './schemaArbitrary.ts';

type Loose = Record<string, unknown>;

const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object at `path`, or an empty one that nobody keeps. */
function at(root: Loose, ...path: string[]): Loose {
  let found: unknown = root;
  for (const key of path) found = isObject(found) ? found[key] : undefined;
  return isObject(found) ? found : {};
}

const sourceKinds = ['registry', 'image', 'volume'] as const;
type SourceKind = (typeof sourceKinds)[number];

function drop(from: Loose, ...keys: string[]) {
  for (const key of keys) delete from[key];
}

function settleRung(rung: Loose) {
  if (rung.class === 'CPU') drop(rung, 'vendor', 'count', 'resourceName', 'resourceClaims', 'whenAbsent');
  if (rung.resourceClaims) drop(rung, 'resourceName', 'count');
}

/** Of members that exclude each other one is kept, so that what is left is rich; blind chance would lose most of it. */
function settle(given: Loose, kept: SourceKind) {
  drop(given, given.runtime === 'Ollama' ? 'foundryLocal' : 'ollama');
  const hardware = at(given, 'hardware');
  for (const rung of [hardware.preferred, hardware.fallback].flat()) if (isObject(rung)) settleRung(rung);
  if (!hardware.preferred) drop(hardware, 'fallback');
  const source = at(given, 'model', 'source');
  drop(source, ...sourceKinds.filter((kind) => kind !== kept));
  if (source.image || source.volume) drop(given, 'storage');
  const storage = at(given, 'storage');
  const claim = at(storage, 'persistentVolumeClaim');
  if (claim.size) drop(claim, 'claimName');
  if (claim.claimName) drop(claim, 'storageClassName', 'accessModes', 'whenDeleted');
  if (storage.persistentVolumeClaim) drop(storage, 'ephemeral');
  if (Object.keys(storage).length > 0)
    storage.type = storage.persistentVolumeClaim ? 'PersistentVolumeClaim' : 'Ephemeral';
}

/** Takes away what a problem is blamed on: the member itself, or what holds it where it is not there. */
function remove(root: Loose, path: readonly PropertyKey[]) {
  let holder: unknown = root;
  let last: { holder: object; key: PropertyKey } | undefined;
  for (const key of path) {
    if (typeof holder !== 'object' || holder === null || !(key in holder)) break;
    last = { holder, key };
    holder = (holder as Record<PropertyKey, unknown>)[key];
  }
  if (!last) return;
  if (Array.isArray(last.holder)) last.holder.splice(Number(last.key), 1);
  else delete (last.holder as Record<PropertyKey, unknown>)[last.key];
}

/** The nearest spec that holds all rules, or undefined where a required member was to blame. */
function repaired([given, kept]: [unknown, SourceKind]): Spec | undefined {
  const candidate = structuredClone(given) as Loose;
  settle(candidate, kept);
  for (let left = 64; left > 0; left -= 1) {
    const result = specSchema.safeParse(candidate);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    if (issue) remove(candidate, issue.path);
  }
  return undefined;
}

const jsonSchema = z.toJSONSchema(specSchema, { unrepresentable: 'any' }) as JsonSchema;

/** Any spec that the schema and its rules take. */
export const arbitrarySpec: fc.Arbitrary<Spec> = fc
  .tuple(arbitraryOf(jsonSchema), fc.constantFrom(...sourceKinds))
  .map(repaired)
  .filter((spec) => spec !== undefined);

/** Names that a deployment may have. */
export const arbitraryName: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/),
  fc.constantFrom('a', 'a'.repeat(50), `a${'-'.repeat(48)}z`),
);
