// How many pods a node drain may take at once.
import type { ChildInput } from './input.ts';
import { childMetadata, childNames, selectorLabels } from './metadata.ts';
import type { Child } from './pod.ts';

/** Undefined for a single replica: a budget would then only block drains. */
export function disruptionBudget(input: ChildInput): Child | undefined {
  const { name, settings } = input;
  if (settings.replicas <= 1) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: childMetadata(input, childNames(name).disruptionBudget, 'disruption-budget'),
    spec: {
      maxUnavailable: settings.maxUnavailable,
      // A pod that serves nothing protects nobody; without this a broken model blocks the drain of its node for ever.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorLabels(name) },
    },
  };
}
