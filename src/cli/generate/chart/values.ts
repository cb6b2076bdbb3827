// What can be set in the chart. values.yaml, its JSON schema and the table in the chart's README are made from here.
import * as z from 'zod';
import { builtInDefaults } from '../../../api/defaults.ts';
import { fileSchema } from '../../../operator/config.ts';

const section = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape).optional();
const text = (fallback = '') => z.string().default(fallback);
const flag = (fallback: boolean) => z.boolean().default(fallback);
const number = (fallback: number, least = 0) => z.int().min(least).default(fallback);
const names = () => z.array(z.string()).default([]);
const stringMap = (fallback: Record<string, string> = {}) => z.record(z.string(), z.string()).default(fallback);
/** Text of a form that Helm can check, lest a pod be the first to say so. */
const formed = (form: RegExp, fallback = '') => z.string().regex(form).default(fallback);
/** As in a pod; Kubernetes checks it. */
const asInPod = () => z.looseObject({}).default({});
const listAsInPod = () => z.array(z.looseObject({})).default([]);

/** No scheme, no tag: both have made images that no node can pull. */
const registryForm = /^([A-Za-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._/-]+)?)?$/;
const repositoryForm = /^([A-Za-z0-9.-]+(:[0-9]+)?\/)?[a-z0-9._/-]+$/;

const image = section({
  repository: formed(repositoryForm, 'local-model-operator').describe('With or without a registry in front; no tag'),
  tag: formed(/^([A-Za-z0-9_][A-Za-z0-9_.-]*)?$/).describe('Default: appVersion of the chart'),
  digest: formed(/^(sha256:[0-9a-f]{64})?$/).describe('sha256:…; goes before the tag'),
  pullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .default('IfNotPresent')
    .describe('Of the operator’s own pods'),
}).describe('The image of operator, gateway and pull');

const { operator: _, ...runtimeImages } = builtInDefaults.images;

const crds = section({
  enabled: flag(true).describe('Install and upgrade the CustomResourceDefinition with the chart'),
  keep: flag(true).describe('Leave it, and with it every deployment and model pod, when the release is uninstalled'),
}).describe('The CustomResourceDefinition');

const rbac = section({
  create: flag(true).describe('Roles and bindings of the operator; false where somebody else makes them'),
  clusterReads: flag(false).describe(
    'With watchNamespaces: also the ClusterRole that reads nodes, device classes and CustomResourceDefinitions. Without it the ' +
      'scheduler alone decides which rung of a hardware ladder can be had',
  ),
  aggregate: flag(true).describe('ClusterRoles that add the resource to view, edit and admin'),
}).describe('Permissions');

const serviceAccount = section({
  create: flag(true),
  name: text().describe('Default: the name of the release'),
  annotations: stringMap(),
}).describe('The operator’s service account');

const operator = section({
  replicas: number(2, 1).describe('One acts, the others wait for its Lease'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  workers: number(8, 1).describe('Deployments that are worked on at the same time'),
  http2: flag(true).describe('Read and watch the API server over HTTP/2; false for proxies that get it wrong'),
  gatewayAccess: z
    .enum(['Direct', 'None'])
    .default('Direct')
    .describe('Direct: read what gateways report, by the address of the pod. None: what only they know is not known'),
  graceSeconds: number(25, 1).describe('How long work under way may take after SIGTERM'),
  resources: z
    .looseObject({})
    .default({ requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '256Mi' } })
    .describe('docs/sizing.md says what 1,000 deployments need'),
  podDisruptionBudget: flag(true).describe('With more than one replica: at most one is evicted at a time'),
  priorityClassName: text(),
  nodeSelector: stringMap({ 'kubernetes.io/os': 'linux' }),
  tolerations: listAsInPod(),
  affinity: asInPod(),
  topologySpreadConstraints: listAsInPod().describe('Default: replicas on different nodes where possible'),
  podLabels: stringMap(),
  podAnnotations: stringMap(),
  podSecurityContext: asInPod().describe('Added to restricted Pod Security, such as an fsGroup'),
}).describe('The operator’s Deployment');

const modelPods = section({
  upgrade: z
    .enum(['OnNextChange', 'Rolling'])
    .default('OnNextChange')
    .describe(
      'When model pods take over what a new version of the operator renders: with the next change of their spec, or by themselves',
    ),
  upgradeMax: number(1, 1).describe('With Rolling: deployments that upgrade at once'),
}).describe('Model pods when the operator is upgraded (docs/upgrades.md)');

const monitoring = section({
  serviceMonitor: section({
    enabled: flag(false),
    interval: text('30s'),
    labels: stringMap().describe('By which your Prometheus selects ServiceMonitors'),
  }).describe('Of the operator; those of models are made by the operator (defaults.serviceMonitor)'),
  prometheusRule: section({
    enabled: flag(false),
    labels: stringMap().describe('By which your Prometheus selects rules'),
    disabled: names().describe('Alerts to leave out'),
    runbooks: text().describe('Where docs/runbooks can be read; with it each alert has a runbook_url'),
  }).describe('Alerts on operator and models'),
  dashboards: section({
    enabled: flag(false),
    labels: stringMap({ grafana_dashboard: '1' }).describe('By which Grafana’s sidecar finds them'),
    annotations: stringMap(),
    namespace: text().describe('Default: that of the release'),
  }).describe('ConfigMaps with dashboards for Grafana'),
}).describe('What needs prometheus-operator or Grafana in the cluster');

const networkPolicy = section({
  enabled: flag(true),
  from: listAsInPod().describe(
    'Peers that may read metrics, beside the pods of the release’s namespace and of defaults.monitoringNamespaces',
  ),
  restrictEgress: flag(false).describe(
    'Let the operator reach DNS, apiServerPorts at any address, and the gateways of model pods only',
  ),
  apiServerPorts: z.array(z.int().min(1).max(65_535)).default([443, 6443]),
}).describe('Of the operator; each model has its own');

/** Everything in values.yaml, in its order. */
const chartValues = z
  .strictObject({
    nameOverride: text().describe('In place of the name of the chart'),
    fullnameOverride: text().describe('In place of release and chart in the names of all objects'),
    image,
    imageRegistry: formed(registryForm).describe(
      'Registry, with a path if need be and without https://, that takes the place of the host in every image: image above and defaults.images',
    ),
    imagePullSecrets: names().describe('Names of Secrets in the namespace of the release, for the operator’s pods'),
    crds,
    watchNamespaces: names().describe('Empty: all. Otherwise Roles in these namespaces, and no ClusterRole'),
    rbac,
    serviceAccount,
    operator,
    modelPods,
    defaults: fileSchema
      .default({ images: runtimeImages })
      .describe('What applies to every deployment that says nothing else (docs/reference/operator.md)'),
    monitoring,
    networkPolicy,
    global: z.looseObject({}).nullish().describe('Not used; Helm hands it to every chart'),
  })
  .describe('Values of the chart local-model-operator');

/** A node of the JSON schema, as far as it is looked at here. */
export interface ValueNode {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  properties?: Readonly<Record<string, ValueNode>>;
}

/** As JSON Schema; draft 7, which Helm 3 and Helm 4 both read. */
export const valuesSchema = (): ValueNode =>
  z.toJSONSchema(chartValues, { target: 'draft-7', io: 'input' }) as unknown as ValueNode;

/** Values with members of their own, as opposed to one with a default. */
export const isSection = ({ properties, default: fallback }: ValueNode): boolean =>
  properties !== undefined && fallback === undefined;
