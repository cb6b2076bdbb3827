// The LocalModelDeployment: the one place where its shape is written down. Types, CRD, reference docs and test data come
// from here (DESIGN §3). Defaults are not here: what the user did not say is filled in by src/api/defaults.ts and shown in
// status.effective, so that it is never taken for what the user said.
import * as z from 'zod';
import * as f from './fields.ts';
import { hardware } from './hardware.ts';
import { model } from './model.ts';
import { status } from './status.ts';

/** Ports inside the pod that are taken: the gateway's admin port and the runtimes' loopback ports. */
export const RESERVED_PORTS = { admin: 9090, ollama: 11434, foundryLocal: 5273 } as const;

/** Seconds that stopping a pod takes beside the longest request: lame duck before, unloading after (DESIGN §4). */
export const DRAIN_SECONDS = { lameDuck: 5, unload: 15 } as const;
const DEFAULT_REQUEST_TIMEOUT_SECONDS = 600;

const performance = z
  .strictObject({
    maxContext: z.int32().min(256).max(16_777_216).optional().describe('Tokens of context per request; default 4096.'),
    parallel: z
      .int32()
      .min(1)
      .max(256)
      .optional()
      .describe('Requests that the runtime works on at once; default 1. Memory grows with it.'),
    batchSize: z
      .int32()
      .min(1)
      .max(65_536)
      .optional()
      .describe('Tokens per batch while reading a prompt; default: the runtime decides.'),
    threads: z
      .int32()
      .min(1)
      .max(1024)
      .optional()
      .describe('CPU threads; default: the CPU limit, rounded down, at least 1.'),
    loadTimeoutSeconds: f
      .seconds(10, 86_400)
      .optional()
      .describe('Longest time that loading the model may take; default 600.'),
  })
  .describe('How the runtime runs the model.');

const ollama = z
  .strictObject({
    gpuLayers: z.int32().min(-1).max(10_000).optional().describe('Layers on the GPU; -1: as many as fit.'),
    flashAttention: z.boolean().optional().describe('Default: Ollama decides per model.'),
    kvCacheType: z.enum(['f16', 'q8_0', 'q4_0']).optional().describe('Precision of the key-value cache; default f16.'),
    modelfile: z
      .strictObject({
        system: z.string().max(65_536).optional().describe('System prompt.'),
        template: z.string().max(65_536).optional().describe('Prompt template, in Go template syntax.'),
        parameters: f
          .atomicListOf(z.strictObject({ name: z.string().min(1).max(64), value: z.string().max(1024) }), 64)
          .optional()
          .describe('Model parameters such as temperature; `stop` may stand several times.'),
        messages: f
          .atomicListOf(
            z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string().max(65_536) }),
            64,
          )
          .optional()
          .describe('A conversation that every chat begins with.'),
        adapters: f
          .mapOf(z.strictObject({ name: z.string().min(1).max(512), digest: f.digest.optional() }), 8, 'name')
          .optional()
          .describe('LoRA adapters, as Ollama references.'),
        license: z.string().max(262_144).optional(),
      })
      .optional()
      .describe('What a Modelfile would say, as fields. Becomes a derived model with a digest of its own.'),
  })
  .describe('What only Ollama has.');

const foundryLocal = z.strictObject({}).describe('What only Foundry Local has: nothing yet beyond the common fields.');

