import { describe, expect } from 'vitest';
import { builtInDefaults } from '../../../src/api/defaults.ts';
import type { StoredDeployment } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { simulation } from '../../controlplane/stages.ts';
import type { RunningOperator, Stage } from './harness.ts';
import { type Any, conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const elected = (identity: string) => ({ identity, config: { leaderElect: true } });
/** What another release renders differently: its own image, in gateway and pull. */
const nextRelease = { images: { ...builtInDefaults.images, operator: 'local-model-operator:next' } };
const imagesOf = async (stage: Stage, name?: string) =>
  (await stage.find(resources.deployment, name))?.spec.template.spec.initContainers.map(
    ({ image }: { image: string }) => image,
  );
const isLeading = ({ log }: RunningOperator) =>
  log.some(({ message, fields }) => message === 'leading' && fields.identity);

describe.concurrent('two operators', () => {
  test('one acts; when it is cut off the other takes over, and the first stays silent', async ({
    emptyStage: stage,
  }) => {
    const first = stage.start(elected('first'));
    await stage.until('the first leads', async () => isLeading(first));
    const second = stage.start(elected('second'));
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    expect(second.calls.writes()).toEqual([]);
    expect(second.operator.isLeader).toBe(false);

    first.calls.cut();
    const sent = first.calls.calls.length;
    // The first must notice by its own clock before the second may believe that it has.
    first.clock.skip(10_000);
    await stage.until('the first has given up', async () => !first.operator.isLeader);
    second.clock.skip(15_000);
    await stage.until('the second leads', async () => {
      second.clock.skip(1_000);
      return isLeading(second);
    });
    await stage.apply({ ...smallest, replicas: 2 });
    await stage.until('two answer', async () => (await stage.get()).status?.readyReplicas === 2);
    expect(second.calls.writes().length).toBeGreaterThan(0);
    expect(first.calls.calls.length).toBe(sent);
    expect(first.operator.isLeader).toBe(false);
  });

  test('one that is stopped gives the lease back, and the other need not wait', async ({ emptyStage: stage }) => {
    const first = stage.start(elected('first'));
    await stage.until('the first leads', async () => isLeading(first));
    const second = stage.start(elected('second'));
    await first.stop();
    const lease = await stage.find(resources.lease, 'local-model-operator');
    expect(['', undefined, 'second']).toContain(lease?.spec.holderIdentity);
    await stage.until('the second leads', async () => isLeading(second));
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    expect(first.calls.writes()).toEqual([]);
  });
});

describe.concurrent('an operator of another release', () => {
  test('changes no pod by itself, says that it would, and does so with the next change of the spec', async ({
    stage,
  }) => {
    await stage.apply(smallest);
    const before = await stage.untilCondition('Ready', 'True');
    await stage.until('the lock', () => stage.find(resources.configMap, 'model-lock'));
    const [pod] = await stage.pods();
    const template = (await stage.find(resources.deployment))?.spec.template;
    await stage.running.stop();
    const next = stage.start({ defaults: nextRelease });
    const pending = await stage.untilCondition('UpToDate', 'False', 'UpgradePending');
    expect(conditionOf(pending, 'Ready')).toMatchObject({ status: 'True' });
    expect(pending.status?.revision).toBe(before.status?.revision);
    expect(next.calls.writes().map(({ verb }) => verb)).toEqual(['applyStatus']);

    expect((await stage.pods()).map(({ metadata }) => metadata.uid)).toEqual([pod?.metadata.uid]);

    await stage.patch(resources.deployment, 'model', { spec: { template: { spec: { enableServiceLinks: true } } } });
    await stage.until('the recorded template is repaired', async () => {
      const now = await stage.find(resources.deployment);
      return JSON.stringify(now?.spec.template) === JSON.stringify(template);
    });
    await stage.apply({ ...smallest, replicas: 2 });
    await stage.until('two answer', async () => (await stage.get()).status?.readyReplicas === 2);
    expect(await imagesOf(stage)).toEqual([builtInDefaults.images.operator, builtInDefaults.images.operator]);

    await stage.apply({ ...smallest, performance: { maxContext: 8192 } });
    const after = await stage.untilCondition('UpToDate', 'True');
    expect(await imagesOf(stage)).toEqual(['local-model-operator:next', 'local-model-operator:next']);
    expect(after.status?.revision).not.toBe(before.status?.revision);
  });

  test('takes all over by itself where it may, one at a time', async ({ stage }) => {
    const names = ['one', 'two', 'three'];
    const slow = {
      ...smallest,
      pod: { annotations: { [simulation.outcome]: 'slow', [simulation.delay]: '1500ms' } },
    };
    for (const name of names) await stage.apply(slow, { name });
    for (const name of names) await stage.untilCondition('Ready', 'True', undefined, name);
    await stage.running.stop();
    const next = stage.start({
      defaults: nextRelease,
      config: { upgrades: { mode: 'Rolling', maxConcurrent: 1 } },
    });
    for (const name of names)
      await stage.until(`${name} is of the next release`, async () => {
        const pods = await stage.pods(name);
        const isNew = pods.every(({ raw }) => raw.spec.initContainers[0].image === 'local-model-operator:next');
        return pods.length === 1 && isNew && pods[0]?.pod.ready;
      });
    for (const name of names) {
      const done = await stage.untilCondition('UpToDate', 'True', undefined, name);
      expect(conditionOf(done, 'Ready')).toMatchObject({ status: 'True' });
    }
    // From the first write of one to the status that it is done, nobody else was begun.
    const underWay = new Set<string>();
    let most = 0;
    for (const { verb, kind, key, object } of next.calls.calls) {
      if (verb === 'apply' && kind === 'Deployment') underWay.add(key);
      const upToDate = verb === 'applyStatus' && conditionOf(object as StoredDeployment, 'UpToDate')?.status === 'True';
      if (upToDate) underWay.delete(key);
      most = Math.max(most, underWay.size);
    }
    expect(most).toBe(1);
    const begun = await Promise.all(
      names.map(async (name) => {
        const [pod] = await stage.pods(name);
        const ready = pod?.raw.status.conditions.find(({ type }: { type: string }) => type === 'Ready');
        return { made: Date.parse(pod?.metadata.creationTimestamp ?? ''), ready: Date.parse(ready.lastTransitionTime) };
      }),
    );
    begun.sort((a, b) => a.made - b.made);
    for (const [index, { made }] of begun.entries())
      if (index > 0) expect(made).toBeGreaterThanOrEqual(begun[index - 1]?.ready ?? 0);
  });

  test('lets the upgrade that is under way go on when another operator takes over, and begins no other', async ({
    stage,
  }) => {
    const names = ['one', 'two', 'three', 'four'];
    for (const name of names) await stage.apply(smallest, { name });
    for (const name of names) await stage.untilCondition('Ready', 'True', undefined, name);
    // Not the first in the order of the list, which is the order of the first passes.
    const others = names.filter((name) => name !== 'two');
    for (const name of others) await stage.apply({ ...smallest, paused: true }, { name });
    await stage.running.stop();
    await stage.kubectl('create', 'quota', 'full', '--hard=pods=4'); // so that the first upgrade cannot end
    const choices = { defaults: nextRelease, config: { upgrades: { mode: 'Rolling', maxConcurrent: 1 } as const } };
    const begun = async () => {
      const workloads = await stage.list(resources.deployment);
      const isNew = ({ spec }: Any) => spec.template.spec.initContainers[0].image === nextRelease.images.operator;
      return workloads.filter(isNew).map(({ metadata }) => metadata.name);
    };
    stage.start(choices);
    await stage.untilCondition('UpToDate', 'False', 'Upgrading', 'two');
    await stage.running.stop();
    for (const name of others) await stage.apply(smallest, { name });
    stage.start(choices);
    for (const name of others) await stage.untilCondition('UpToDate', 'False', 'UpgradePending', name);
    expect(await begun()).toEqual(['two']);
  });
});

describe.concurrent('an operator that was away', () => {
  test('catches up with what was changed, deleted and made meanwhile', async ({ stage }) => {
    await stage.apply(smallest, { name: 'edited' });
    await stage.apply(smallest, { name: 'gone' });
    await stage.untilCondition('Ready', 'True', undefined, 'edited');
    await stage.untilCondition('Ready', 'True', undefined, 'gone');
    await stage.running.stop();
    await stage.apply({ ...smallest, replicas: 2 }, { name: 'edited' });
    await stage.remove('gone');
    await stage.apply(smallest, { name: 'made' });
    await stage.cluster.client.remove(resources.service, { namespace: stage.namespace, name: 'edited' });
    stage.start();
    await stage.untilCondition('Ready', 'True', undefined, 'made');
    await stage.until('two answer', async () => (await stage.get('edited')).status?.readyReplicas === 2);
    expect(await stage.find(resources.service, 'edited')).toBeDefined();
    await stage.until('nothing of the other is left', async () => !(await stage.find(resources.deployment, 'gone')));
  });
});
