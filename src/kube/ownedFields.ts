// Which fields of a live object are ours, by its managedFields, and whether they are what we want. Comparing this way sees
// removed fields and fields that another manager took over, and leaves foreign fields alone.
import { createHash } from 'node:crypto';
import { thousandths } from './quantity.ts';
import type { KubeObject, ManagedFieldsEntry } from './types.ts';

type Json = unknown;
type FieldSet = Record<string, unknown>;

/** Stands for everything that the API server drops when it writes an object: false, 0, "", [], {}. */
const EMPTY = '∅';

/** Maps whose values are quantities, and single fields that are one. The server writes 1000m as 1. */
const quantityMaps = new Set(['requests', 'limits', 'capacity']);
const quantityFields = new Set(['sizeLimit', 'divisor']);
/** Lists of objects whose order means something. All others are compared as sets: the server may merge them in any order. */
const orderedLists = new Set(['initContainers']);

const canonicalQuantity = (value: Json): Json => thousandths(value as string | number)?.toString() ?? value;

function isEmpty(value: Json): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** A form in which two ways to write the same are equal. `key` is the name of the field that holds the value. */
export function canonical(value: Json, key = ''): Json {
  if (quantityFields.has(key)) return canonicalQuantity(value);
  if (isEmpty(value)) return EMPTY;
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item));
    const sortable = !orderedLists.has(key) && items.some((item) => typeof item === 'object');
    return sortable ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value as Record<string, Json>).filter(([, v]) => v !== undefined);
  return Object.fromEntries(
    entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, quantityMaps.has(key) ? canonicalQuantity(v) : canonical(v, k)]),
  );
}

const hash = (value: Json): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);

function matches(item: Json, keys: Record<string, Json>): boolean {
  return (
    typeof item === 'object' &&
    item !== null &&
    Object.entries(keys).every(([k, v]) => (item as Record<string, Json>)[k] === v)
  );
}

/** The part of `live` that `fields` (a fieldsV1 tree) names. */
function project(live: Json, fields: FieldSet): Json {
  const names = Object.keys(fields).filter((name) => name !== '.');
  if (names.length === 0) return live ?? EMPTY;
  if (names[0]?.startsWith('k:')) {
    const items = Array.isArray(live) ? live : [];
    return names
      .map((name) => {
        const keys = JSON.parse(name.slice(2)) as Record<string, Json>;
        const at = items.findIndex((item) => matches(item, keys));
        return { at, item: at < 0 ? EMPTY : project(items[at], fields[name] as FieldSet) };
      })
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
  if (names[0]?.startsWith('v:')) return names.map((name) => JSON.parse(name.slice(2)));
  const object = (typeof live === 'object' && live !== null ? live : {}) as Record<string, Json>;
  return Object.fromEntries(
    names.map((name) => [name.slice(2), project(object[name.slice(2)], fields[name] as FieldSet)]),
  );
}

const isOurs = (entry: ManagedFieldsEntry, manager: string): boolean =>
  entry.manager === manager && entry.operation === 'Apply' && !entry.subresource && entry.fieldsV1 !== undefined;

/** What the manager owns of a live object, or undefined when it owns nothing. */
export function ownedPart(live: KubeObject, manager: string): Record<string, Json> | undefined {
  const fields = live.metadata.managedFields?.find((entry) => isOurs(entry, manager))?.fieldsV1;
  return fields && (project(live, fields) as Record<string, Json>);
}

/** Without what every object has anyway: the server does not count these as owned. */
function comparable(object: Record<string, Json>): Json {
  const { apiVersion: _a, kind: _k, metadata, ...rest } = object;
  const { name: _n, namespace: _ns, ...meta } = (metadata ?? {}) as Record<string, Json>;
  return canonical({ ...rest, ...(Object.keys(meta).length > 0 && { metadata: meta }) });
}

/** Hash of what the manager owns of a live object; '' when it owns nothing. Equal to `desiredHash` when nothing is to be done. */
export function ownedHash(live: KubeObject, manager: string): string {
  const part = ownedPart(live, manager);
  return part ? hash(comparable(part)) : '';
}

export const desiredHash = (desired: KubeObject): string => hash(comparable({ ...desired }));

/**
 * Paths of `desired` that `live` does not have, such as `spec.template.spec.containers.0.image`; at most `max`. What `live`
 * has beyond that (defaults, foreign fields) is left out of account.
 */
export function unmetPaths(desired: KubeObject, live: KubeObject, max = 8): string[] {
  const paths: string[] = [];
  const visit = (want: Json, have: Json, path: string, key: string): void => {
    if (paths.length >= max) return;
    if (Array.isArray(want)) {
      const items = Array.isArray(have) ? have : [];
      want.forEach((item, i) => {
        visit(item, counterpart(item, items, i), `${path}.${i}`, key);
      });
    } else if (typeof want === 'object' && want !== null) {
      const object = (typeof have === 'object' && have !== null ? have : {}) as Record<string, Json>;
      const inner = quantityMaps.has(key) ? 'sizeLimit' : undefined;
      for (const [k, v] of Object.entries(want)) visit(v, object[k], path ? `${path}.${k}` : k, inner ?? k);
    } else if (JSON.stringify(canonical(want, key)) !== JSON.stringify(canonical(have, key))) {
      paths.push(path);
    }
  };
  visit(desired, live, '', '');
  return paths;
}

/** The item of a live list that a wanted item speaks of: by its usual keys, else by position. */
function counterpart(want: Json, items: Json[], position: number): Json {
  if (typeof want !== 'object' || want === null) return items[position];
  for (const key of ['name', 'containerPort', 'mountPath', 'uid', 'port', 'topologyKey'])
    if (key in want) {
      const value = (want as Record<string, Json>)[key];
      return items.find((item) => matches(item, { [key]: value })) ?? items[position];
    }
  return items[position];
}

/** Other managers that own one of the paths (as `unmetPaths` gives them); by name, without doubles. */
export function managersOf(live: KubeObject, paths: readonly string[], ours: string): string[] {
  const names = new Set<string>();
  for (const entry of live.metadata.managedFields ?? []) {
    if (!entry.manager || entry.manager === ours || !entry.fieldsV1) continue;
    if (paths.some((path) => owns(entry.fieldsV1 ?? {}, live, path.split('.')))) names.add(entry.manager);
  }
  return [...names];
}

function owns(fields: FieldSet, live: Json, path: readonly string[]): boolean {
  const names = Object.keys(fields).filter((name) => name !== '.');
  if (path.length === 0 || names.length === 0) return true;
  const [step = '', ...rest] = path;
  const next = (live as Record<string, Json> | undefined)?.[step];
  const name = names.find((n) => (n.startsWith('k:') ? matches(next, JSON.parse(n.slice(2))) : n === `f:${step}`));
  return name !== undefined && owns(fields[name] as FieldSet, next, rest);
}
