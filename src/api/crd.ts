// The CustomResourceDefinition, made from the zod schema. Kubernetes wants a structural schema, which is stricter than
// JSON Schema: a type everywhere, no closed objects (pruning does that), no unions but int-or-string.
import * as z from 'zod';
import { localModelDeployment } from './schema.ts';
import { GROUP, KIND, localModelDeployments, VERSION } from './types.ts';

/** One node of a structural schema. */
export interface SchemaNode {
  type?: string;
  description?: string;
  format?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode;
  items?: SchemaNode;
  'x-kubernetes-int-or-string'?: true;
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: { rule: string; message: string; fieldPath?: string }[];
}

/** What zod makes of a schema; more than a structural schema may hold. */
type JsonNode = Omit<SchemaNode, 'properties' | 'additionalProperties' | 'items'> & {
  properties?: Record<string, JsonNode>;
  additionalProperties?: JsonNode | boolean;
  items?: JsonNode;
  anyOf?: JsonNode[];
};

const INT32 = { minimum: -2_147_483_648, maximum: 2_147_483_647 };

const isSafeBound = (value: number | undefined) => value !== undefined && Math.abs(value) === Number.MAX_SAFE_INTEGER;

/** The width of an integer goes into its format; bounds that only say that width again are noise. */
function integer({ minimum, maximum }: JsonNode): SchemaNode {
  const wide = maximum === undefined || isSafeBound(maximum);
  return {
    type: 'integer',
    format: wide ? 'int64' : 'int32',
    ...(minimum !== undefined && !isSafeBound(minimum) && minimum !== INT32.minimum && { minimum }),
    ...(maximum !== undefined && !wide && maximum !== INT32.maximum && { maximum }),
  };
}

/** Both branches in one node: bounds of numbers bind numbers only, patterns strings only. */
function intOrString(branches: readonly JsonNode[]): SchemaNode {
  const { type: _, format: __, ...number } = integer(branches.find(({ type }) => type === 'integer') ?? {});
  const { maxLength, pattern } = branches.find(({ type }) => type === 'string') ?? {};
  return {
    ...number,
    ...(maxLength !== undefined && { maxLength }),
    ...(pattern !== undefined && { pattern: plain(pattern) }),
    'x-kubernetes-int-or-string': true,
  };
}

/** JavaScript writes / as \/ in the source of a pattern; RE2 has no need of it. */
const plain = (pattern: string): string => pattern.replaceAll('\\/', '/');

const mapNodes = (nodes: Record<string, JsonNode>): Record<string, SchemaNode> =>
  Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, structural(node)]));

function structural(node: JsonNode): SchemaNode {
  const { description, properties, additionalProperties, items, anyOf, ...rest } = node;
  const about = description === undefined ? {} : { description };
  if (rest['x-kubernetes-int-or-string']) return { ...about, ...intOrString(anyOf ?? []) };
  if (anyOf) throw new Error(`not structural: ${JSON.stringify(anyOf)}`);
  const { type, required, pattern, minimum, maximum, ...others } = rest;
  const open = rest['x-kubernetes-preserve-unknown-fields'];
  return {
    ...about,
    ...(type === 'integer' ? integer(node) : { type }),
    ...(pattern !== undefined && { pattern: plain(pattern) }),
    ...others,
    ...(required && { required }),
    ...(properties && { properties: mapNodes(properties) }),
    ...(typeof additionalProperties === 'object' &&
      !open && { additionalProperties: structural(additionalProperties) }),
    ...(items && { items: structural(items) }),
  };
}

const standard: Record<string, SchemaNode> = {
  apiVersion: { description: `${GROUP}/${VERSION}`, type: 'string' },
  kind: { description: KIND, type: 'string' },
  metadata: { type: 'object', properties: { name: { type: 'string' } } },
};

/** The schema of the whole object, as the CRD has it. */
export function openApiSchema(): SchemaNode {
  const { properties = {}, ...root } = structural(
    z.toJSONSchema(localModelDeployment, { target: 'openapi-3.0', io: 'input' }) as JsonNode,
  );
  return { ...root, required: ['spec'], properties: { ...properties, ...standard } };
}

const ready = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;

const columns = [
  { name: 'Runtime', type: 'string', jsonPath: '.spec.runtime' },
  { name: 'Model', type: 'string', jsonPath: '.spec.model.name' },
  { name: 'Hardware', type: 'string', jsonPath: '.status.hardware.class' },
  { name: 'Ready', type: 'string', jsonPath: ready('status') },
  { name: 'Status', type: 'string', jsonPath: ready('reason') },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Digest', type: 'string', priority: 1, jsonPath: '.status.model.sourceDigest' },
  { name: 'Auth', type: 'string', priority: 1, jsonPath: '.status.effective.auth' },
  { name: 'Endpoint', type: 'string', priority: 1, jsonPath: '.status.endpoint' },
] as const;

/** Usable with `kubectl get lmd --field-selector`. */
const selectable = ['.spec.runtime', '.spec.model.name', '.status.hardware.class'] as const;

/** The CustomResourceDefinition, ready to apply. */
export function customResourceDefinition() {
  const { plural } = localModelDeployments;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural,
        singular: KIND.toLowerCase(),
        shortNames: ['lmd'],
        categories: ['localmodels'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: columns,
          selectableFields: selectable.map((jsonPath) => ({ jsonPath })),
          schema: { openAPIV3Schema: openApiSchema() },
        },
      ],
    },
  };
}
