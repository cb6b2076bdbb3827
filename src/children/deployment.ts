// The workload: as many pods of one template as the user wants.
import type { Choice } from '../placement/decision.ts';
import type { ChildInput } from './input.ts';
import { childMetadata, childNames, selectorLabels } from './metadata.ts';
import type { Child, PodTemplate } from './pod.ts';
import { strategyOf } from './rollout.ts';

/** The greatest int32, by which the Deployment controller understands "no deadline". */
const NO_DEADLINE = 2_147_483_647;

export interface Workload {
  choice: Choice;
  /** As this operator renders it, or as an older one did and it was recorded. */
  template: PodTemplate;
  /** What is recorded with the workload: revision, decision, rendered template. */
  annotations: Record<string, string>;
}

export function deployment(input: ChildInput, { choice, template, annotations }: Workload): Child {
  const { name, settings } = input;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: childMetadata(input, childNames(name).deployment, 'model-server', { annotations }),
    spec: {
      replicas: settings.replicas,
      selector: { matchLabels: selectorLabels(name) },
      strategy: strategyOf(settings, choice),
      revisionHistoryLimit: 2,
      minReadySeconds: 0,
      // The controller counts from the last change of a pod's readiness, so a long pull looks to it like no progress. The
      // operator counts from the last byte (rollout.progressDeadlineSeconds) and says so in its own conditions.
      progressDeadlineSeconds: NO_DEADLINE,
      template,
    },
  };
}
