// The parts of a pod that users may set, as Kubernetes names them and narrower than Kubernetes has them.
import * as z from 'zod';
import { cel } from './cel.ts';
import * as f from './fields.ts';

const key = z.string().min(1).max(316);

const toleration = z.strictObject({
  key: z.string().max(316).optional().describe('Key of the taint; without it every taint is meant.'),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']).optional().describe('How value is compared; default Equal.'),
  value: z.string().max(256).optional().describe('Value of the taint.'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .optional()
    .describe('Effect of the taint; without it every effect is meant.'),
  tolerationSeconds: z.int().optional().describe('With NoExecute: how long the pod stays; default for ever.'),
});
export const tolerations = f.atomicListOf(toleration, 32).describe('Taints that the pod puts up with.');

const keyRef = (kind: string) =>
  z
    .strictObject({
      name: f.objectName.describe(`Name of the ${kind}.`),
      key: f.entryKey.describe('Entry in it.'),
      optional: z.boolean().optional().describe('Start also without it; default false.'),
    })
    .describe(`An entry of a ${kind}.`);

const valueFrom = cel(
  z.strictObject({
    secretKeyRef: keyRef('Secret').optional(),
    configMapKeyRef: keyRef('ConfigMap').optional(),
  }),
  {
    rule: 'has(self.secretKeyRef) != has(self.configMapKeyRef)',
    message: 'give either secretKeyRef or configMapKeyRef',
    holds: ({ secretKeyRef, configMapKeyRef }) => (secretKeyRef === undefined) !== (configMapKeyRef === undefined),
  },
).describe('An entry of a Secret or ConfigMap in the same namespace.');

const envVar = cel(
  z.strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be letters, digits and _')
      .describe('Name of the variable.'),
    value: z.string().max(32_768).optional().describe('Value as it is.'),
    valueFrom: valueFrom.optional(),
  }),
  {
    rule: '!(has(self.value) && has(self.valueFrom))',
    message: 'value and valueFrom exclude each other; keep one',
    holds: (self) => !(self.value !== undefined && self.valueFrom !== undefined),
  },
);
export const env = f
  .mapOf(envVar, 64, 'name')
  .describe('Environment of the runtime container. A variable that the operator sets itself is refused by name.');

const labelSelector = z.strictObject({
  matchLabels: f.mapping(z.string().max(63), 32).optional().describe('Labels that must be there with this value.'),
  matchExpressions: f
    .atomicListOf(
      z.strictObject({
        key: key.describe('Label.'),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How it is compared.'),
        values: f.atomicListOf(z.string().max(63), 32).optional().describe('For In and NotIn.'),
      }),
      16,
    )
    .optional()
    .describe('Conditions on labels; all must hold.'),
});

const cidr = z
  .string()
  .max(64)
  .regex(/^[0-9a-fA-F:.]+\/[0-9]{1,3}$/, 'must be a range of addresses such as 10.0.0.0/8');

export const networkPeer = cel(
  z.strictObject({
    podSelector: labelSelector.optional().describe('Pods with these labels; of the own namespace, if alone.'),
    namespaceSelector: labelSelector.optional().describe('Namespaces with these labels; {} is every namespace.'),
    ipBlock: z
      .strictObject({
        cidr: cidr.describe('Such as 10.0.0.0/8.'),
        except: f.atomicListOf(cidr, 32).optional().describe('Ranges inside it that are left out.'),
      })
      .optional()
      .describe('Addresses, for callers outside the cluster.'),
  }),
  {
    rule: 'has(self.ipBlock) != (has(self.podSelector) || has(self.namespaceSelector))',
    message: 'give either ipBlock, or podSelector and namespaceSelector; namespaceSelector: {} is every namespace',
    holds: ({ ipBlock, podSelector, namespaceSelector }) =>
      (ipBlock !== undefined) !== (podSelector !== undefined || namespaceSelector !== undefined),
  },
);