const api = f.cel(
  z
    .strictObject({
      port: z
        .int32()
        .min(1024)
        .max(65_535)
        .optional()
        .describe('Port of the API, in the pod and on the Service; default 8080.'),
      protocols: f
        .setOf(z.enum(['OpenAI', 'Native', 'Anthropic']), 3)
        .min(1)
        .optional()
        .describe('Route families that are open; default OpenAI and Native.'),
      auth: z
        .strictObject({
          secretRef: f.localRef('Secret with one API key per entry; the entry name is the client name.'),
        })
        .optional()
        .describe('Who may call; default: anybody who reaches the port.'),
      tls: z
        .strictObject({ secretRef: f.localRef('Secret with tls.crt and tls.key.') })
        .optional()
        .describe('Serve the API over TLS.'),
      limits: z
        .strictObject({
          maxInFlight: z
            .int32()
            .min(1)
            .max(10_000)
            .optional()
            .describe('Requests at the runtime at once; default: performance.parallel.'),
          maxQueue: z
            .int32()
            .min(0)
            .max(100_000)
            .optional()
            .describe('Requests that may wait; more get 429. Default 64.'),
          queueTimeoutSeconds: f.seconds(1, 86_400).optional().describe('Longest wait in the queue; default 60.'),
          requestTimeoutSeconds: f.seconds(1, 86_400).optional().describe('Longest time for one request; default 600.'),
          maxBodyBytes: f.size.optional().describe('Largest request body; default 10Mi.'),
        })
        .optional(),
      audit: z
        .enum(['Off', 'Metadata'])
        .optional()
        .describe('Metadata: one line per request without its text. Default Off.'),
    })
    .describe('The door that clients come in by.'),
  {
    rule: `!has(self.port) || !(self.port in [${Object.values(RESERVED_PORTS).join(', ')}])`,
    message: `port is taken inside the pod (${Object.values(RESERVED_PORTS).join(', ')}); choose another, such as 8080`,
    fieldPath: '.port',
  },
);

const claim = f.cel(
  z.strictObject({
    size: f
      .cel(f.size, {
        rule: 'quantity(self).compareTo(quantity(oldSelf)) >= 0',
        message: 'size can only grow; to shrink, make a new deployment with a smaller claim',
      })
      .optional(),
    storageClassName: f.objectName.optional().describe("Default: the cluster's default class."),
    accessModes: f
      .setOf(z.enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany', 'ReadOnlyMany']), 4)
      .min(1)
      .optional()
      .describe('Default ReadWriteOnce.'),
    claimName: f.objectName
      .optional()
      .describe('Use a claim that exists; the operator never changes, tidies or deletes it.'),
    whenDeleted: z
      .enum(['Delete', 'Retain'])
      .optional()
      .describe('What becomes of the claim when the deployment is deleted; default Delete.'),
  }),
  {
    rule: 'has(self.size) != has(self.claimName)',
    message: 'give either size (the operator makes the claim) or claimName (a claim that exists), not both or neither',
  },
  {
    rule: '!has(self.claimName) || !(has(self.storageClassName) || has(self.accessModes) || has(self.whenDeleted))',
    message:
      'claimName names a claim that exists; remove storageClassName, accessModes and whenDeleted, which its owner decides',
  },
  {
    rule: 'has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)',
    message: 'storageClassName cannot be changed; make a new deployment, or delete this one and its claim first',
    fieldPath: '.storageClassName',
  },
  {
    rule: 'has(self.accessModes) == has(oldSelf.accessModes) && (!has(self.accessModes) || self.accessModes == oldSelf.accessModes)',
    message: 'accessModes cannot be changed; make a new deployment, or delete this one and its claim first',
    fieldPath: '.accessModes',
  },
);

const storage = f.cel(
  z
    .strictObject({
      type: z.enum(['Ephemeral', 'PersistentVolumeClaim']).describe('Where the model is kept; default Ephemeral.'),
      ephemeral: z.strictObject({ sizeLimit: f.size.optional() }).optional(),
      persistentVolumeClaim: claim.optional(),
    })
    .describe('The cache of the model.'),
  {
    rule: "self.type == 'PersistentVolumeClaim' ? has(self.persistentVolumeClaim) && !has(self.ephemeral) : !has(self.persistentVolumeClaim)",
    message:
      'the member must match the type: persistentVolumeClaim with type PersistentVolumeClaim, ephemeral with type Ephemeral',
  },
);

const rollout = z.strictObject({
  strategy: z
    .enum(['Auto', 'Recreate', 'RollingUpdate'])
    .optional()
    .describe(
      'Auto (default): RollingUpdate unless a device or a ReadWriteOnce claim would make the new pod wait for the old one for ever.',
    ),
  progressDeadlineSeconds: f
    .seconds(30, 604_800)
    .optional()
    .describe('Counted from the last progress of the pull; default 1800.'),
});

const monitoring = z.strictObject({
  serviceMonitor: z
    .strictObject({
      enabled: z.boolean().optional().describe('Default true.'),
      interval: z
        .string()
        .max(16)
        .regex(/^[0-9]+(ms|s|m|h)$/, 'must be a duration such as 30s')
        .optional()
        .describe('Default 30s.'),
      labels: f.labels.optional(),
    })
    .optional(),
  canary: z
    .strictObject({
      enabled: z.boolean().optional().describe('Default true.'),
      intervalSeconds: f.seconds(5, 86_400).optional().describe('Default 60.'),
      prompt: z.string().min(1).max(4096).optional(),
      expect: z.strictObject({ contains: z.string().min(1).max(1024).optional() }).optional(),
    })
    .optional()
    .describe('A short prompt that is sent when nothing else was, to see that the model still answers.'),
});

const network = z.strictObject({
  service: z
    .strictObject({
      type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).optional().describe('Default ClusterIP.'),
      headless: z.boolean().optional().describe('Default false.'),
      annotations: f.annotations.optional(),
    })
    .optional(),
  policy: z
    .strictObject({
      enabled: z.boolean().optional().describe('Default true.'),
      from: f
        .atomicListOf(f.networkPeer, 32)
        .optional()
        .describe('Who may call the API; default: pods of the same namespace.'),
      egress: z
        .enum(['None', 'Pull'])
        .optional()
        .describe(
          'None: nothing leaves the pod. Pull: only what pulling needs. Default: None where the source needs none.',
        ),
    })
    .optional(),
});

