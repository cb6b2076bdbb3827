// The LocalModelDeployment: the one place where its shape is written down. Types, CRD, reference docs and test data come
// from here (docs/decisions/0004-zod-as-source.md). Defaults are not here: what the user did not say is filled in by
// src/api/defaults.ts and shown in status.effective, so that it is never taken for what the user said.
import * as z from 'zod';
import { api, network } from './access.ts';
import { cel, immutable, type StateRule } from './cel.ts';
import * as f from './fields.ts';
import { hardware, type Rung } from './hardware.ts';
import { model } from './model.ts';
import { disruption, monitoring, rollout } from './operations.ts';
import { pod } from './podFields.ts';
import { foundryLocal, ollama, performance } from './runtimeOptions.ts';
import { status } from './status.ts';
import { storage } from './storage.ts';

export { RESERVED_PORTS } from './access.ts';

/** Seconds that stopping a pod takes beside the longest request: lame duck before, unloading after. */
export const DRAIN_SECONDS = { lameDuck: 5, unload: 15 } as const;
const DEFAULT_REQUEST_TIMEOUT_SECONDS = 600;
const drain = DRAIN_SECONDS.lameDuck + DRAIN_SECONDS.unload;

const fields = z.strictObject({
  runtime: cel(
    z.enum(['Ollama', 'FoundryLocal']),
    immutable('runtime', 'make a new deployment with the other runtime and delete this one'),
  ).describe('The server that runs the model.'),
  image: f.image.optional().describe('Image of the runtime; default: pinned per operator release.'),
  replicas: z
    .int32()
    .min(0)
    .max(1000)
    .optional()
    .describe('Number of pods; 0 stops the model and keeps everything else. Default 1.')
    // The one default that the API server fills in: GET of the scale subresource answers 500 where the field is absent
    // (measured on 1.37), so no autoscaler could work.
    .meta({ default: 1 }),
  paused: z.boolean().optional().describe('Touch no child object, keep reporting status; default false.'),
  model,
  hardware: hardware.optional(),
  performance: performance.optional(),
  ollama: ollama.optional(),
  foundryLocal: foundryLocal.optional(),
  api: api.optional(),
  storage: storage.optional(),
  resources: f.resources
    .optional()
    .describe('CPU and memory of the runtime container. Devices come from the hardware ladder.'),
  rollout: rollout.optional(),
  monitoring: monitoring.optional(),
  network: network.optional(),
  disruption: disruption.optional(),
  pod: pod.optional(),
});

type Fields = z.output<typeof fields>;

const rungsOf = ({ hardware }: Fields): Rung[] => [
  ...(hardware?.preferred ? [hardware.preferred] : []),
  ...(hardware?.fallback ?? []),
];

/** CEL for: `test`, over `rung`, is true of every rung. */
const everyRung = (test: string): string =>
  `!has(self.hardware) || ((!has(self.hardware.preferred) || [self.hardware.preferred].all(rung, ${test})) && ` +
  `(!has(self.hardware.fallback) || self.hardware.fallback.all(rung, ${test})))`;

/** How a registry is reached that Ollama pulls from. */
const ollamaRegistry = ['mirrors', 'plainHttp', 'credentialsSecretRef', 'identitySecretRef', 'bandwidthLimit'] as const;

/** What belongs to one runtime is refused with the other. */
const runtimeRules: StateRule<Fields>[] = [
  {
    rule: "self.runtime == 'Ollama' || !has(self.ollama)",
    message: 'ollama belongs to runtime Ollama; remove it, or make the deployment with runtime Ollama',
    fieldPath: '.ollama',
    holds: (self) => self.runtime === 'Ollama' || self.ollama === undefined,
  },
  {
    rule: "self.runtime == 'FoundryLocal' || !has(self.foundryLocal)",
    message:
      'foundryLocal belongs to runtime FoundryLocal; remove it, or make the deployment with runtime FoundryLocal',
    fieldPath: '.foundryLocal',
    holds: (self) => self.runtime === 'FoundryLocal' || self.foundryLocal === undefined,
  },
  {
    rule: "self.runtime == 'Ollama' || !has(self.model.digest)",
    message: 'Foundry Local has no digest to pin; remove model.digest and give a full variant id as model.name',
    fieldPath: '.model.digest',
    holds: (self) => self.runtime === 'Ollama' || self.model.digest === undefined,
  },
  {
    rule: `self.runtime == 'Ollama' || ${everyRung('!has(rung.model) || !has(rung.model.digest)')}`,
    message:
      'Foundry Local has no digest to pin; remove model.digest of the rung and give a full variant id as its model.name',
    fieldPath: '.hardware',
    holds: (self) => self.runtime === 'Ollama' || rungsOf(self).every((rung) => rung.model?.digest === undefined),
  },
  {
    rule:
      "self.runtime == 'Ollama' || !has(self.model.source) || !has(self.model.source.registry) || !(" +
      ollamaRegistry.map((field) => `has(self.model.source.registry.${field})`).join(' || ') +
      ')',
    message: `Foundry Local pulls from its own catalog only; remove ${ollamaRegistry.join(', ')}, or use source.image or source.volume`,
    fieldPath: '.model.source.registry',
    holds: (self) =>
      self.runtime === 'Ollama' || ollamaRegistry.every((field) => self.model.source?.registry?.[field] === undefined),
  },
  {
    rule: "self.runtime == 'Ollama' || !has(self.api) || !has(self.api.protocols) || !('Anthropic' in self.api.protocols)",
    message: 'Foundry Local does not speak Anthropic; remove it from protocols',
    fieldPath: '.api.protocols',
    holds: (self) => self.runtime === 'Ollama' || !self.api?.protocols?.includes('Anthropic'),
  },
  {
    rule: "self.runtime == 'Ollama' || !has(self.performance) || !has(self.performance.batchSize)",
    message: 'Foundry Local has no batch size to set; remove batchSize',
    fieldPath: '.performance.batchSize',
    holds: (self) => self.runtime === 'Ollama' || self.performance?.batchSize === undefined,
  },
  {
    rule: "self.runtime == 'Ollama' || !has(self.performance) || !has(self.performance.parallel) || self.performance.parallel == 1",
    message: 'Foundry Local works on one request at a time; remove parallel and raise replicas',
    fieldPath: '.performance.parallel',
    holds: (self) => self.runtime === 'Ollama' || (self.performance?.parallel ?? 1) === 1,
  },
];

