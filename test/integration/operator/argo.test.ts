// Argo CD's verdict on what the operator really writes. UPDATE_GOLDEN=1 records the statuses for test/unit/gitops.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect } from 'vitest';
import { stringify } from 'yaml';
import { simulation } from '../../controlplane/stages.ts';
import { type Health, healthOf } from '../../gitops/health.ts';
import { smallest } from './tenant.ts';
import { test } from './test.ts';

const fated = (outcome: string) => ({
  ...smallest,
  pod: {
    annotations: {
      [simulation.outcome]: outcome,
      [simulation.exitCode]: '21',
      [simulation.message]: JSON.stringify({ reason: 'NotFound', message: 'no such model' }),
    },
  },
});

interface State {
  name: string;
  spec: typeof smallest;
  reached: [type: string, status: 'True' | 'False', reason: string];
  health: Health['status'];
}

const states: State[] = [
  { name: 'serving', spec: smallest, reached: ['Ready', 'True', 'Serving'], health: 'Healthy' },
  { name: 'zero', spec: { ...smallest, replicas: 0 }, reached: ['Ready', 'True', 'ScaledToZero'], health: 'Healthy' },
  { name: 'pulling', spec: fated('pulling'), reached: ['Ready', 'False', 'Pulling'], health: 'Progressing' },
  { name: 'loading', spec: fated('starting'), reached: ['Ready', 'False', 'Loading'], health: 'Progressing' },
  {
    name: 'crashing',
    spec: fated('crash-loop'),
    reached: ['Ready', 'False', 'CrashLoopBackOff'],
    health: 'Progressing',
  },
  {
    name: 'refused-by-source',
    spec: fated('pull-fails'),
    reached: ['Stalled', 'True', 'NotFound'],
    health: 'Degraded',
  },
  {
    name: 'nothing-fits',
    spec: { ...smallest, hardware: { preferred: { class: 'NPU', vendor: 'intel' } } },
    reached: ['Stalled', 'True', 'NothingFits'],
    health: 'Degraded',
  },
  {
    name: 'invalid',
    spec: { ...smallest, ollama: { gpuLayers: 10 } },
    reached: ['Stalled', 'True', 'InvalidSpec'],
    health: 'Degraded',
  },
  { name: 'paused', spec: { ...smallest, paused: true }, reached: ['Ready', 'False', 'Paused'], health: 'Suspended' },
];

const recorded = resolve(import.meta.dirname, '../../gitops/recorded');

describe.concurrent('Argo CD', () => {
  test.for(states)('calls a deployment that is $name $health', async ({ name, spec, reached, health }, { stage }) => {
    await stage.apply(spec);
    const deployment = await stage.untilCondition(...reached);
    const found = await healthOf(deployment);
    expect(found.status).toBe(health);
    expect(found.message).toContain(reached[2]);
    if (process.env.UPDATE_GOLDEN !== '1') return;
    const { apiVersion, kind, metadata, spec: wanted, status } = deployment;
    const { generation } = metadata;
    const kept = {
      apiVersion,
      kind,
      metadata: { name: metadata.name, namespace: 'ai', generation },
      spec: wanted,
      status,
    };
    writeFileSync(resolve(recorded, `${name}.yaml`), stringify({ health, object: kept }, { lineWidth: 0 }));
  });
});
