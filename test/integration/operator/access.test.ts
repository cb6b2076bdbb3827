import { describe, expect } from 'vitest';
import { GROUP, localModelDeployments } from '../../../src/api/types.ts';
import type { Client } from '../../../src/kube/client.ts';
import { resources } from '../../../src/kube/resources.ts';
import { namespacedRules, type Rule } from '../../../src/operator/permissions.ts';
import { createNamespace } from '../../controlplane/namespaces.ts';
import type { Stage } from './harness.ts';
import { type Any, conditionOf, createTenant, smallest } from './tenant.ts';
import { test } from './test.ts';

const bare = ({ apiGroups, resources, verbs }: Rule) => ({ apiGroups, resources, verbs });
const rules = namespacedRules.map(bare);
type Granted = ReturnType<typeof bare>;

const userOf = ({ namespace }: Stage) => `operator-${namespace}`;

/** Lets the user of the stage do in a namespace what is told, and waits until that is known. */
async function grant(stage: Stage, granted: readonly Granted[], namespace = stage.namespace): Promise<Client> {
  const { access, clientOf } = stage.cluster;
  const user = userOf(stage);
  const write = (body: object) =>
    access.call('POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/${kindOf(body)}`, { body });
  const kindOf = (body: object) => ('rules' in body ? 'roles' : 'rolebindings');
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await write({ apiVersion, kind: 'Role', metadata: { name: 'operator' }, rules: granted });
  await write({
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name: 'operator' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'operator' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  });
  const own = await clientOf(await access.kubeconfigFor(user));
  await stage.until('the role is known', () => mayList(own, namespace));
  return own;
}

async function mayList(client: Client, namespace: string): Promise<boolean> {
  const resourceAttributes = { verb: 'list', group: GROUP, resource: localModelDeployments.plural, namespace };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const answer = await client.raw<Any>('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body });
  return answer.status.allowed as boolean;
}

/** An operator that may do in its namespace what is told, and nothing elsewhere. */
async function startAs(stage: Stage, granted: readonly Granted[]) {
  const own = await grant(stage, granted);
  return { operator: stage.start({ client: own }), client: stage.cluster.client, user: userOf(stage) };
}

const without = (resource: string, ...verbs: string[]): Granted[] =>
  rules.map((rule) =>
    rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((verb) => !verbs.includes(verb)) } : rule,
  );

describe.concurrent('permissions', () => {
  test('those of one namespace are enough for everything', async ({ emptyStage: stage }) => {
    await startAs(stage, rules);
    await stage.apply({ ...smallest, replicas: 2 });
    const ready = await stage.untilCondition('Ready', 'True');
    expect(conditionOf(ready, 'Accepted')?.status).toBe('True');
    await stage.until('an event', async () =>
      (await stage.list(resources.event)).some(({ reason }) => reason === 'Serving'),
    );
  });

  test('without the right to write one kind: it is named, the others are made', async ({ emptyStage: stage }) => {
    const { user } = await startAs(stage, without('networkpolicies', 'create', 'patch'));
    await stage.apply(smallest);
    const refused = await stage.untilCondition('Accepted', 'False', 'Forbidden');
    expect(conditionOf(refused, 'Accepted')?.message).toMatch(
      new RegExp(`^NetworkPolicy/model: .*"${user}" cannot (patch|create) resource "networkpolicies"`),
    );
    expect(conditionOf(refused, 'Stalled')).toMatchObject({ status: 'True', reason: 'Forbidden' });
    await stage.until('the pod answers', async () => (await stage.get()).status?.readyReplicas === 1);
    expect(await stage.find(resources.service)).toBeDefined();
    const patches = stage.running.calls.writes().filter(({ kind }) => kind === 'NetworkPolicy');
    expect(patches.length).toBeLessThan(10);
    const [role] = await stage.list({
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      kind: 'Role',
      plural: 'roles',
      namespaced: true,
    });
    await stage.patch(
      { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'Role', plural: 'roles', namespaced: true },
      role?.metadata.name ?? '',
      { rules },
    );
    await stage.until('mended', async () => {
      await stage.running.skip(61_000);
      return conditionOf(await stage.get(), 'Ready')?.status === 'True';
    });
    expect(await stage.find(resources.networkPolicy)).toBeDefined();
  });

  test('without the right to list one kind: it is not written blindly, and the others are made', async ({
    emptyStage: stage,
  }) => {
    await startAs(stage, without('poddisruptionbudgets', 'list', 'watch'));
    await stage.apply({ ...smallest, replicas: 2 });
    const refused = await stage.untilCondition('Accepted', 'False', 'Forbidden');
    expect(conditionOf(refused, 'Accepted')?.message).toMatch(/PodDisruptionBudget\/model: the operator may not list/);
    await stage.until('the pods answer', async () => (await stage.get()).status?.readyReplicas === 2);
    expect(await stage.find(resources.podDisruptionBudget)).toBeUndefined();
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
  });

  test('without events: only the events are missing', async ({ emptyStage: stage }) => {
    await startAs(
      stage,
      rules.filter(({ resources: [name] }) => name !== 'events'),
    );
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    await stage.apply({ ...smallest, replicas: 2 });
    await stage.until('two answer', async () => (await stage.get()).status?.readyReplicas === 2);
    expect(await stage.list(resources.event)).not.toContainEqual(
      expect.objectContaining({ reportingController: 'localmodels.dev/operator' }),
    );
  });

  test('a namespace that is taken away holds up none of the others, and is served again once it is given back', async ({
    emptyStage: stage,
  }) => {
    const second = await createNamespace(stage.cluster.access, 'operator');
    try {
      const other = createTenant(stage.cluster, second.name);
      await grant(stage, rules);
      const client = await grant(stage, rules, second.name);
      const choices = { client, config: { namespaces: [stage.namespace, second.name] } };
      const before = stage.start(choices);
      await Promise.all([stage.apply(smallest), other.apply(smallest)]);
      await Promise.all([stage.untilCondition('Ready', 'True'), other.untilCondition('Ready', 'True')]);
      await before.stop();
      await other.kubectl('delete', 'rolebinding', 'operator');
      await stage.until('that is known', async () => !(await mayList(client, second.name)));

      const { operator } = stage.start(choices);
      await stage.apply({ ...smallest, performance: { maxContext: 8192 } });
      await stage.untilCondition('Ready', 'True');
      expect(operator.checks.synced?.()).toBe(
        `the operator may not list and watch localmodeldeployments.localmodels.dev in namespace ${second.name}`,
      );

      await grant(stage, rules, second.name);
      await other.apply({ ...smallest, performance: { maxContext: 8192 } });
      await stage.until('the other is served again', async () => {
        await stage.running.skip(61_000);
        return conditionOf(await other.get(), 'Ready')?.observedGeneration === 2;
      });
      await other.untilCondition('Ready', 'True');
      expect(operator.checks.synced?.()).toBe(true);
    } finally {
      await second.remove();
    }
  });

  test('without the right to list pods the operator is not ready, and says why', async ({ emptyStage: stage }) => {
    const { operator } = await startAs(stage, without('pods', 'list'));
    await stage.until('it has tried', async () =>
      operator.log.some(({ message, fields }) => message === 'watch interrupted' && fields.resource === 'pods'),
    );
    const { synced } = operator.operator.checks;
    expect(synced?.()).toMatch(/pods/);
  });
});
