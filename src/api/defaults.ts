// What applies where the user said nothing. `settingsOf` fills every default in, so that planner and builders meet no
// optional choice; what it chose is mirrored in status.effective.
import type { Hardware, Rung } from './hardware.ts';
import type { Model } from './model.ts';
import { DRAIN_SECONDS, type Spec } from './schema.ts';

export interface ContainerResources {
  requests?: Record<string, string | number>;
  limits?: Record<string, string | number>;
}

/** As in the variables of the same names; at least one proxy. */
export interface PullProxy {
  httpsProxy?: string;
  httpProxy?: string;
  noProxy?: string;
}

/** What the chart decides for all deployments of this operator. */
export interface OperatorDefaults {
  images: {
    /** This release's own image: gateway and pull. */
    operator: string;
    ollama: string;
    ollamaRocm: string;
    foundryLocal: string;
    foundryLocalCuda: string;
  };
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  imagePullSecrets: string[];
  gatewayResources: ContainerResources;
  pullResources: ContainerResources;
  /** On the way of every pull to registries. Not for the runtime, which has nothing to fetch. */
  pullProxy?: PullProxy;
  serviceMonitor: { labels: Record<string, string> };
  /** Namespaces whose pods may scrape the admin port, beside the deployment's own. */
  monitoringNamespaces: string[];
  /** Where the operator runs, so that it may read the admin port; absent outside a cluster. */
  operatorNamespace?: string;
  /** User, group and volume group of model pods where ids are Fixed. */
  ids: { user: number; group: number; fsGroup: number };
}

/** Pinned per release: what it was tested with. */
export const OLLAMA_VERSION = '0.32.15';
export const FOUNDRY_LOCAL_VERSION = '1.2.3';

export const builtInDefaults: OperatorDefaults = {
  images: {
    operator: 'local-model-operator:dev',
    ollama: `docker.io/ollama/ollama:${OLLAMA_VERSION}`,
    ollamaRocm: `docker.io/ollama/ollama:${OLLAMA_VERSION}-rocm`,
    foundryLocal: `local-model-operator/foundry-local:${FOUNDRY_LOCAL_VERSION}-cpu`,
    foundryLocalCuda: `local-model-operator/foundry-local:${FOUNDRY_LOCAL_VERSION}-cuda12`,
  },
  imagePullSecrets: [],
  gatewayResources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } },
  pullResources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
  serviceMonitor: { labels: {} },
  monitoringNamespaces: [],
  ids: { user: 65532, group: 65532, fsGroup: 65532 },
};

export type Source =
  | ({ kind: 'Registry' } & NonNullable<NonNullable<Model['source']>['registry']>)
  | ({ kind: 'Image' } & NonNullable<NonNullable<Model['source']>['image']>)
  | ({ kind: 'Volume' } & NonNullable<NonNullable<Model['source']>['volume']>);

type Claim = NonNullable<NonNullable<Spec['storage']>['persistentVolumeClaim']>;

export type Storage =
  | { kind: 'Ephemeral'; sizeLimit?: string }
  | { kind: 'Claim'; claimName: string; own: false }
  | {
      kind: 'Claim';
      claimName: string;
      own: true;
      size: string;
      accessModes: string[];
      storageClassName?: string;
      whenDeleted: 'Delete' | 'Retain';
    };

/** The spec with every default filled in. */
export interface Settings {
  runtime: Spec['runtime'];
  /** The user's own image for the runtime, else the runtime's choice. */
  image?: string;
  replicas: number;
  paused: boolean;
  model: Omit<Model, 'source' | 'servedNames' | 'verify'> & {
    source: Source;
    servedNames: string[];
    verify: NonNullable<Model['verify']>;
  };
  ladder: Rung[];
  fallbackAfterSeconds: number;
  residency: NonNullable<Hardware['residency']>;
  performance: {
    maxContext: number;
    parallel: number;
    batchSize?: number;
    threads?: number;
    loadTimeoutSeconds: number;
  };
  ollama: NonNullable<Spec['ollama']>;
  api: {
    port: number;
    protocols: ('OpenAI' | 'Native' | 'Anthropic')[];
    authSecret?: string;
    tlsSecret?: string;
    limits: {
      maxInFlight: number;
      maxQueue: number;
      queueTimeoutSeconds: number;
      requestTimeoutSeconds: number;
      maxBodyBytes: string;
    };
    audit: 'None' | 'Metadata';
  };
  storage: Storage;
  resources: NonNullable<Spec['resources']>;
  rollout: { strategy: 'Auto' | 'Recreate' | 'RollingUpdate'; progressDeadlineSeconds: number };
  serviceMonitor: { enabled: boolean; interval: string; labels: Record<string, string> };
  canary: { enabled: boolean; intervalSeconds: number; prompt?: string; expectContains?: string };
  service: { type: 'ClusterIP' | 'NodePort' | 'LoadBalancer'; headless: boolean; annotations: Record<string, string> };
  networkPolicy: {
    enabled: boolean;
    from?: NonNullable<NonNullable<NonNullable<Spec['network']>['policy']>['from']>;
    egress: 'None' | 'Pull';
  };
  maxUnavailable: number | string;
  pod: NonNullable<Spec['pod']>;
  terminationGracePeriodSeconds: number;
}

