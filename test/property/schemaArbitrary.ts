// Values of a JSON schema, as zod writes it: so test data follows the schema of the resource by itself.
import fc from 'fast-check';

export interface JsonSchema {
  type?: string;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  maxProperties?: number;
  'x-kubernetes-list-type'?: 'set' | 'map' | 'atomic';
  'x-kubernetes-list-map-keys'?: string[];
}

/** Enough to meet every combination of two, few enough to stay quick. */
const MOST_ITEMS = 3;
const MAX_INT32 = 2_147_483_647;

/** Keys of labels, annotations and selectors; kept to the grammar of Kubernetes, which the schema leaves to the API server. */
const qualifiedName = fc
  .tuple(
    fc.option(fc.constantFrom('example.org', 'team.example.org', 'topology.kubernetes.io'), { nil: undefined }),
    fc.stringMatching(/^[a-z]([a-z0-9._-]{0,10}[a-z0-9])?$/),
  )
  .map(([prefix, name]) => (prefix ? `${prefix}/${name}` : name));

function text({ pattern, minLength = 0, maxLength }: JsonSchema): fc.Arbitrary<string> {
  const bounded = { minLength, ...(maxLength !== undefined && { maxLength }) };
  if (!pattern) return fc.string({ unit: 'grapheme', ...bounded }).filter((value) => fits(value, minLength, maxLength));
  return fc.stringMatching(new RegExp(pattern)).filter((value) => fits(value, minLength, maxLength));
}

const fits = (value: string, least: number, most = Number.POSITIVE_INFINITY) =>
  value.length >= least && value.length <= most;

function list(schema: JsonSchema): fc.Arbitrary<unknown[]> {
  const { items = {}, minItems = 0, maxItems = MOST_ITEMS } = schema;
  const length = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, MOST_ITEMS)) };
  const item = arbitraryOf(items);
  if (schema['x-kubernetes-list-type'] === 'atomic') return fc.array(item, length);
  const keys = schema['x-kubernetes-list-map-keys'];
  const selector = (value: unknown) =>
    JSON.stringify(keys ? keys.map((key) => (value as Record<string, unknown>)[key]) : value);
  return fc.uniqueArray(item, { ...length, selector });
}

function mapping({ additionalProperties, maxProperties = MOST_ITEMS }: JsonSchema): fc.Arbitrary<unknown> {
  const value = typeof additionalProperties === 'object' ? additionalProperties : {};
  const maxKeys = Math.min(maxProperties, MOST_ITEMS);
  return fc.dictionary(qualifiedName, arbitraryOf(value), { maxKeys, noNullPrototype: true });
}

function record({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, schema]) => [name, arbitraryOf(schema)] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: required, noNullPrototype: true });
}

/** An arbitrary for values that the schema takes. Whatever a schema of ours does not use throws, so that nothing is left out. */
export function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(arbitraryOf));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const { minimum = -MAX_INT32, maximum = MAX_INT32 } = schema;
  switch (schema.type) {
    case 'string':
      return text(schema);
    case 'integer':
      return fc.integer({ min: minimum, max: Math.min(maximum, MAX_INT32) });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return list(schema);
    case 'object':
      return schema.properties ? record(schema) : mapping(schema);
    case undefined:
      return fc.constant({});
    default:
      throw new Error(`no arbitrary for ${JSON.stringify(schema)}`);
  }
}