export const topologySpreadConstraints = f
  .mapOf(
    z.strictObject({
      maxSkew: z.int32().min(1).describe('How many pods more one domain may have than another.'),
      topologyKey: key.describe('Node label whose values are the domains.'),
      whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']).describe('What to do where it cannot be had.'),
      labelSelector: labelSelector.optional().describe('Pods that count; default: the pods of the deployment.'),
      matchLabelKeys: f
        .atomicListOf(key, 8)
        .optional()
        .describe('Labels of the new pod whose values the counted pods must share.'),
      minDomains: z.int32().min(1).optional().describe('Domains that must at least exist.'),
      nodeAffinityPolicy: z.enum(['Honor', 'Ignore']).optional().describe('Whether node affinity limits the domains.'),
      nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).optional().describe('Whether taints limit the domains.'),
    }),
    8,
    'topologyKey',
    'whenUnsatisfiable',
  )
  .describe('How pods spread over nodes and zones.');

const securityContext = cel(
  z.strictObject({
    ids: z
      .enum(['Fixed', 'Platform'])
      .optional()
      .describe('Platform: leave user and group ids to the cluster, as OpenShift wants. Default Fixed.'),
    runAsUser: f.id.optional().describe('User id; default 65532.'),
    runAsGroup: f.id.optional().describe('Group id; default 65532.'),
    fsGroup: f.id.optional().describe('Group that owns the volumes; default 65532.'),
    fsGroupChangePolicy: z
      .enum(['OnRootMismatch', 'Always'])
      .optional()
      .describe('When the owner of files in volumes is set; default OnRootMismatch.'),
    supplementalGroups: f.setOf(z.int32().min(0), 32).optional().describe('Further groups of the processes.'),
    seLinuxOptions: z
      .strictObject({
        user: z.string().max(128).optional().describe('SELinux user.'),
        role: z.string().max(128).optional().describe('SELinux role.'),
        type: z.string().max(128).optional().describe('SELinux type.'),
        level: z.string().max(128).optional().describe('SELinux level.'),
      })
      .optional()
      .describe('SELinux context of the containers.'),
  }),
  {
    rule: "!has(self.ids) || self.ids != 'Platform' || !(has(self.runAsUser) || has(self.runAsGroup) || has(self.fsGroup))",
    message: 'with ids: Platform the cluster chooses; remove runAsUser, runAsGroup and fsGroup, or set ids: Fixed',
    holds: ({ ids, runAsUser, runAsGroup, fsGroup }) =>
      ids !== 'Platform' || (runAsUser ?? runAsGroup ?? fsGroup) === undefined,
  },
).describe('Identity of the processes. What restricted Pod Security asks for is always set and cannot be taken away.');

export const pod = z
  .strictObject({
    labels: f.labels.optional().describe('Labels of the pods, beside those of the operator.'),
    annotations: f.annotations.optional().describe('Annotations of the pods.'),
    nodeSelector: f.nodeSelector.optional(),
    tolerations: tolerations.optional(),
    affinity: f.passedOn('Affinity as in any pod; handed on as it is.').optional(),
    topologySpreadConstraints: topologySpreadConstraints.optional(),
    priorityClassName: f.objectName.optional().describe('PriorityClass of the pods.'),
    serviceAccountName: f.objectName
      .optional()
      .describe('ServiceAccount of the pods. No token is mounted; image pull secrets and policies may hang on it.'),
    imagePullSecrets: f
      .mapOf(z.strictObject({ name: f.objectName.describe('Name of the Secret.') }), 16, 'name')
      .optional()
      .describe('Secrets with credentials for the images, beside those of the chart.'),
    env: env.optional(),
    securityContext: securityContext.optional(),
    terminationGracePeriodSeconds: f
      .seconds(21, 172_800)
      .optional()
      .describe('Time to finish requests when a pod stops; default, and least: request timeout + 20.'),
  })
  .describe('What else the pods get.');
