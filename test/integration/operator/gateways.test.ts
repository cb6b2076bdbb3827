import { describe, expect } from 'vitest';
import { labels } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { createDirectReader } from '../../../src/operator/gatewayDirect.ts';
import type { GatewayReader } from '../../../src/operator/gatewayReader.ts';
import { systemClock } from '../../../src/process/clock.ts';
import { simulation } from '../../controlplane/stages.ts';
import { type GatewayServer, startGateway } from '../../fault/gatewayServer.ts';
import { GIB, gatewayDocument, pullingDocument } from '../../unit/operator/gatewayDocument.ts';
import type { Cluster, Stage } from './harness.ts';
import { conditionOf, DEFAULT_NAME, smallest } from './tenant.ts';
import { test as base } from './test.ts';

type Says = (revision: string) => object | undefined;

/** The gateways of all pods of a namespace, on the loopback, answering what the test says. */
interface Gateways {
  reader: GatewayReader;
  /** Undefined: no answer at all. */
  says: Says;
  /** Questions so far. */
  readonly asked: number;
}

const test = base.extend<{ gateways: Gateways }>({
  gateways: async ({ emptyStage }, use) => {
    const { namespace } = emptyStage;
    const server: GatewayServer = await startGateway((request, response) => {
      const revision = request.url?.split('/')[1] ?? '';
      const said = gateways.says(revision);
      if (!said) response.destroy();
      else response.end(JSON.stringify({ ...said, deployment: { namespace, name: DEFAULT_NAME } }));
    });
    const reader = createDirectReader({
      clock: systemClock,
      addressOf: ({ pod: { revision } }) => `${server.origin}/${revision}`,
    });
    const gateways: Gateways = {
      reader,
      says: gatewayDocument,
      get asked() {
        return server.requests.length;
      },
    };
    await use(gateways);
    await reader.close();
    await server.close();
  },
});

const played = (outcome: string) => ({ pod: { annotations: { [simulation.outcome]: outcome } } });
const writes = ({ running }: Stage) => running.calls.writes().map(({ verb, kind }) => `${verb} ${kind}`);

/** All that the operator wants to do now is done, over so long. */
async function pass(stage: Stage, ms: number, times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) await stage.running.skip(ms);
}

async function asked(stage: Stage, gateways: Gateways, more: number): Promise<void> {
  const from = gateways.asked;
  await stage.until(`${more} more questions`, async () => {
    await stage.running.skip(2_000);
    return gateways.asked >= from + more;
  });
}

const deviceOf = ({ namespace }: Stage) => `${namespace}.example.com/gpu`;
async function onGpu(stage: Stage, cluster: Cluster): Promise<object> {
  const { createNodes } = await import('../../controlplane/nodes.ts');
  const node = { name: `${stage.namespace}-gpu`, resources: { [deviceOf(stage)]: '4' } };
  await createNodes(cluster.access, [node]);
  return { ...smallest, hardware: { preferred: { class: 'GPU', resourceName: deviceOf(stage) }, residency: 'Report' } };
}

