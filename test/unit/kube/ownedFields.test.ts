import { describe, expect, test } from 'vitest';
import { canonical, desiredHash, managersOf, ownedHash, ownedPart, unmetPaths } from '../../../src/kube/ownedFields.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../../src/kube/types.ts';

const US = 'us';
type Loose = KubeObject & Record<string, unknown>;

const entry = (fieldsV1: object, more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager: US,
  operation: 'Apply',
  fieldsV1: fieldsV1 as Record<string, unknown>,
  ...more,
});
function service(spec: object, fields: object, ...others: ManagedFieldsEntry[]): Loose {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'ns', managedFields: [entry(fields), ...others] },
    spec,
  };
}
const wanted = (spec: object, metadata: object = {}): Loose => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's', namespace: 'ns', ...metadata },
  spec,
});
const isSame = (live: Loose, desired: Loose) => ownedHash(live, US) === desiredHash(desired);

const portFields = { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {}, 'f:name': {} } };
const port = { port: 80, protocol: 'TCP', name: 'http' };

describe('what we own', () => {
  test('is the same when nobody has touched it, defaults of the server and foreign fields left out', () => {
    const fields = { 'f:spec': { 'f:ports': portFields, 'f:selector': {} } };
    const live = service(
      { ports: [{ ...port, targetPort: 80 }], selector: { app: 'x' }, sessionAffinity: 'None' },
      fields,
    );
    expect(isSame(live, wanted({ ports: [port], selector: { app: 'x' } }))).toBe(true);
  });

  test('differs when a value was changed under us', () => {
    const fields = { 'f:spec': { 'f:type': {} } };
    expect(isSame(service({ type: 'NodePort' }, fields), wanted({ type: 'ClusterIP' }))).toBe(false);
  });

  test('differs when another took a field over: it is no longer in our entry', () => {
    const live = service({ type: 'ClusterIP' }, { 'f:metadata': { 'f:labels': { 'f:app': {} } } });
    expect(isSame(live, wanted({ type: 'ClusterIP' }))).toBe(false);
  });

  test('differs when we no longer want a field that we still own', () => {
    const live = service({ type: 'ClusterIP', headless: true }, { 'f:spec': { 'f:type': {}, 'f:headless': {} } });
    expect(isSame(live, wanted({ type: 'ClusterIP' }))).toBe(false);
  });

  test('differs when an item of a keyed list is gone', () => {
    const live = service({ ports: [] }, { 'f:spec': { 'f:ports': portFields } });
    expect(isSame(live, wanted({ ports: [port] }))).toBe(false);
  });

  test('leaves foreign items of a keyed list alone, wherever they stand', () => {
    const foreign = { port: 99, protocol: 'TCP', name: 'mesh' };
    const live = service({ ports: [foreign, port] }, { 'f:spec': { 'f:ports': portFields } });
    expect(isSame(live, wanted({ ports: [port] }))).toBe(true);
  });

  test('compares a set by its values', () => {
    const fields = { 'f:metadata': { 'f:finalizers': { 'v:"a"': {} } } };
    const live = { ...service({}, fields), metadata: { ...service({}, fields).metadata, finalizers: ['b', 'a'] } };
    expect(ownedPart(live, US)).toEqual({ metadata: { finalizers: ['a'] } });
  });

  test('takes an atomic list or map as a whole', () => {
    const fields = { 'f:spec': { 'f:egress': {}, 'f:podSelector': {} } };
    const spec = { egress: [{ ports: [{ port: 1 }] }], podSelector: { matchLabels: { a: 'b' } } };
    expect(isSame(service(spec, fields), wanted(spec))).toBe(true);
    expect(isSame(service({ ...spec, egress: [{}, ...spec.egress] }, fields), wanted(spec))).toBe(false);
  });

  test('counts only what we applied, not what we updated, and no status', () => {
    const updated = entry({ 'f:spec': { 'f:type': {} } }, { operation: 'Update' });
    const status = entry({ 'f:status': {} }, { subresource: 'status' });
    const live = { ...service({ type: 'x' }, {}), metadata: { name: 's', managedFields: [updated, status] } };
    expect(ownedPart(live, US)).toBeUndefined();
    expect(ownedHash(live, US)).toBe('');
  });

  test('includes labels, annotations and owners, and leaves name and namespace out', () => {
    const fields = {
      'f:metadata': {
        'f:labels': { 'f:app': {} },
        'f:ownerReferences': { 'k:{"uid":"u"}': {} },
      },
    };
    const owner = { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'u' };
    const live = service({}, fields);
    const metadata = { ...live.metadata, labels: { app: 'a', other: 'b' }, ownerReferences: [owner] };
    expect(
      ownedHash({ ...live, metadata }, US) ===
        desiredHash({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 's', labels: { app: 'a' }, ownerReferences: [owner] },
        }),
    ).toBe(true);
  });
});

