// Field types that the schema is made of, each with its bounds: what CEL walks over must be bounded, or the API server
// refuses the CRD for its estimated cost. Patterns keep to what RE2 and JavaScript read alike.
import * as z from 'zod';
import { compareQuantities, thousandths } from '../kube/quantity.ts';
import { cel } from './cel.ts';

const unique = <T>(items: readonly T[], keyOf: (item: T) => unknown): boolean =>
  new Set(items.map((item) => JSON.stringify(keyOf(item)))).size === items.length;

/** An array whose items are unique. */
export const setOf = <T extends z.ZodType>(item: T, max: number) =>
  z
    .array(item)
    .max(max)
    .refine((items) => unique(items, (value) => value), 'an item stands twice; keep one')
    .meta({ 'x-kubernetes-list-type': 'set' });

/** An array that server-side apply merges item by item. */
export const mapOf = <T extends z.ZodType>(item: T, max: number, ...keys: string[]) =>
  z
    .array(item)
    .max(max)
    .refine(
      (items) => unique(items, (value) => keys.map((key) => (value as Record<string, unknown>)[key])),
      `two items have the same ${keys.join(' and ')}; keep one`,
    )
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });

/** An array that one owner sets as a whole: order matters, or items have no key. */
export const atomicListOf = <T extends z.ZodType>(item: T, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'atomic' });

/** A map of bounded size. */
export const mapping = <T extends z.ZodType>(value: T, maxProperties: number) =>
  z
    .record(z.string(), value)
    .refine((map) => Object.keys(map).length <= maxProperties, `at most ${maxProperties} entries`)
    .meta({ maxProperties });

/** A Kubernetes object that we hand on as it is; the API server checks it when the pod is made. */
export const passedOn = (what: string) =>
  z.record(z.string(), z.unknown()).describe(what).meta({ 'x-kubernetes-preserve-unknown-fields': true });

const SIZE = /^[0-9]+(\.[0-9]+)?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;
const QUANTITY = /^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;

/** A size as Kubernetes writes it. A string, so that CEL can compare it. */
export const size = cel(z.string().max(32).regex(SIZE, 'must be a size such as 20Gi'), {
  rule: "!isQuantity(self) || quantity(self).isGreaterThan(quantity('0'))",
  message: 'must be more than nothing; give an amount such as 20Gi',
  holds: (self) => thousandths(self) !== 0n,
});

const NO_AMOUNT = 'must be a whole number, or a quantity such as 500m or 8Gi';

/** An amount as it stands in resources: 4, "500m" or "8Gi". */
export const quantity = z
  .union([z.int().min(0), z.string().max(32).regex(QUANTITY, NO_AMOUNT)], NO_AMOUNT)
  .meta({ 'x-kubernetes-int-or-string': true });

export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be the name of an object: lower-case letters, digits, - and .');
export const labelName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and -');
export const digest = z
  .string()
  .max(71)
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits');
export const image = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[!-~]+$/, 'must be an image reference, without spaces');

/** Key of an entry in a Secret or ConfigMap. */
export const entryKey = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/, 'must be letters, digits, -, _ and .');

export const localRef = (what: string) =>
  z.strictObject({ name: objectName.describe('Name, in the namespace of the deployment.') }).describe(what);

const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'must be a label value: letters, digits, -, _ and .');
const annotationValue = z.string().max(65_536);

/** Keys by which the operator and its tools find their own objects. */
const RESERVED_PREFIXES = ['localmodels.dev/', 'app.kubernetes.io/'] as const;

const ownKeys = (what: string) => ({
  rule: `self.all(key, !key.startsWith('${RESERVED_PREFIXES.join("') && !key.startsWith('")}'))`,
  message: `${what} under ${RESERVED_PREFIXES.join(' and ')} belong to the operator; remove them`,
  holds: (self: Record<string, unknown>) =>
    !Object.keys(self).some((key) => RESERVED_PREFIXES.some((prefix) => key.startsWith(prefix))),
});

export const labels = cel(mapping(labelValue, 64), ownKeys('labels'));
export const annotations = cel(mapping(annotationValue, 64), ownKeys('annotations'));
export const nodeSelector = mapping(labelValue, 32).describe('Labels that a node must carry.');

const comparedResources = ['cpu', 'memory'] as const;

/**
 * CEL that the request of one resource is at most its limit. The two may be strings or integers. Kubernetes 1.33 takes each use of them as one of
 * three megabytes, and refuses a CustomResourceDefinition whose rules might cost too much: so no loop over all names, no isQuantity and no
 * string(…). For other resources the API server says the same when it gets the Deployment.
 */
function requestWithinLimit(name: (typeof comparedResources)[number]): string {
  const [request, limit] = [`self.requests['${name}']`, `self.limits['${name}']`];
  const bothStrings = `quantity(${request}).compareTo(quantity(${limit})) <= 0`;
  const oneString = `type(${limit}) == string ? sign(quantity(${limit}).sub(${request})) >= 0`;
  const otherString = `type(${request}) == string ? sign(quantity(${request}).sub(${limit})) <= 0`;
  const within = `type(${request}) == string && type(${limit}) == string ? ${bothStrings} : ${oneString} : ${otherString} : ${request} <= ${limit}`;
  return `(!('${name}' in self.requests) || !('${name}' in self.limits) || (${within}))`;
}

const resourceList = mapping(quantity, 16);

export const resources = cel(
  z.strictObject({
    requests: resourceList
      .optional()
      .describe('What the scheduler reserves, by resource: cpu, memory, ephemeral-storage.'),
    limits: resourceList
      .optional()
      .describe('What the container may not exceed. The CPU limit also sets the number of threads.'),
  }),
  {
    rule: "(!has(self.requests) || self.requests.all(name, !name.contains('/'))) && (!has(self.limits) || self.limits.all(name, !name.contains('/')))",
    message:
      'devices come from the hardware ladder; remove names with a / and set class, count or resourceName of the rung',
    holds: ({ requests, limits }) => !Object.keys({ ...requests, ...limits }).some((name) => name.includes('/')),
  },
  {
    rule: `!has(self.requests) || !has(self.limits) || (${comparedResources.map(requestWithinLimit).join(' && ')})`,
    message: 'a request is larger than its limit; lower the request or raise the limit',
    holds: ({ requests = {}, limits = {} }) =>
      comparedResources.every((name) => {
        const [request, limit] = [requests[name], limits[name]];
        return request === undefined || limit === undefined || compareQuantities(request, limit) <= 0;
      }),
  },
);

/** Seconds between two bounds. */
export const seconds = (min: number, max: number) => z.int32().min(min).max(max);

/** User or group id. */
export const id = z.int32().min(1);
