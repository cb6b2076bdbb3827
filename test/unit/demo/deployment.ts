// Deployments as the API server would hand them out, for tests of what the demo makes of them.
import type { Condition } from '../../../src/api/status.ts';
import type { StoredDeployment } from '../../../src/api/types.ts';

type Judgement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export const says = (type: string, status: Condition['status'], reason: string, message = ''): Judgement => ({
  type,
  status,
  reason,
  message,
});

export interface Told {
  name?: string;
  model?: string;
  generation?: number;
  created?: string;
  conditions?: readonly Judgement[];
  status?: Omit<NonNullable<StoredDeployment['status']>, 'conditions'>;
}

export function deployment(told: Told = {}): StoredDeployment {
  const { name = 'phi', model = 'phi4-mini:3.8b', generation = 1, created = '2026-01-01T00:00:00Z' } = told;
  return {
    apiVersion: 'localmodels.dev/v1alpha1',
    kind: 'LocalModelDeployment',
    metadata: { name, namespace: 'demo', uid: name, generation, creationTimestamp: created },
    spec: { runtime: 'Ollama', model: { name: model } },
    ...(told.conditions && {
      status: {
        observedGeneration: 1,
        ...told.status,
        conditions: told.conditions.map((one) => ({ ...one, lastTransitionTime: created })),
      },
    }),
  };
}