describe('two ways to write the same', () => {
  test.each([
    ['a quantity', { limits: { cpu: '1000m', memory: '1Gi' } }, { limits: { cpu: 1, memory: '1024Mi' } }],
    ['a size', { sizeLimit: '1Gi' }, { sizeLimit: '1024Mi' }],
    [
      'what the server drops',
      { a: 1, b: false, c: '', d: [], e: {}, f: 0 },
      { a: 1, b: null, c: null, d: null, e: null, f: null },
    ],
    ['the order of fields', { a: 1, b: 2 }, { b: 2, a: 1 }],
    [
      'the order of objects in a list',
      { env: [{ name: 'a' }, { name: 'b' }] },
      { env: [{ name: 'b' }, { name: 'a' }] },
    ],
  ])('%s', (_title, one, other) => {
    expect(canonical(one)).toEqual(canonical(other));
    expect(JSON.stringify(canonical(one))).toBe(JSON.stringify(canonical(other)));
  });

  test.each([
    ['text that looks like a quantity', { value: '1000m' }, { value: '1' }],
    ['the order of arguments', { args: ['a', 'b'] }, { args: ['b', 'a'] }],
    [
      'the order of init containers',
      { initContainers: [{ name: 'a' }, { name: 'b' }] },
      { initContainers: [{ name: 'b' }, { name: 'a' }] },
    ],
    ['different amounts', { limits: { cpu: '1' } }, { limits: { cpu: '1001m' } }],
  ])('not: %s', (_title, one, other) => {
    expect(JSON.stringify(canonical(one))).not.toBe(JSON.stringify(canonical(other)));
  });
});

describe('what is not as we want it', () => {
  test('is named by its path, list items by their key', () => {
    const live = wanted({
      type: 'NodePort',
      ports: [
        { name: 'other', port: 1 },
        { name: 'http', port: 81 },
      ],
    });
    const paths = unmetPaths(wanted({ type: 'ClusterIP', ports: [{ name: 'http', port: 80 }] }), live);
    expect(paths).toEqual(['spec.type', 'spec.ports.0.port']);
  });

  test('is nothing where the server has only added to it or writes it otherwise', () => {
    const live = wanted({ limits: { cpu: '2' }, ports: [{ name: 'http', port: 80, nodePort: 3 }], extra: 1 });
    expect(
      unmetPaths(wanted({ limits: { cpu: '2000m' }, ports: [{ name: 'http', port: 80 }], empty: [] }), live),
    ).toEqual([]);
  });

  test('is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, 1]));
    expect(unmetPaths(wanted(many), wanted({}), 3)).toHaveLength(3);
  });

  test('is owned by whoever has the path, or what holds it', () => {
    const rival = entry({ 'f:spec': { 'f:selector': {} } }, { manager: 'rival', operation: 'Update' });
    const other = entry({ 'f:spec': { 'f:type': {} } }, { manager: 'other' });
    const live = service({ selector: { a: 'b' } }, {}, rival, other);
    expect(managersOf(live, ['spec.selector.a'], US)).toEqual(['rival']);
    expect(managersOf(live, ['spec.type', 'spec.selector.a'], US)).toEqual(['rival', 'other']);
    expect(managersOf(live, ['spec.ports'], US)).toEqual([]);
  });

  test('is found inside the items of a keyed list', () => {
    const rival = entry({ 'f:spec': { 'f:ports': portFields } }, { manager: 'rival' });
    const live = service({ ports: [{ port: 1 }, port] }, {}, rival);
    expect(managersOf(live, ['spec.ports.1.name'], US)).toEqual(['rival']);
    expect(managersOf(live, ['spec.ports.0.name'], US)).toEqual([]);
  });
});
