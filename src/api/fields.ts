// Field types that the schema is made of, each with its bounds: what CEL walks over must be bounded, or the API server
// refuses the CRD for its estimated cost.
import * as z from 'zod';

export interface CelRule {
  /** CEL over `self` (and `oldSelf`, which makes it a rule on changes only). */
  rule: string;
  /** What is wrong and what to do about it; shown to the person who applied the object. */
  message: string;
  /** Dot path of the field to blame, relative to where the rule stands. */
  fieldPath?: string;
}

/** Adds CEL rules to a schema; rules of several calls add up. */
export function cel<T extends z.ZodType>(schema: T, ...rules: CelRule[]): T {
  const known = (schema.meta()?.['x-kubernetes-validations'] ?? []) as CelRule[];
  return schema.meta({ 'x-kubernetes-validations': [...known, ...rules] }) as T;
}

export const immutable = (what: string, cure: string): CelRule => ({
  rule: 'self == oldSelf',
  message: `${what} cannot be changed; ${cure}`,
});

/** An array whose items are unique. */
export const setOf = <T extends z.ZodType>(item: T, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'set' });

/** An array that server-side apply merges item by item. */
export const mapOf = <T extends z.ZodType>(item: T, max: number, ...keys: string[]) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });

/** An array that one owner sets as a whole: order matters, or items have no key. */
export const atomicListOf = <T extends z.ZodType>(item: T, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'atomic' });

/** A Kubernetes object that we hand on as it is; the API server checks it when the pod is made. */
export const passedOn = (what: string) =>
  z.record(z.string(), z.unknown()).describe(what).meta({ 'x-kubernetes-preserve-unknown-fields': true });

export const QUANTITY = /^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;
export const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** A size as Kubernetes writes it. A string, so that CEL can compare it. */
export const size = z
  .string()
  .max(32)
  .regex(QUANTITY, 'must be a quantity such as 20Gi')
  .describe('A quantity such as 20Gi.');

/** An amount as it stands in resources: 4, "500m" or "8Gi". */
export const quantity = z
  .union([z.int().min(0), z.string().max(32).regex(QUANTITY, 'must be a quantity such as 500m or 8Gi')])
  .meta({ 'x-kubernetes-int-or-string': true });

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(DNS_SUBDOMAIN, 'must be the name of an object: lower-case letters, digits, - and .');
export const labelName = z.string().min(1).max(63).regex(DNS_LABEL, 'must be lower-case letters, digits and -');
export const digest = z.string().max(71).regex(DIGEST, 'must be sha256: and 64 hexadecimal digits');
export const image = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\s]+$/, 'must be an image reference without spaces')
  .describe('An image reference; a digest (@sha256:…) makes it the same for ever.');

export const localRef = (what: string) => z.strictObject({ name: objectName }).describe(what);

const stringMap = (max: number) => z.record(z.string().max(316), z.string().max(max));
export const labels = stringMap(63).describe('Labels.');
export const annotations = stringMap(65_536).describe('Annotations.');
export const nodeSelector = stringMap(63).describe('Labels that a node must carry.');

export const toleration = z.strictObject({
  key: z.string().max(316).optional(),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']).optional(),
  value: z.string().max(256).optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});
export const tolerations = atomicListOf(toleration, 32).describe('Taints that the pod puts up with.');

const keySelector = z.strictObject({
  name: objectName,
  key: z.string().min(1).max(253),
  optional: z.boolean().optional(),
});
const envVar = cel(
  z.strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be letters, digits and _'),
    value: z.string().max(32_768).optional(),
    valueFrom: z
      .strictObject({ secretKeyRef: keySelector.optional(), configMapKeyRef: keySelector.optional() })
      .optional()
      .describe('A key of a Secret or ConfigMap in the same namespace.'),
  }),
  {
    rule: '!(has(self.value) && has(self.valueFrom))',
    message: 'value and valueFrom exclude each other; keep one',
  },
);
export const env = mapOf(envVar, 64, 'name').describe(
  'Environment of the runtime container. A variable that the operator sets itself is refused by name.',
);

export const resourceList = z.record(z.string().max(316), quantity);
export const resources = z
  .strictObject({
    requests: resourceList.optional().describe('What the scheduler reserves.'),
    limits: resourceList.optional().describe('What the container may not exceed. The CPU limit also sets the threads.'),
  })
  .describe('CPU and memory of the runtime container. Devices come from the rung.');

const labelSelector = z.strictObject({
  matchLabels: stringMap(63).optional(),
  matchExpressions: atomicListOf(
    z.strictObject({
      key: z.string().max(316),
      operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
      values: atomicListOf(z.string().max(63), 32).optional(),
    }),
    16,
  ).optional(),
});
export const networkPeer = z.strictObject({
  podSelector: labelSelector.optional(),
  namespaceSelector: labelSelector.optional(),
  ipBlock: z
    .strictObject({ cidr: z.string().max(64), except: atomicListOf(z.string().max(64), 32).optional() })
    .optional(),
});

export const topologySpreadConstraint = z.strictObject({
  maxSkew: z.int32().min(1),
  topologyKey: z.string().max(316),
  whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
  labelSelector: labelSelector.optional(),
  matchLabelKeys: atomicListOf(z.string().max(316), 8).optional(),
  minDomains: z.int32().min(1).optional(),
  nodeAffinityPolicy: z.enum(['Honor', 'Ignore']).optional(),
  nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).optional(),
});

/** Seconds between two bounds. */
export const seconds = (min: number, max: number) => z.int32().min(min).max(max);
