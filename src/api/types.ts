// The resource as it is read from the API server, and where it is served.
import type { KubeObject, ObjectMeta, Resource } from '../kube/types.ts';
import type { Spec, Status } from './schema.ts';

export const GROUP = 'localmodels.dev';
export const VERSION = 'v1alpha1';
export const KIND = 'LocalModelDeployment';

export const localModelDeployments: Resource = {
  group: GROUP,
  version: VERSION,
  kind: KIND,
  plural: 'localmodeldeployments',
  namespaced: true,
};

/** As stored: the spec may be of an older or looser schema, so it is unknown until it has been parsed. */
export interface StoredDeployment extends KubeObject {
  metadata: ObjectMeta & { namespace: string; uid: string };
  spec?: unknown;
  status?: Status;
}

export interface LocalModelDeployment extends StoredDeployment {
  spec: Spec;
}

/** Annotations under our group, each with its one meaning. */
export const annotations = {
  /** Set by people: pods are replaced, and a tag is resolved anew. */
  restartedAt: `${GROUP}/restarted-at`,
  /** Set by people: the hardware decision is made again from the top of the ladder. */
  reselectHardware: `${GROUP}/reselect-hardware`,
  /** Set by people, on the deployment: take over the foreign objects that are in the way. */
  adopt: `${GROUP}/adopt`,
  /** On the workload: the hardware decision that shaped it (JSON). */
  decision: `${GROUP}/hardware-decision`,
  /** On the workload: the pod template as it was rendered (gzip, base64), kept over operator upgrades. */
  template: `${GROUP}/rendered-template`,
  /** On the workload: the revision that the template was rendered for. */
  revision: `${GROUP}/revision`,
} as const;

export const labels = {
  /** The selector, alone and for ever. */
  deployment: `${GROUP}/deployment`,
  revision: `${GROUP}/revision`,
} as const;

export const fieldManagers = { children: 'local-model-operator', status: 'local-model-operator-status' } as const;

/** Something about the spec that keeps it from being carried out, or that its owner should know. */
export interface Problem {
  /** Such as spec.model.name. */
  path: string;
  /** What is wrong and what to do. */
  message: string;
  /** Default InvalidSpec. */
  reason?: 'InvalidSpec' | 'UnsupportedField' | 'StorageMismatch';
}