/** Choices that only make sense together. */
const fitRules: StateRule<Fields>[] = [
  {
    rule: `!has(self.model.digest) || ${everyRung('!has(rung.model) || !has(rung.model.name) || has(rung.model.digest)')}`,
    message: 'model.digest is of another model than the one that a rung names; give that rung a model.digest too',
    fieldPath: '.hardware',
    holds: (self) =>
      self.model.digest === undefined ||
      rungsOf(self).every(({ model: own }) => own?.name === undefined || own.digest !== undefined),
  },
  {
    rule: '!has(self.storage) || !has(self.model.source) || !(has(self.model.source.image) || has(self.model.source.volume))',
    message: 'an image or a volume as source is the store already; remove storage',
    fieldPath: '.storage',
    holds: ({ storage: store, model: { source } }) => store === undefined || !(source?.image ?? source?.volume),
  },
  {
    rule:
      "!has(self.network) || !has(self.network.policy) || !has(self.network.policy.egress) || self.network.policy.egress != 'None' || " +
      '(has(self.network.policy.enabled) && !self.network.policy.enabled) || ' +
      '(has(self.model.source) && (has(self.model.source.image) || has(self.model.source.volume))) || ' +
      '(has(self.storage) && has(self.storage.persistentVolumeClaim))',
    message:
      'with egress None nothing can be pulled; take the model from an image, a volume or a claim that holds it, or set egress Pull',
    fieldPath: '.network.policy.egress',
    holds: ({ network: net, model: { source }, storage: store }) =>
      net?.policy?.egress !== 'None' ||
      net.policy.enabled === false ||
      (source?.image ?? source?.volume ?? store?.persistentVolumeClaim) !== undefined,
  },
  {
    rule:
      '!has(self.replicas) || self.replicas <= 1 || !has(self.storage) || !has(self.storage.persistentVolumeClaim) || ' +
      "!has(self.storage.persistentVolumeClaim.accessModes) || !('ReadWriteOncePod' in self.storage.persistentVolumeClaim.accessModes)",
    message: 'a ReadWriteOncePod claim serves one pod; set replicas to 1, or use a claim with ReadWriteMany',
    fieldPath: '.replicas',
    holds: ({ replicas = 1, storage: store }) =>
      replicas <= 1 || !store?.persistentVolumeClaim?.accessModes?.includes('ReadWriteOncePod'),
  },
  {
    rule:
      '!has(self.pod) || !has(self.pod.terminationGracePeriodSeconds) || self.pod.terminationGracePeriodSeconds >= ' +
      `${drain} + (has(self.api) && has(self.api.limits) && has(self.api.limits.requestTimeoutSeconds) ` +
      `? self.api.limits.requestTimeoutSeconds : ${DEFAULT_REQUEST_TIMEOUT_SECONDS})`,
    message: `terminationGracePeriodSeconds would cut requests off; make it at least api.limits.requestTimeoutSeconds (default ${DEFAULT_REQUEST_TIMEOUT_SECONDS}) + ${drain}`,
    fieldPath: '.pod.terminationGracePeriodSeconds',
    holds: ({ pod: own, api: door }) =>
      (own?.terminationGracePeriodSeconds ?? Number.POSITIVE_INFINITY) >=
      drain + (door?.limits?.requestTimeoutSeconds ?? DEFAULT_REQUEST_TIMEOUT_SECONDS),
  },
];

export const spec = cel(fields, ...runtimeRules, ...fitRules).describe('What is wanted.');

const NAME = '^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$';

const root = z.strictObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.looseObject({ name: z.string() }),
  spec,
  status: status.optional(),
});

export const localModelDeployment = cel(root, {
  rule: `self.metadata.name.matches('${NAME}')`,
  message:
    'metadata.name becomes the name of a Service: at most 50 characters, lower-case letters, digits and -, beginning with a letter and ending with a letter or digit',
  fieldPath: '.metadata.name',
  holds: ({ metadata }) => new RegExp(NAME).test(metadata.name),
}).describe('A language model that is served on the cluster.');

export type Spec = z.output<typeof spec>;
export type Status = z.output<typeof status>;
