// How one revision takes the place of another.
import type { Settings } from '../api/defaults.ts';
import type { Choice } from '../placement/decision.ts';

/** As in a Deployment. */
export type Strategy =
  | { type: 'Recreate' }
  | { type: 'RollingUpdate'; rollingUpdate: { maxSurge: number; maxUnavailable: number } };

const recreate: Strategy = { type: 'Recreate' };
/** The new pod first: no moment without an answer. */
const surge: Strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
/** The old pod goes first, one at a time. */
const swap: Strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };

/** Whether several pods on several nodes may mount the claims at once. What others made we cannot know, so it counts as no. */
function claimsAreShared({ storage, model }: Settings): boolean {
  if (model.source.kind === 'Volume') return false;
  if (storage.kind === 'Ephemeral') return true;
  return storage.own && storage.accessModes.includes('ReadWriteMany');
}

/**
 * The strategy of the Deployment.
 *
 * Auto surges only where a new pod needs nothing that the old one holds. With one device or a claim for one node, a surging
 * pod waits for the old one, which waits for the new one to be ready: for ever (defilantech/LLMKube 192, kaito-project/airunway
 * 400, kserve/kserve 5452, vllm-project/aibrix 2537, NVIDIA/k8s-nim-operator 106). So there the old pod goes first. For a
 * single replica that is Recreate, which also waits until the old pod has let go of its volume.
 *
 * Who asks for RollingUpdate gets the same safe form of it.
 */
export function strategyOf(settings: Settings, { class: deviceClass }: Pick<Choice, 'class'>): Strategy {
  const contended = deviceClass !== 'CPU' || !claimsAreShared(settings);
  switch (settings.rollout.strategy) {
    case 'Recreate':
      return recreate;
    case 'RollingUpdate':
      return contended ? swap : surge;
    case 'Auto':
      if (!contended) return surge;
      return settings.replicas <= 1 ? recreate : swap;
  }
}