const pod = z
  .strictObject({
    labels: f.labels.optional(),
    annotations: f.annotations.optional(),
    nodeSelector: f.nodeSelector.optional(),
    tolerations: f.tolerations.optional(),
    affinity: f.passedOn('As in a pod.').optional(),
    topologySpreadConstraints: f.mapOf(f.topologySpreadConstraint, 8, 'topologyKey', 'whenUnsatisfiable').optional(),
    priorityClassName: f.objectName.optional(),
    serviceAccountName: f.objectName
      .optional()
      .describe('No token is mounted; image pull secrets and policies may hang on it.'),
    imagePullSecrets: f.mapOf(z.strictObject({ name: f.objectName }), 16, 'name').optional(),
    env: f.env.optional(),
    securityContext: z
      .strictObject({
        ids: z
          .enum(['Fixed', 'Platform'])
          .optional()
          .describe('Platform: leave user and group ids to the cluster, as OpenShift wants. Default Fixed.'),
        runAsUser: z.int().min(1).optional(),
        runAsGroup: z.int().min(1).optional(),
        fsGroup: z.int().min(1).optional(),
        fsGroupChangePolicy: z.enum(['OnRootMismatch', 'Always']).optional(),
        supplementalGroups: f.setOf(z.int().min(0), 32).optional(),
        seLinuxOptions: z
          .strictObject({
            user: z.string().optional(),
            role: z.string().optional(),
            type: z.string().optional(),
            level: z.string().optional(),
          })
          .optional(),
      })
      .optional(),
    terminationGracePeriodSeconds: f.seconds(21, 172_800).optional().describe('Default: request timeout + 20.'),
  })
  .describe('What else the pods get.');

