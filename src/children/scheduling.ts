// Where a pod may run: what the user asks for, what the rung asks for, and what the chosen device needs.
import type { PodInput } from './input.ts';
import { selectorLabels } from './metadata.ts';

/** A list without the items that say the same as one before them. */
function distinct<T>(items: readonly T[]): T[] {
  const seen = new Map<string, T>();
  for (const item of items) {
    const text = JSON.stringify(item);
    if (!seen.has(text)) seen.set(text, item);
  }
  return [...seen.values()];
}

const unlessEmpty = <T>(field: string, items: readonly T[] | undefined) =>
  items && items.length > 0 ? { [field]: items } : {};

/** Without a selector a constraint counts no pod at all, so it would be accepted and do nothing. */
function spreadOf({ name, settings }: PodInput) {
  return settings.pod.topologySpreadConstraints?.map((constraint) => ({
    ...constraint,
    labelSelector: constraint.labelSelector ?? { matchLabels: selectorLabels(name) },
  }));
}

/** The fields of a pod spec that the scheduler reads. */
export function scheduling(input: PodInput): Record<string, unknown> {
  const { rung, choice } = input;
  const { nodeSelector, tolerations, affinity, priorityClassName } = input.settings.pod;
  return {
    nodeSelector: { ...nodeSelector, ...choice.nodeSelector, ...rung.nodeSelector, 'kubernetes.io/os': 'linux' },
    ...unlessEmpty(
      'tolerations',
      distinct([...(tolerations ?? []), ...(rung.tolerations ?? []), ...(choice.tolerations ?? [])]),
    ),
    ...(affinity && { affinity }),
    ...unlessEmpty('topologySpreadConstraints', spreadOf(input)),
    ...(priorityClassName && { priorityClassName }),
    ...(rung.runtimeClassName && { runtimeClassName: rung.runtimeClassName }),
    ...unlessEmpty('resourceClaims', rung.resourceClaims),
  };
}
