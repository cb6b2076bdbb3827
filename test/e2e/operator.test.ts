// The operator is never the reason that a working model stops; and when a deployment goes, all of it goes.
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { resources } from '../../src/kube/resources.ts';
import { refusals } from '../integration/deeds.ts';
import { NAMESPACE, openHelm, RELEASE } from '../integration/helm.ts';
import { childResources } from '../integration/operator/tenant.ts';
import { type Setting, test } from './test.ts';
import { chat, firstChat } from './world/chat.ts';
import { installOperator } from './world/install.ts';
import { podsOf } from './world/modelPods.ts';
import { blobsFetched } from './world/registryLog.ts';
import { specOf } from './world/specs.ts';

const operators = ['-n', NAMESPACE, '-l', `app.kubernetes.io/instance=${RELEASE}`];

async function operatorPods({ cluster }: Setting): Promise<string[]> {
  const { stdout } = await cluster.access.runKubectl([
    'get',
    'pods',
    ...operators,
    '-o',
    'jsonpath={.items[*].metadata.uid}',
  ]);
  return stdout.split(' ').filter(Boolean).sort();
}

describe('the pods of a model', () => {
  test('are untouched when every operator is killed, and when it is upgraded', async ({ setting }) => {
    const { world, cluster } = setting;
    const { first } = world.models;
    await setting.apply(specOf(first));
    await setting.untilCondition('Ready', 'True');
    expect(await firstChat(setting, { model: first.name })).toBe(first.answer);
    const before = await podsOf(setting);
    const fetched = await blobsFetched(world);
    const killed = await operatorPods(setting);
    const kill = await cluster.access.runKubectl(['delete', 'pods', ...operators, '--grace-period=0', '--force']);
    expect(kill.code, kill.stderr).toBe(0);
    expect(await chat(setting, { model: first.name })).toBe(first.answer);
    const others = await cluster.access.runKubectl([
      'rollout',
      'status',
      '-n',
      NAMESPACE,
      `deployment/${RELEASE}`,
      '--timeout=80s',
    ]);
    expect(others.code, others.stderr).toBe(0);
    expect((await operatorPods(setting)).filter((uid) => killed.includes(uid))).toEqual([]);
    await installOperator(cluster.access, world.helm, ['--set', 'operator.logLevel=debug']);
    // Something to mend, away from the pods, shows that it is at work again.
    const label = 'app.kubernetes.io/part-of';
    const ours = (await setting.find(resources.service))?.metadata.labels?.[label];
    await setting.patch(resources.service, 'model', { metadata: { labels: { [label]: 'somebody' } } });
    const mended = async () => (await setting.find(resources.service))?.metadata.labels?.[label] === ours;
    await setting.until('the operator is at work', mended);
    expect(await podsOf(setting)).toEqual(before);
    expect(await chat(setting, { model: first.name })).toBe(first.answer);
    await installOperator(cluster.access, world.helm);
    expect(await podsOf(setting)).toEqual(before);
    expect(await blobsFetched(world)).toBe(fetched);
  });

  test('are all that was fetched for: nothing is left once the deployment is deleted', async ({ setting }) => {
    const { first } = setting.world.models;
    const claim = { type: 'Ephemeral' };
    await setting.apply(specOf(first, { storage: claim }));
    await setting.untilCondition('Ready', 'True');
    await setting.remove();
    await setting.until('all of it is gone', async () => {
      for (const resource of [...childResources, resources.pod]) {
        const left = (await setting.list(resource)).filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt');
        if (left.length > 0) return false;
      }
      return true;
    });
  });
});

test('helm test finds the operator well', async ({ setting }) => {
  const { cluster, world } = setting;
  using helm = openHelm(world.helm);
  const { kubeconfig } = cluster.access;
  const { code, stdout, stderr } = await helm.run(['test', RELEASE, '--namespace', NAMESPACE], { kubeconfig });
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/Phase: +Succeeded/);
});

test('the operator is refused nothing that it asks for', async ({ setting }) => {
  const { folder } = setting.world.node.layout;
  const account = `system:serviceaccount:${NAMESPACE}:${RELEASE}`;
  expect(await refusals(join(folder, 'audit.log'), account)).toEqual([]);
});