describe.concurrent('what gateways say', () => {
  test('fills status.model and Accelerated, and then costs no write', async ({
    emptyStage: stage,
    cluster,
    gateways,
  }) => {
    stage.start({ gatewayReader: gateways.reader });
    await stage.apply((await onGpu(stage, cluster)) as never);
    const status = (await stage.untilCondition('Accelerated', 'True', 'OnDevice')).status;
    expect(status?.model).toMatchObject({ servedDigest: `sha256:${'b'.repeat(64)}`, contextLength: 4096 });
    const before = await stage.versions();
    stage.running.calls.forget();
    await asked(stage, gateways, 5);
    expect(stage.running.calls.writes()).toEqual([]);
    expect(await stage.versions()).toEqual(before);

    gateways.says = (revision) =>
      gatewayDocument(revision, { residency: { class: 'GPU', required: false, ratio: 0.25 } });
    await asked(stage, gateways, 1);
    const partly = await stage.untilCondition('Accelerated', 'False', 'PartlyOnCPU');
    expect(conditionOf(partly, 'Ready')).toMatchObject({ status: 'True' });

    gateways.says = () => undefined;
    await asked(stage, gateways, 3);
    const unknown = await stage.untilCondition('Accelerated', 'Unknown');
    expect(conditionOf(unknown, 'Ready')).toMatchObject({ status: 'True' });
    expect(unknown.status?.model).not.toHaveProperty('servedDigest');
  });

  test('is not written again by an operator that is started anew', async ({ emptyStage: stage, cluster, gateways }) => {
    stage.start({ gatewayReader: gateways.reader });
    await stage.apply((await onGpu(stage, cluster)) as never);
    await stage.untilCondition('Accelerated', 'True', 'OnDevice');
    await stage.running.stop();
    const asks = gateways.asked;
    const before = await stage.versions();
    const next = stage.start({ gatewayReader: gateways.reader });
    await stage.until('it leads', async () => next.log.some(({ message }) => message === 'leading'));
    await asked(stage, gateways, 2);
    expect(gateways.asked).toBeGreaterThan(asks);
    expect(writes(stage)).toEqual([]);
    expect(await stage.versions()).toEqual(before);
  });

  test('shows how far a pull is, in few writes', async ({ emptyStage: stage, gateways }) => {
    let bytes = 0;
    gateways.says = (revision) => pullingDocument(revision, bytes);
    stage.start({ gatewayReader: gateways.reader });
    await stage.apply({ ...smallest, ...played('pulling') });
    await stage.until('the pull shows', async () => {
      await stage.running.skip(2_000);
      return (await stage.get()).status?.pull?.totalBytes === 10 * GIB;
    });
    await pass(stage, 12_000, 2);
    stage.running.calls.forget();
    for (let step = 0; step < 12; step++) {
      bytes += 0.1 * GIB;
      await asked(stage, gateways, 1);
    }
    await pass(stage, 12_000, 2);
    const { status } = await stage.get();
    expect(status?.pull?.completedBytes).toBeGreaterThanOrEqual(GIB);
    expect(conditionOf({ status } as never, 'Ready')).toMatchObject({ reason: 'Pulling' });
    expect(writes(stage).length).toBeGreaterThanOrEqual(1);
    expect(writes(stage).length).toBeLessThanOrEqual(3);
    expect(new Set(writes(stage))).toEqual(new Set(['applyStatus LocalModelDeployment']));
  });

  test('tells why a pod that runs is not ready, and no longer once it is', async ({ emptyStage: stage, gateways }) => {
    gateways.says = (revision) =>
      gatewayDocument(revision, {
        phase: 'Loading',
        reason: 'LoadFailed',
        message: 'the runtime cannot load qwen2.5:0.5b: out of memory',
        ready: false,
      });
    stage.start({ gatewayReader: gateways.reader });
    await stage.apply({ ...smallest, ...played('never-ready') });
    const failing = await stage.until('the failure shows', async () => {
      await stage.running.skip(2_000);
      const seen = await stage.get();
      return conditionOf(seen, 'Ready')?.reason === 'LoadFailed' && seen;
    });
    expect(conditionOf(failing, 'Ready')?.message).toMatch(/pod model-.*: the runtime cannot load .*: out of memory/);
    gateways.says = gatewayDocument;
    const [pod] = await stage.list(resources.pod, `${labels.deployment}=${DEFAULT_NAME}`);
    await stage.patch(resources.pod, pod?.metadata.name ?? '', {
      metadata: { annotations: { [simulation.outcome]: 'ready' } },
    });
    await stage.untilCondition('Ready', 'True');
  });

  test('is asked for by the leader alone, and no more once it stops', async ({ emptyStage: stage, gateways }) => {
    stage.start({ gatewayReader: gateways.reader });
    await stage.apply({ ...smallest, ...played('never-ready') });
    await asked(stage, gateways, 2);
    await stage.running.stop();
    const { asked: until } = gateways;
    stage.running.clock.skip(600_000);
    await stage.get();
    expect(gateways.asked).toBe(until);
  });
});
