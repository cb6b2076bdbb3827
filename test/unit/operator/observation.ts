// What a plan is made from, made up: a deployment, its pods, and the children as an earlier plan would have left them.
import { builtInDefaults } from '../../../src/api/defaults.ts';
import type { Spec, Status } from '../../../src/api/schema.ts';
import type { Condition } from '../../../src/api/status.ts';
import { GROUP, KIND, labels, type StoredDeployment, VERSION } from '../../../src/api/types.ts';
import type { Child } from '../../../src/children/pod.ts';
import { desiredHash } from '../../../src/kube/ownedFields.ts';
import { childKey, type LiveChild, trimChild } from '../../../src/operator/liveChild.ts';
import type { Applied, Observed } from '../../../src/operator/observed.ts';
import { type Plan, plan } from '../../../src/operator/plan.ts';
import type { ContainerFacts, PodFacts } from '../../../src/operator/podFacts.ts';

export const NOW = Date.UTC(2026, 10, 22, 12);
export const UID = '0b9f4c52-6f0e-4f65-9c1e-3c1f4a0f6d11';
export const config = { defaults: builtInDefaults };
export const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
export const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
export const nothingFailed: Applied = { failures: [], writes: 0 };

export const spec = (more: Partial<Spec> = {}): Spec => ({
  runtime: 'Ollama',
  model: { name: 'qwen2.5:0.5b' },
  ...more,
});

export function deployment(
  given: unknown = spec(),
  more: Partial<StoredDeployment['metadata']> = {},
): StoredDeployment {
  return {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: KIND,
    metadata: { name: 'model', namespace: 'ai', uid: UID, generation: 1, resourceVersion: '1', ...more },
    spec: given,
  };
}

/** A child as the cache has it after the server took what was applied. */
export function live(child: Child, more: Partial<LiveChild> = {}): LiveChild {
  const trimmed = trimChild({ ...child, metadata: { ...child.metadata, uid: `uid of ${childKey(child)}` } });
  return { ...trimmed, owned: desiredHash(child), ...more };
}

export const liveMap = (children: readonly Child[]): Map<string, LiveChild> =>
  new Map(children.map((child) => [childKey(child), live(child)]));

export function observed(more: Partial<Observed> = {}): Observed {
  return {
    key: 'ai/model',
    deployment: deployment(),
    children: new Map(),
    forbiddenKinds: new Set(),
    pods: [],
    serviceMonitors: 'absent',
    podWarnings: new Map(),
    gateways: new Map(),
    mayUpgrade: false,
    ...more,
  };
}

/** The observation after `before` was planned and carried out, and its status written. */
export function carriedOut(before: Observed, more: Partial<Observed> = {}, now = NOW): Observed {
  const next = plan(before, config, now);
  return {
    ...before,
    children: new Map([...before.children, ...liveMap(next.children)]),
    deployment: { ...before.deployment, status: next.status(nothingFailed) },
    ...more,
  };
}

export const revisionIn = (next: Plan): string => next.status(nothingFailed).revision ?? '';

const container = (name: string, init: boolean, more: Partial<ContainerFacts> = {}): ContainerFacts => ({
  name,
  init,
  ready: true,
  started: true,
  restarts: 0,
  startedAt: at(0),
  ...more,
});

export const report = (facts: object): string => JSON.stringify({ reason: 'Done', message: '', ...facts });

export interface PodChoices {
  name?: string;
  revision: string;
  /** Seconds after NOW. */
  createdAt?: number;
  pod?: Partial<PodFacts['pod']>;
  metadata?: Partial<PodFacts['metadata']>;
  gateway?: Partial<ContainerFacts>;
  pull?: Partial<ContainerFacts>;
  main?: Partial<ContainerFacts>;
}

/** A pod that answers, unless told otherwise. */
export function pod({
  name = 'model-1',
  revision,
  createdAt = 0,
  pod: facts,
  metadata,
  ...given
}: PodChoices): PodFacts {
  const pulled = { terminated: { exitCode: 0, reason: 'Completed', message: report({ digest: digest('a') }) } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ai',
      uid: `uid of ${name}`,
      creationTimestamp: at(createdAt),
      labels: { [labels.deployment]: 'model' },
      ...metadata,
    },
    pod: {
      revision,
      node: 'node-1',
      phase: 'Running',
      ready: true,
      scheduledAt: at(createdAt),
      containers: [
        container('gateway', true, given.gateway),
        container('pull', true, given.pull ?? pulled),
        container('ollama', false, given.main),
      ],
      ...facts,
    },
  };
}

export const notReady = { ready: false, phase: 'Pending' } as const;

export const conditionIn = (status: Status, type: string): Condition | undefined =>
  status.conditions?.find((condition) => condition.type === type);

/** `Ready=True Serving` and so on, by type. */
export const faceOf = (status: Status): Record<string, string> =>
  Object.fromEntries((status.conditions ?? []).map(({ type, status: value, reason }) => [type, `${value} ${reason}`]));