const graceRule: f.CelRule = {
  rule:
    '!has(self.pod) || !has(self.pod.terminationGracePeriodSeconds) || self.pod.terminationGracePeriodSeconds >= ' +
    `${DRAIN_SECONDS.lameDuck + DRAIN_SECONDS.unload} + (has(self.api) && has(self.api.limits) && has(self.api.limits.requestTimeoutSeconds) ` +
    `? self.api.limits.requestTimeoutSeconds : ${DEFAULT_REQUEST_TIMEOUT_SECONDS})`,
  message: `terminationGracePeriodSeconds would cut requests off; make it at least api.limits.requestTimeoutSeconds (default ${DEFAULT_REQUEST_TIMEOUT_SECONDS}) + ${DRAIN_SECONDS.lameDuck + DRAIN_SECONDS.unload}`,
  fieldPath: '.pod.terminationGracePeriodSeconds',
};

export const spec = f.cel(
  z.strictObject({
    runtime: f
      .cel(
        z.enum(['Ollama', 'FoundryLocal']),
        f.immutable('runtime', 'make a new deployment with the other runtime and delete this one'),
      )
      .describe('The server that runs the model.'),
    image: f.image.optional().describe('Image of the runtime; default: pinned per operator release.'),
    replicas: z
      .int32()
      .min(0)
      .max(1000)
      .optional()
      .describe('Pods; 0 stops the model and keeps everything else. Default 1.'),
    paused: z.boolean().optional().describe('Touch no child object, keep reporting status.'),
    model,
    hardware: hardware.optional(),
    performance: performance.optional(),
    ollama: ollama.optional(),
    foundryLocal: foundryLocal.optional(),
    api: api.optional(),
    storage: storage.optional(),
    resources: f.resources.optional(),
    rollout: rollout.optional(),
    monitoring: monitoring.optional(),
    network: network.optional(),
    disruption: z
      .strictObject({
        maxUnavailable: f
          .cel(
            z
              .union([
                z.int().min(1),
                z
                  .string()
                  .max(4)
                  .regex(/^[1-9][0-9]?%|100%$/),
              ])
              .meta({ 'x-kubernetes-int-or-string': true }),
          )
          .optional(),
      })
      .optional()
      .describe('How many pods a node drain may take at once; default 1. Only with more than one replica.'),
    pod: pod.optional(),
  }),
  {
    rule: "self.runtime == 'Ollama' || !has(self.ollama)",
    message: 'ollama belongs to runtime Ollama; remove it, or make the deployment with runtime Ollama',
    fieldPath: '.ollama',
  },
  {
    rule: "self.runtime == 'FoundryLocal' || !has(self.foundryLocal)",
    message:
      'foundryLocal belongs to runtime FoundryLocal; remove it, or make the deployment with runtime FoundryLocal',
    fieldPath: '.foundryLocal',
  },
  {
    rule: "self.runtime == 'Ollama' || !has(self.model.digest)",
    message: 'Foundry Local has no digest to pin; remove model.digest and give a full variant id as model.name',
    fieldPath: '.model.digest',
  },
  {
    rule:
      "self.runtime == 'Ollama' || !has(self.hardware) || ((!has(self.hardware.preferred) || !has(self.hardware.preferred.model) || !has(self.hardware.preferred.model.digest)) && " +
      '(!has(self.hardware.fallback) || self.hardware.fallback.all(rung, !has(rung.model) || !has(rung.model.digest))))',
    message:
      'Foundry Local has no digest to pin; remove the digest of the rung and give a full variant id as its model name',
    fieldPath: '.hardware',
  },
  {
    rule: '!has(self.storage) || !has(self.model.source) || !(has(self.model.source.image) || has(self.model.source.volume))',
    message: 'an image or a volume as source is the store already; remove storage',
    fieldPath: '.storage',
  },
  graceRule,
);

export const localModelDeployment = f.cel(
  z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: z.looseObject({ name: z.string() }),
    spec,
    status: status.optional(),
  }),
  {
    rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$')",
    message:
      'metadata.name becomes the name of a Service: at most 50 characters, lower-case letters, digits and -, beginning with a letter and ending with a letter or digit',
  },
);

export type Spec = z.output<typeof spec>;
export type Status = z.output<typeof status>;