function sourceOf({ source }: Model): Source {
  if (source?.image) return { kind: 'Image', ...source.image };
  if (source?.volume) return { kind: 'Volume', ...source.volume };
  return { kind: 'Registry', ...source?.registry };
}

function storageOf(name: string, storage: Spec['storage']): Storage {
  const claim: Claim | undefined = storage?.persistentVolumeClaim;
  if (!claim)
    return { kind: 'Ephemeral', ...(storage?.ephemeral?.sizeLimit && { sizeLimit: storage.ephemeral.sizeLimit }) };
  if (claim.claimName) return { kind: 'Claim', claimName: claim.claimName, own: false };
  return {
    kind: 'Claim',
    claimName: `${name}-models`,
    own: true,
    size: claim.size ?? '',
    accessModes: claim.accessModes ?? ['ReadWriteOnce'],
    ...(claim.storageClassName && { storageClassName: claim.storageClassName }),
    whenDeleted: claim.whenDeleted ?? 'Delete',
  };
}

function apiOf(spec: Spec, parallel: number): Settings['api'] {
  const { port = 8080, protocols = ['OpenAI', 'Native'], auth, tls, limits, audit = 'None' } = spec.api ?? {};
  return {
    port,
    protocols,
    ...(auth && { authSecret: auth.secretRef.name }),
    ...(tls && { tlsSecret: tls.secretRef.name }),
    limits: {
      maxInFlight: limits?.maxInFlight ?? parallel,
      maxQueue: limits?.maxQueue ?? 64,
      queueTimeoutSeconds: limits?.queueTimeoutSeconds ?? 60,
      requestTimeoutSeconds: limits?.requestTimeoutSeconds ?? 600,
      maxBodyBytes: limits?.maxBodyBytes ?? '10Mi',
    },
    audit,
  };
}

/** A model that comes out of an image or a volume needs no network; nothing else may leave the pod. */
const egressNeeded = (source: Source): 'None' | 'Pull' => (source.kind === 'Registry' ? 'Pull' : 'None');

/** Fills in every default. `name` is the deployment's, for the names that derive from it. */
export function settingsOf(name: string, spec: Spec): Settings {
  const { hardware, performance, monitoring, network, pod = {} } = spec;
  const { source: _, servedNames, verify, ...model } = spec.model;
  const source = sourceOf(spec.model);
  const parallel = performance?.parallel ?? 1;
  const api = apiOf(spec, parallel);
  return {
    runtime: spec.runtime,
    ...(spec.image && { image: spec.image }),
    replicas: spec.replicas ?? 1,
    paused: spec.paused ?? false,
    model: { ...model, source, servedNames: servedNames ?? [spec.model.name], verify: verify ?? 'OnPull' },
    ladder: [hardware?.preferred ?? { class: 'CPU' }, ...(hardware?.fallback ?? [])],
    fallbackAfterSeconds: hardware?.fallbackAfterSeconds ?? 600,
    residency: hardware?.residency ?? 'Required',
    performance: {
      ...performance,
      maxContext: performance?.maxContext ?? 4096,
      parallel,
      loadTimeoutSeconds: performance?.loadTimeoutSeconds ?? 600,
    },
    ollama: spec.ollama ?? {},
    api,
    storage: storageOf(name, spec.storage),
    resources: spec.resources ?? {},
    rollout: {
      strategy: spec.rollout?.strategy ?? 'Auto',
      progressDeadlineSeconds: spec.rollout?.progressDeadlineSeconds ?? 1800,
    },
    serviceMonitor: {
      enabled: monitoring?.serviceMonitor?.enabled ?? true,
      interval: monitoring?.serviceMonitor?.interval ?? '30s',
      labels: monitoring?.serviceMonitor?.labels ?? {},
    },
    canary: {
      enabled: monitoring?.canary?.enabled ?? true,
      intervalSeconds: monitoring?.canary?.intervalSeconds ?? 60,
      ...(monitoring?.canary?.prompt && { prompt: monitoring.canary.prompt }),
      ...(monitoring?.canary?.expect?.contains && { expectContains: monitoring.canary.expect.contains }),
    },
    service: {
      type: network?.service?.type ?? 'ClusterIP',
      headless: network?.service?.headless ?? false,
      annotations: network?.service?.annotations ?? {},
    },
    networkPolicy: {
      enabled: network?.policy?.enabled ?? true,
      ...(network?.policy?.from && { from: network.policy.from }),
      egress: network?.policy?.egress ?? egressNeeded(source),
    },
    maxUnavailable: spec.disruption?.maxUnavailable ?? 1,
    pod,
    terminationGracePeriodSeconds:
      pod.terminationGracePeriodSeconds ??
      api.limits.requestTimeoutSeconds + DRAIN_SECONDS.lameDuck + DRAIN_SECONDS.unload,
  };
}
