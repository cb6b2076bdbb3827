// For each rule of the CRD a spec that breaks it and the nearest one that keeps it. Rules are known by their message.
import type { Spec } from '../../src/api/schema.ts';

type Change = { [K in keyof Spec]?: unknown };

type ResourceLists = Record<'requests' | 'limits', Record<string, string | number>>;

export interface Case {
  /** How the message of the rule begins. */
  rule: string;
  bad: Change;
  good: Change;
  /** Present for rules on changes: what is stored before. */
  stored?: Change;
  /** The field that is blamed. */
  field: string;
}

/** Every case changes this. */
export const base: Spec = { runtime: 'Ollama', model: { name: 'phi4-mini:3.8b' } };

const foundry = { runtime: 'FoundryLocal', model: { name: 'Phi-4-mini-instruct-generic-cpu:5' } };
const digest = `sha256:${'0'.repeat(64)}`;
const claim = (persistentVolumeClaim: object) => ({
  storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim },
});
const preferred = (rung: object) => ({ hardware: { preferred: rung } });
const source = (given: object) => ({ model: { name: 'a', source: given } });
const env = (variable: object) => ({ pod: { env: [variable] } });
const secretKeyRef = { name: 'proxy', key: 'url' };
const parameters = (name: string) => ({ ollama: { modelfile: { parameters: [{ name, value: '1' }] } } });
const egress = (rest: object) => ({ network: { policy: { egress: 'None' } }, ...rest });

