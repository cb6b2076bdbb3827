// Names and labels of everything that a deployment owns. The selector label is one, and for ever: a Deployment's selector
// cannot be changed, so nothing that may one day read differently belongs in it.
import { GROUP, KIND, labels, VERSION } from '../api/types.ts';
import type { ObjectMeta, OwnerReference } from '../kube/types.ts';
import type { ChildInput } from './input.ts';

/** What a child is to the deployment; the value of app.kubernetes.io/component. */
export type Component = 'model-server' | 'metrics' | 'network-policy' | 'lock' | 'store' | 'disruption-budget';

/** Names of the children. A deployment's name has at most 50 characters, so that all of these fit a label (63). */
export function childNames(name: string) {
  return {
    deployment: name,
    clientService: name,
    metricsService: `${name}-metrics`,
    networkPolicy: name,
    serviceMonitor: name,
    lock: `${name}-lock`,
    claim: `${name}-models`,
    disruptionBudget: name,
  } as const;
}

/** The one label that selects the pods of a deployment. */
export const selectorLabels = (name: string) => ({ [labels.deployment]: name });

/** Labels of every child, and of the pods. No version among them: they must not change with the operator. */
export function childLabels(name: string, component: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'local-model',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/managed-by': 'local-model-operator',
    'app.kubernetes.io/part-of': 'local-models',
    ...selectorLabels(name),
  };
}

const ownerReference = (name: string, uid: string): OwnerReference => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: KIND,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

interface Extras {
  /** Labels beside ours; they never replace one of ours. */
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** False: the child outlives the deployment, so nothing may own it. */
  owned?: boolean;
}

type ChildMeta = ObjectMeta & { namespace: string };

/** Metadata of the child called `childName` of the deployment in `input`. */
export function childMetadata(
  { name, namespace, uid }: Pick<ChildInput, 'name' | 'namespace' | 'uid'>,
  childName: string,
  component: Component,
  { labels: extraLabels, annotations, owned = true }: Extras = {},
): ChildMeta {
  return {
    name: childName,
    namespace,
    labels: { ...extraLabels, ...childLabels(name, component) },
    ...(annotations && Object.keys(annotations).length > 0 && { annotations }),
    ...(owned && { ownerReferences: [ownerReference(name, uid)] }),
  };
}
