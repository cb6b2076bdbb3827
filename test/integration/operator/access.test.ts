import { describe, expect } from 'vitest';
import { GROUP, localModelDeployments } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { namespacedRules, type Rule } from '../../../src/operator/permissions.ts';
import type { Stage } from './harness.ts';
import { type Any, conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const bare = ({ apiGroups, resources, verbs }: Rule) => ({ apiGroups, resources, verbs });
const rules = namespacedRules.map(bare);
type Granted = ReturnType<typeof bare>;

/** An operator that may do in its namespace what is told, and nothing elsewhere. */
async function startAs(stage: Stage, granted: readonly Granted[]) {
  const { access, client, clientOf } = stage.cluster;
  const user = `operator-${stage.namespace}`;
  const write = (body: object) =>
    access.call('POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${stage.namespace}/${kindOf(body)}`, { body });
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
  await stage.until('the role is known', async () => {
    const review = {
      spec: {
        resourceAttributes: {
          verb: 'list',
          group: GROUP,
          resource: localModelDeployments.plural,
          namespace: stage.namespace,
        },
      },
    };
    const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', ...review };
    const answer = await own.raw<Any>('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body });
    return answer.status.allowed as boolean;
  });
  return { operator: stage.start({ client: own }), client, user };
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

  test('without the right to list pods the operator is not ready, and says why', async ({ emptyStage: stage }) => {
    const { operator } = await startAs(stage, without('pods', 'list'));
    await stage.until('it has tried', async () =>
      operator.log.some(({ message, fields }) => message === 'watch interrupted' && fields.resource === 'pods'),
    );
    const { synced } = operator.operator.checks;
    expect(synced?.()).toMatch(/pods/);
  });
});