const runtimeCases: Case[] = [
  { rule: 'ollama belongs', field: 'spec.ollama', bad: { ...foundry, ollama: {} }, good: { ollama: {} } },
  {
    rule: 'foundryLocal belongs',
    field: 'spec.foundryLocal',
    bad: { foundryLocal: {} },
    good: { ...foundry, foundryLocal: {} },
  },
  {
    rule: 'Foundry Local has no digest to pin; remove model.digest and',
    field: 'spec.model.digest',
    bad: { ...foundry, model: { ...foundry.model, digest } },
    good: { model: { name: 'a', digest } },
  },
  {
    rule: 'Foundry Local has no digest to pin; remove model.digest of the rung',
    field: 'spec.hardware',
    bad: { ...foundry, hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU', model: { digest } }] } },
    good: { ...foundry, hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU', model: { name: 'b' } }] } },
  },
  {
    rule: 'Foundry Local pulls from its own catalog only',
    field: 'spec.model.source.registry',
    bad: { ...foundry, ...source({ registry: { mirrors: ['https://mirror.example.org'] } }) },
    good: { ...foundry, ...source({ registry: { caBundleRef: { kind: 'ConfigMap', name: 'ca', key: 'ca.crt' } } }) },
  },
  {
    rule: 'Foundry Local does not speak Anthropic',
    field: 'spec.api.protocols',
    bad: { ...foundry, api: { protocols: ['OpenAI', 'Anthropic'] } },
    good: { api: { protocols: ['OpenAI', 'Anthropic'] } },
  },
  {
    rule: 'Foundry Local has no batch size',
    field: 'spec.performance.batchSize',
    bad: { ...foundry, performance: { batchSize: 512 } },
    good: { performance: { batchSize: 512 } },
  },
  {
    rule: 'Foundry Local works on one request at a time',
    field: 'spec.performance.parallel',
    bad: { ...foundry, performance: { parallel: 2 } },
    good: { ...foundry, performance: { parallel: 1 } },
  },
];

const modelCases: Case[] = [
  {
    rule: 'model.digest is of another model',
    field: 'spec.hardware',
    bad: { model: { name: 'a', digest }, ...preferred({ class: 'GPU', model: { name: 'b' } }) },
    good: { model: { name: 'a', digest }, ...preferred({ class: 'GPU', model: { name: 'b', digest } }) },
  },
  {
    rule: 'a model comes from one source',
    field: 'spec.model.source',
    bad: source({ registry: {}, volume: { claimName: 'models' } }),
    good: source({ volume: { claimName: 'models' } }),
  },
  {
    rule: 'path must stay inside the volume',
    field: 'spec.model.source.volume.path',
    bad: source({ volume: { claimName: 'models', path: 'a/../../b' } }),
    good: source({ volume: { claimName: 'models', path: 'a/b..c' } }),
  },
  {
    rule: 'this parameter has a field of its own',
    field: 'spec.ollama.modelfile.parameters[0].name',
    bad: parameters('num_ctx'),
    good: parameters('temperature'),
  },
];

const hardwareCases: Case[] = [
  {
    rule: 'fallback needs something to fall back from',
    field: 'spec.hardware.preferred',
    bad: { hardware: { fallback: [{ class: 'CPU' }] } },
    good: { hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU' }] } },
  },
  {
    rule: 'a CPU rung asks for no device',
    field: 'spec.hardware.fallback[0]',
    bad: { hardware: { preferred: { class: 'GPU', count: 2 }, fallback: [{ class: 'CPU', count: 2 }] } },
    good: { hardware: { preferred: { class: 'GPU', count: 2 }, fallback: [{ class: 'CPU' }] } },
  },
  {
    rule: 'resourceName and resourceClaims are two ways',
    field: 'spec.hardware.preferred',
    bad: preferred({
      class: 'GPU',
      resourceName: 'nvidia.com/gpu',
      resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }],
    }),
    good: preferred({ class: 'GPU', resourceName: 'nvidia.com/gpu' }),
  },
  {
    rule: 'with resourceClaims the claim says how many',
    field: 'spec.hardware.preferred',
    bad: preferred({ class: 'GPU', count: 1, resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }),
    good: preferred({ class: 'GPU', resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }),
  },
  {
    rule: 'give either resourceClaimName or',
    field: 'spec.hardware.preferred.resourceClaims[0]',
    bad: preferred({ class: 'GPU', resourceClaims: [{ name: 'gpu' }] }),
    good: preferred({ class: 'GPU', resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpu' }] }),
  },
  {
    rule: 'devices come from the hardware ladder',
    field: 'spec.resources',
    bad: { resources: { limits: { 'nvidia.com/gpu': 1 } } },
    good: { resources: { limits: { 'ephemeral-storage': '20Gi' } } },
  },
  {
    rule: 'a request is larger than its limit',
    field: 'spec.resources',
    bad: { resources: { requests: { cpu: 2, memory: '1.5Gi' }, limits: { cpu: 4, memory: '1535Mi' } } },
    good: { resources: { requests: { cpu: '4000m', memory: '1.5Gi' }, limits: { cpu: 4, memory: '1536Mi' } } },
  },
];

const storageCases: Case[] = [
  {
    rule: 'an image or a volume as source is the store already',
    field: 'spec.storage',
    bad: { ...source({ image: { reference: 'a/b:1' } }), storage: { type: 'Ephemeral' } },
    good: { ...source({ registry: {} }), storage: { type: 'Ephemeral' } },
  },
  {
    rule: 'the member must match the type',
    field: 'spec.storage',
    bad: { storage: { persistentVolumeClaim: { size: '20Gi' } } },
    good: claim({ size: '20Gi' }),
  },
  {
    rule: 'give either size',
    field: 'spec.storage.persistentVolumeClaim',
    bad: claim({ size: '20Gi', claimName: 'models' }),
    good: claim({ claimName: 'models' }),
  },
  {
    rule: 'claimName names a claim that exists',
    field: 'spec.storage.persistentVolumeClaim',
    bad: claim({ claimName: 'models', whenDeleted: 'Retain' }),
    good: claim({ size: '20Gi', whenDeleted: 'Retain' }),
  },
  {
    rule: 'ReadWriteOncePod cannot be combined',
    field: 'spec.storage.persistentVolumeClaim.accessModes',
    bad: claim({ size: '20Gi', accessModes: ['ReadWriteOncePod', 'ReadWriteMany'] }),
    good: claim({ size: '20Gi', accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }),
  },
  {
    rule: 'a ReadWriteOncePod claim serves one pod',
    field: 'spec.replicas',
    bad: { replicas: 2, ...claim({ size: '20Gi', accessModes: ['ReadWriteOncePod'] }) },
    good: { replicas: 2, ...claim({ size: '20Gi', accessModes: ['ReadWriteOnce'] }) },
  },
  {
    rule: 'must be more than nothing',
    field: 'spec.storage.persistentVolumeClaim.size',
    bad: claim({ size: '0.0Gi' }),
    good: claim({ size: '0.1Gi' }),
  },
];

const changeCases: Case[] = [
  { rule: 'runtime cannot be changed', field: 'spec.runtime', stored: {}, bad: foundry, good: { paused: true } },
  {
    rule: 'size can only grow',
    field: 'spec.storage.persistentVolumeClaim.size',
    stored: claim({ size: '20Gi' }),
    bad: claim({ size: '20000Mi' }),
    good: claim({ size: '20480Mi' }),
  },
  {
    rule: 'storageClassName cannot be changed',
    field: 'spec.storage.persistentVolumeClaim.storageClassName',
    stored: claim({ size: '20Gi', storageClassName: 'fast' }),
    bad: claim({ size: '20Gi' }),
    good: claim({ claimName: 'models' }),
  },
  {
    rule: 'accessModes cannot be changed',
    field: 'spec.storage.persistentVolumeClaim.accessModes',
    stored: claim({ size: '20Gi', accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }),
    bad: claim({ size: '20Gi', accessModes: ['ReadWriteMany'] }),
    good: claim({ size: '30Gi', accessModes: ['ReadWriteMany', 'ReadWriteOnce'] }),
  },
];

const accessCases: Case[] = [
  { rule: 'port is taken', field: 'spec.api.port', bad: { api: { port: 9090 } }, good: { api: { port: 9091 } } },
  {
    rule: 'with egress None nothing can be pulled',
    field: 'spec.network.policy.egress',
    bad: egress({}),
    good: egress(claim({ claimName: 'models' })),
  },
  {
    rule: 'give either ipBlock, or',
    field: 'spec.network.policy.from[0]',
    bad: { network: { policy: { from: [{}] } } },
    good: { network: { policy: { from: [{ namespaceSelector: {} }] } } },
  },
  {
    rule: 'a headless Service has no address',
    field: 'spec.network.service.headless',
    bad: { network: { service: { type: 'NodePort', headless: true } } },
    good: { network: { service: { type: 'ClusterIP', headless: true } } },
  },
];

const podCases: Case[] = [
  {
    rule: 'labels under',
    field: 'spec.pod.labels',
    bad: { pod: { labels: { 'app.kubernetes.io/name': 'mine' } } },
    good: { pod: { labels: { 'example.org/name': 'mine' } } },
  },
  {
    rule: 'annotations under',
    field: 'spec.pod.annotations',
    bad: { pod: { annotations: { 'localmodels.dev/revision': 'mine' } } },
    good: { pod: { annotations: { 'example.org/revision': 'mine' } } },
  },
  {
    rule: 'value and valueFrom exclude each other',
    field: 'spec.pod.env[0]',
    bad: env({ name: 'A', value: '', valueFrom: { secretKeyRef } }),
    good: env({ name: 'A', valueFrom: { secretKeyRef } }),
  },
  {
    rule: 'give either secretKeyRef or',
    field: 'spec.pod.env[0].valueFrom',
    bad: env({ name: 'A', valueFrom: { secretKeyRef, configMapKeyRef: secretKeyRef } }),
    good: env({ name: 'A', valueFrom: { configMapKeyRef: secretKeyRef } }),
  },
  {
    rule: 'with ids: Platform the cluster chooses',
    field: 'spec.pod.securityContext',
    bad: { pod: { securityContext: { ids: 'Platform', fsGroup: 1000 } } },
    good: { pod: { securityContext: { ids: 'Fixed', fsGroup: 1000 } } },
  },
  {
    rule: 'terminationGracePeriodSeconds would cut requests off',
    field: 'spec.pod.terminationGracePeriodSeconds',
    bad: { pod: { terminationGracePeriodSeconds: 619 } },
    good: { pod: { terminationGracePeriodSeconds: 80 }, api: { limits: { requestTimeoutSeconds: 60 } } },
  },
];

/** The rule on metadata.name has a test of its own: it is about no field of the spec. */
export const NAME_RULE = 'metadata.name becomes the name of a Service';

export const cases: readonly Case[] = [
  ...runtimeCases,
  ...modelCases,
  ...hardwareCases,
  ...storageCases,
  ...changeCases,
  ...accessCases,
  ...podCases,
];

/** A request over its limit, where one of the two or both are no strings: each way that the rule has to compare them. */
export const comparisons: { bad: ResourceLists; good: ResourceLists }[] = [
  {
    bad: { requests: { cpu: 5 }, limits: { cpu: '4999m' } },
    good: { requests: { cpu: 5 }, limits: { cpu: '5000m' } },
  },
  {
    bad: { requests: { cpu: '4001m' }, limits: { cpu: 4 } },
    good: { requests: { cpu: '4000m' }, limits: { cpu: 4 } },
  },
  {
    bad: { requests: { memory: 3 }, limits: { memory: 2 } },
    good: { requests: { memory: 2 }, limits: { memory: 2 } },
  },
  {
    bad: { requests: { memory: '1.5Gi' }, limits: { memory: '1535Mi' } },
    good: { requests: { memory: '1.5Gi' }, limits: { cpu: 1 } },
  },
];
