// docs/reference/operator.md: from the operator's own tables of flags and permissions.
import { defaultsMembers, flags } from '../../operator/config.ts';
import { apiProxyRules, clusterRules, leaseRules, namespacedRules, type Rule } from '../../operator/permissions.ts';
import { code, page, table } from './markdown.ts';

const list = (items: readonly string[]): string => items.map((item) => code(item || 'core')).join(', ');

const permissions = (rules: readonly Rule[]): string =>
  table(
    ['API groups', 'Resources', 'Verbs', 'What for'],
    rules.map(({ apiGroups, resources, verbs, why }) => [list(apiGroups), list(resources), list(verbs), why]),
  );

export const operatorReference = (): string =>
  page(
    '# Flags and permissions of the operator',
    'A flag goes before its environment variable, and that before the default.',
    table(
      ['Flag', 'Environment', 'Default', 'Meaning'],
      flags.map(({ flag, env, fallback, help }) => [code(flag), code(env), fallback && code(fallback), help]),
    ),
    '## The file of defaults',
    'What `--config` names: YAML, read once at the start. What it leaves out is as the release has it.',
    table(
      ['Member', 'Meaning'],
      defaultsMembers.map(({ name, help }) => [code(name), help]),
    ),
    '## Permissions',
    'The operator reads no Secret. In every namespace that it watches:',
    permissions(namespacedRules),
    'In the whole cluster:',
    permissions(clusterRules),
    'In the namespace of its Lease:',
    permissions(leaseRules),
    'With `--gateway-access=ApiServerProxy`, for development outside the cluster, and not in the shipped role:',
    permissions(apiProxyRules),
    'In a cluster the operator reads the port 9090 of model pods directly, and needs no right for it. The NetworkPolicies that it ' +
      'writes let its own namespace in. Where it cannot reach a pod, `Accelerated` and `status.pull` are not known, and all else is ' +
      'as the pod itself shows.',
  );
