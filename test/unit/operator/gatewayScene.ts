// A deployment on a GPU, what its pods show and what their gateways say: what tests of the status begin with.
import type { Spec, Status } from '../../../src/api/schema.ts';
import type { GatewayStatus } from '../../../src/gateway/status.ts';
import { type Heard, heardAgain, readingOf, silent, unasked } from '../../../src/operator/gatewayReading.ts';
import type { Observed } from '../../../src/operator/observed.ts';
import { plan } from '../../../src/operator/plan.ts';
import type { PodFacts } from '../../../src/operator/podFacts.ts';
import { gatewayDocument } from './gatewayDocument.ts';
import {
  carriedOut,
  config,
  deployment,
  NOW,
  nothingFailed,
  notReady,
  observed,
  pod,
  revisionIn,
  spec,
} from './observation.ts';

export const onGpu = spec({ hardware: { preferred: { class: 'GPU', vendor: 'nvidia' } } });
export const node = { name: 'n', labels: {}, allocatable: { 'nvidia.com/gpu': '1' }, taints: [], unschedulable: false };
export const world = { nodes: [node], deviceClasses: 'absent' } as const;
export const begun = (wanted: Spec = onGpu): Observed =>
  carriedOut(observed({ deployment: deployment(wanted), world }));
export const revisionOf = (wanted: Spec) =>
  revisionIn(plan(observed({ deployment: deployment(wanted), world }), config, NOW));
export const R = revisionOf(onGpu);

export type Hears = GatewayStatus | 'unasked' | 'silent';

const heardFrom = (said: Hears, of: PodFacts): Heard => {
  if (said === 'unasked') return unasked;
  if (said === 'silent') return silent;
  const reading = readingOf(said, of, 'model');
  if (typeof reading === 'string') throw new Error(reading);
  return heardAgain(unasked, reading, NOW);
};

export interface Given {
  spec?: Spec;
  pods: [PodFacts, Hears][];
  before?: Status;
  now?: number;
}

export function statusOf({ spec: wanted = onGpu, pods, before, now = NOW }: Given): Status {
  const seen = begun(wanted);
  const gateways = new Map(pods.map(([of, said]) => [of.metadata.uid ?? '', heardFrom(said, of)]));
  const known = { ...seen.deployment, ...(before && { status: before }) };
  return plan({ ...seen, deployment: known, pods: pods.map(([of]) => of), gateways }, config, now).status(
    nothingFailed,
  );
}

export const serving = (name = 'model-1', createdAt = 0) => pod({ name, revision: R, createdAt });
export const loading = (name = 'model-1') =>
  pod({ name, revision: R, pod: notReady, main: { ready: false, started: false } });
export const idleMain = { ready: false, started: false, startedAt: undefined as never };
export const pulling = (name = 'model-1') =>
  pod({ name, revision: R, pod: notReady, pull: { ready: false }, main: idleMain });
export const unfit = (phase: string, reason: string, message = `because ${reason}`) =>
  gatewayDocument(R, { phase, reason, message, ready: false, residency: { class: 'GPU', required: true } });
export const sitting = (ratio?: number) =>
  gatewayDocument(R, { residency: { class: 'GPU', required: false, ...(ratio !== undefined && { ratio }) } });
