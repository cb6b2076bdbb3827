import { describe, expect, it } from 'vitest';
import { customResourceDefinition, openApiSchema, type SchemaNode } from '../../../src/api/crd.ts';
import { rulesOf } from '../../../src/cli/generate/apiReference.ts';

const schema = openApiSchema();

interface Place {
  path: string;
  node: SchemaNode;
}

const walk = (node: SchemaNode, path: string): Place[] => [
  { path, node },
  ...Object.entries(node.properties ?? {}).flatMap(([name, child]) => walk(child, `${path}.${name}`)),
  ...(node.items ? walk(node.items, `${path}[]`) : []),
  ...(node.additionalProperties ? walk(node.additionalProperties, `${path}.*`) : []),
];
const places = walk(schema, '');
const below = (part: string) => places.filter(({ path }) => path.startsWith(part));

/** Places that a test has something to say about, so that an empty list is a pass and a list names the culprits. */
const culprits = (isBad: (node: SchemaNode) => boolean, among = places) =>
  among.filter(({ node }) => isBad(node)).map(({ path }) => path);

describe('the schema of the CRD', () => {
  it('is structural: each node has one type, or is an integer or a string', () => {
    expect(culprits((node) => (node.type === undefined) !== (node['x-kubernetes-int-or-string'] === true))).toEqual([]);
  });

  it('holds no keyword that a structural schema forbids', () => {
    const known = new Set([
      'type',
      'description',
      'format',
      'default',
      'enum',
      'minimum',
      'maximum',
      'minLength',
      'maxLength',
      'pattern',
      'minItems',
      'maxItems',
      'maxProperties',
      'required',
      'properties',
      'additionalProperties',
      'items',
      'x-kubernetes-int-or-string',
      'x-kubernetes-preserve-unknown-fields',
      'x-kubernetes-list-type',
      'x-kubernetes-list-map-keys',
      'x-kubernetes-validations',
    ]);
    expect(culprits((node) => Object.keys(node).some((key) => !known.has(key)))).toEqual([]);
    expect(culprits((node) => typeof node.additionalProperties === 'boolean')).toEqual([]);
    expect(culprits((node) => node.properties !== undefined && node.additionalProperties !== undefined)).toEqual([]);
  });

  it('has a default nowhere but at replicas, where the scale subresource needs it', () => {
    expect(culprits((node) => node.default !== undefined)).toEqual(['.spec.replicas']);
  });

  it('has patterns that RE2 knows: no lookaround, no reference back', () => {
    const patterns = places.flatMap(({ node }) => node.pattern ?? []);
    expect(patterns.length).toBeGreaterThan(10);
    expect(patterns.filter((pattern) => /\(\?|\\[1-9]|\\[bBkuxp]/.test(pattern))).toEqual([]);
  });

  it('tells the width of every integer, and no bound that only repeats it', () => {
    expect(culprits((node) => node.type === 'integer' && node.format !== 'int32' && node.format !== 'int64')).toEqual(
      [],
    );
    expect(culprits((node) => Math.abs(node.maximum ?? 0) >= 2_147_483_647 || (node.minimum ?? 0) < -1)).toEqual([]);
  });

  it('bounds every string, list and map of the spec, for CEL walks over them', () => {
    const spec = below('.spec');
    const free = (node: SchemaNode) => node.type === 'string' && !node.enum && node.maxLength === undefined;
    expect(culprits(free, spec)).toEqual([]);
    expect(culprits((node) => node.type === 'array' && node.maxItems === undefined, spec)).toEqual([]);
    expect(culprits((node) => Boolean(node.additionalProperties) && node.maxProperties === undefined, spec)).toEqual(
      [],
    );
  });

  it('says of every list how it merges, and requires the keys that items merge by', () => {
    expect(culprits((node) => node.type === 'array' && node['x-kubernetes-list-type'] === undefined)).toEqual([]);
    const unkeyed = (node: SchemaNode) =>
      (node['x-kubernetes-list-map-keys'] ?? []).some((key) => !node.items?.required?.includes(key));
    expect(culprits(unkeyed)).toEqual([]);
    expect(schema.properties?.spec?.properties?.hardware?.properties?.fallback?.['x-kubernetes-list-type']).toBe(
      'atomic',
    );
  });

  it('takes no secret but by reference', () => {
    const secrets = below('.spec').filter(({ path }) => /secret/i.test(path.split('.').at(-1) ?? ''));
    expect(secrets.length).toBeGreaterThan(4);
    expect(culprits((node) => node.type === 'string' && !node.enum, secrets)).toEqual([]);
  });

  it('describes every field that a person may set or read', () => {
    const named = places.filter(({ path }) => /^\.(spec|status)\./.test(path) && !/(\[\]|\.\*)$/.test(path));
    expect(culprits((node) => !node.description, named)).toEqual([]);
    expect(culprits((node) => node.description !== undefined && !/[.!]$/.test(node.description), named)).toEqual([]);
  });
});

describe('the rules of the CRD', () => {
  const rules = rulesOf(schema, '');

  it('each say what to do', () => {
    const cure = /\b(remove|make|give|use|set|choose|keep|lower|must match|at most|at least)\b/;
    expect(rules.filter(({ message }) => !cure.test(message)).map(({ message }) => message)).toEqual([]);
    expect(rules.filter(({ message }) => message.length > 300 || message.includes('\n'))).toEqual([]);
  });

  it('hold what is immutable still, and nothing else', () => {
    const changes = rules.filter(({ rule }) => rule.includes('oldSelf')).map(({ path }) => path);
    expect(new Set(changes)).toEqual(
      new Set([
        'spec.runtime',
        'spec.storage.persistentVolumeClaim.size',
        'spec.storage.persistentVolumeClaim.storageClassName',
        'spec.storage.persistentVolumeClaim.accessModes',
      ]),
    );
  });
});

describe('the CRD', () => {
  const definition = customResourceDefinition();
  const [version] = definition.spec.versions;

  it('fits into the annotation that client-side apply keeps, with room to grow', () => {
    expect(JSON.stringify(definition).length).toBeLessThan(100_000);
  });

  it('shows the columns that people look for', () => {
    const columns = version?.additionalPrinterColumns ?? [];
    const names = (wide: boolean) => columns.filter((column) => 'priority' in column === wide).map(({ name }) => name);
    expect(names(false)).toEqual(['Runtime', 'Model', 'Hardware', 'Ready', 'Status', 'Age']);
    expect(names(true)).toEqual(['Digest', 'Auth', 'Endpoint']);
  });

  it('points columns, scale and selectors at fields that exist', () => {
    const { specReplicasPath, statusReplicasPath, labelSelectorPath } = version?.subresources.scale ?? {};
    const pointed = [
      specReplicasPath,
      statusReplicasPath,
      labelSelectorPath,
      ...(version?.selectableFields.map(({ jsonPath }) => jsonPath) ?? []),
      ...(version?.additionalPrinterColumns.map(({ jsonPath }) => jsonPath) ?? []),
    ];
    const known = new Set(places.map(({ path }) => path));
    const plain = pointed.map((path = '') => path.replace(/\[\?.*\]/, '[]'));
    expect(plain.filter((path) => !known.has(path))).toEqual(['.metadata.creationTimestamp']);
  });
});
