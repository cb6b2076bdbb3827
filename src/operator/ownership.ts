// Whose is an object that stands where a child of ours should? No object is taken from a controller that lives.
import { annotations, KIND, labels, type StoredDeployment } from '../api/types.ts';
import type { KubeObject } from '../kube/types.ts';
import { childKey, controllerOf } from './liveChild.ts';

export type Claim =
  | { kind: 'ours' }
  /** Nobody's, and ours by its labels (restored, retained), or handed over by the adopt annotation. */
  | { kind: 'adoptable' }
  /** Of a deployment with the same name that is gone; garbage collection will take it. */
  | { kind: 'leaving'; message: string }
  | { kind: 'foreign'; message: string };

/** What the adopt annotation names: `true` for all, or a list such as `Service/phi4-mini, ConfigMap/phi4-mini-lock`. */
function isHandedOver({ metadata }: StoredDeployment, object: KubeObject): boolean {
  const wish = metadata.annotations?.[annotations.adopt];
  if (!wish) return false;
  return wish === 'true' || wish.split(',').some((item) => item.trim() === childKey(object));
}

/**
 * Whether a pod was left by a deleted deployment of this name. It answers until the garbage collector comes, seconds later, and has
 * our labels and perhaps our revision. A pod that is older than its deployment is ours where the workload is older too: taken over.
 */
export function isLeftOver(pod: KubeObject, { metadata }: StoredDeployment, workload: KubeObject | undefined): boolean {
  const isOlder = ({ metadata: { creationTimestamp: born } }: KubeObject) =>
    born !== undefined && metadata.creationTimestamp !== undefined && born < metadata.creationTimestamp;
  return isOlder(pod) && !(workload && isOlder(workload));
}

/** Decides whose `live` is, seen from `deployment`. */
export function claimOn(live: KubeObject, deployment: StoredDeployment): Claim {
  const controller = controllerOf(live);
  const what = childKey(live);
  if (controller?.uid === deployment.metadata.uid) return { kind: 'ours' };
  if (controller?.kind === KIND && controller.name === deployment.metadata.name)
    return {
      kind: 'leaving',
      message: `${what} belongs to a deleted deployment of this name; waiting until it is gone`,
    };
  if (controller)
    return {
      kind: 'foreign',
      message: `${what} is controlled by ${controller.kind}/${controller.name}; rename this deployment, or delete ${what}`,
    };
  if (live.metadata.labels?.[labels.deployment] === deployment.metadata.name) return { kind: 'adoptable' };
  if (isHandedOver(deployment, live)) return { kind: 'adoptable' };
  return {
    kind: 'foreign',
    message: `${what} exists and is not ours; delete it, rename this deployment, or hand it over with the annotation ${annotations.adopt}=${what}`,
  };
}
