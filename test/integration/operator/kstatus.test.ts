import { describe, expect } from 'vitest';
import type { StoredDeployment } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { simulation } from '../../controlplane/stages.ts';
import type { Stage } from './harness.ts';
import { kstatus, type Verdict } from './kstatus.ts';
import { conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const notFound = JSON.stringify({ reason: 'NotFound', message: 'no such model' });
const fated = (outcome: string, more: object = {}) => ({
  ...smallest,
  ...more,
  pod: { annotations: { [simulation.outcome]: outcome, [simulation.exitCode]: '21', [simulation.message]: notFound } },
});

interface State {
  title: string;
  spec: object;
  /** The condition by which the state is known to have been reached. */
  reached: [type: string, status: 'True' | 'False', reason?: string];
  verdict: Verdict;
}

const states: State[] = [
  { title: 'serving', spec: smallest, reached: ['Ready', 'True', 'Serving'], verdict: 'Current' },
  {
    title: 'scaled to zero',
    spec: { ...smallest, replicas: 0 },
    reached: ['Ready', 'True', 'ScaledToZero'],
    verdict: 'Current',
  },
  { title: 'pulling', spec: fated('pulling'), reached: ['Ready', 'False', 'Pulling'], verdict: 'InProgress' },
  {
    title: 'crashing',
    spec: fated('crash-loop'),
    reached: ['Ready', 'False', 'CrashLoopBackOff'],
    verdict: 'InProgress',
  },
  {
    title: 'refused by the source',
    spec: fated('pull-fails'),
    reached: ['Stalled', 'True', 'NotFound'],
    verdict: 'Failed',
  },
  {
    title: 'without hardware',
    spec: { ...smallest, hardware: { preferred: { class: 'NPU', vendor: 'intel' } } },
    reached: ['Stalled', 'True', 'NothingFits'],
    verdict: 'Failed',
  },
  {
    title: 'refused',
    spec: { ...smallest, ollama: { gpuLayers: 10 } },
    reached: ['Stalled', 'True', 'InvalidSpec'],
    verdict: 'Failed',
  },
  {
    title: 'paused before it began',
    spec: { ...smallest, paused: true },
    reached: ['Ready', 'False', 'Paused'],
    verdict: 'InProgress',
  },
  {
    title: 'unschedulable',
    spec: { ...smallest, pod: { nodeSelector: { 'example.com/no': 'such' } } },
    reached: ['Placed', 'False', 'Unschedulable'],
    verdict: 'InProgress',
  },
];

const waitedFor = async (stage: Stage, timeout: string) =>
  (await stage.kubectl('wait', '--for=condition=Ready', 'lmd/model', `--timeout=${timeout}`)).code === 0;

/** What holds of every status that is ever written. */
function expectSound({ metadata, status }: StoredDeployment): void {
  expect(status?.observedGeneration).toBe(metadata.generation);
  for (const type of ['Ready', 'Accepted', 'Placed', 'Pulled', 'Available', 'Monitored', 'UpToDate'])
    expect(conditionOf({ status }, type), type).toBeDefined();
  for (const condition of status?.conditions ?? []) {
    expect(condition.observedGeneration, condition.type).toBe(metadata.generation);
    expect(condition.message.length, condition.type).toBeGreaterThan(0);
    expect(condition.message.length, condition.type).toBeLessThanOrEqual(1024);
  }
  const present = ['Reconciling', 'Stalled'].filter((type) => conditionOf({ status }, type));
  for (const type of present) expect(conditionOf({ status }, type)?.status).toBe('True');
  expect(present.length, 'Reconciling and Stalled exclude each other').toBeLessThanOrEqual(1);
  if (conditionOf({ status }, 'Ready')?.status === 'True') expect(conditionOf({ status }, 'Stalled')).toBeUndefined();
}

describe.concurrent('kstatus, kubectl wait and our Ready agree', () => {
  test.for(states)('while $title: $verdict', async ({ spec, reached: [type, status, reason], verdict }, { stage }) => {
    await stage.apply(spec as typeof smallest);
    const deployment = await stage.untilCondition(type, status, reason);
    expectSound(deployment);
    expect(kstatus(deployment)).toBe(verdict);
    const isCurrent = verdict === 'Current';
    expect(await waitedFor(stage, isCurrent ? '60s' : '1s')).toBe(isCurrent);
  });

  test('after an edit, before the operator has seen it: in progress', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    await stage.running.stop();
    const edited = await stage.apply({ ...smallest, performance: { maxContext: 8192 } });
    expect(kstatus(edited)).toBe('InProgress');
    stage.start();
    const done = await stage.untilCondition('Ready', 'True');
    expectSound(done);
    expect(kstatus(done)).toBe('Current');
  });

  test('a transition time moves only with the status of its condition', async ({ stage }) => {
    await stage.apply(fated('pulling'));
    const before = await stage.untilCondition('Ready', 'False', 'Pulling');
    await stage.running.skip(5_000);
    await stage.apply(fated('starting'));
    const between = await stage.untilCondition('Ready', 'False', 'Loading');
    const timeOf = (deployment: StoredDeployment, type: string) => conditionOf(deployment, type)?.lastTransitionTime;
    expect(timeOf(between, 'Ready')).toBe(timeOf(before, 'Ready'));
    const [pod] = (await stage.pods()).filter(({ pod: { revision } }) => revision === between.status?.revision);
    await stage.patch(resources.pod, pod?.metadata.name ?? '', {
      metadata: { annotations: { [simulation.outcome]: 'ready' } },
    });
    const after = await stage.untilCondition('Ready', 'True');
    expect(timeOf(after, 'Ready')).not.toBe(timeOf(before, 'Ready'));
    expect(timeOf(after, 'Accepted')).toBe(timeOf(before, 'Accepted'));
  });
});
