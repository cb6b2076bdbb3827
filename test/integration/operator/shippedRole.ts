// The operator's user in the integration tests: it may do what the shipped role says and nothing else.
import type { Client } from '../../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../../src/kube/types.ts';
import { clusterRules, leaseRules, namespacedRules } from '../../../src/operator/permissions.ts';

/** As the audit log names it. */
export const shippedUser = 'operator-with-the-shipped-role';
/** What that user is given: exactly what the chart gives (test/integration/chart.test.ts compares). */
export const shippedRules = [...namespacedRules, ...clusterRules, ...leaseRules];

const group = 'rbac.authorization.k8s.io';
const kind = (name: string): Resource => ({
  group,
  version: 'v1',
  kind: name,
  plural: `${name.toLowerCase()}s`,
  namespaced: false,
});

/** Makes role and binding; the same however often it is called. */
export async function grantShippedRole(administrator: Client): Promise<void> {
  const apply = (object: KubeObject & Record<string, unknown>) =>
    administrator.apply(kind(object.kind), object, { fieldManager: 'installer' });
  const metadata = { name: shippedUser };
  const apiVersion = `${group}/v1`;
  const rules = shippedRules.map(({ apiGroups, resources, verbs }) => ({ apiGroups, resources, verbs }));
  await apply({ apiVersion, kind: 'ClusterRole', metadata, rules });
  await apply({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: shippedUser },
    subjects: [{ apiGroup: group, kind: 'User', name: shippedUser }],
  });
}
