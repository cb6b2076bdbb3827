// We have no webhook, so none of ours can be down. Other people's can, and then our writes fail until it is back; and they, or
// policies, may refuse what we write.
import { describe, expect } from 'vitest';
import type { KubeObject, Resource } from '../../../src/kube/types.ts';
import type { OperatorCluster, Stage } from './harness.ts';
import { conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const webhooks: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  namespaced: false,
};

/** A webhook that nobody answers for, in front of the Services of one namespace. */
const deadWebhook = (namespace: string) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: webhooks.kind,
  metadata: { name: namespace },
  webhooks: [
    {
      name: 'dead.example.com',
      clientConfig: { url: 'https://127.0.0.1:1/validate' },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['services'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 1,
    },
  ],
});

const admission = (kind: 'ValidatingAdmissionPolicy' | 'ValidatingAdmissionPolicyBinding'): Resource => ({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind,
  plural: kind.endsWith('y') ? 'validatingadmissionpolicies' : 'validatingadmissionpolicybindings',
  namespaced: false,
});
const [policies, bindings] = [
  admission('ValidatingAdmissionPolicy'),
  admission('ValidatingAdmissionPolicyBinding'),
] as const;

/** Refuses the Services of one namespace, a moment later. */
async function refuseServices({ namespace }: Stage, { client }: OperatorCluster): Promise<void> {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const resourceRules = [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['services'] },
  ];
  const validations = [{ expression: "'team' in object.metadata.labels", message: 'every Service needs a team' }];
  await client.create(policies, {
    apiVersion,
    kind: policies.kind,
    metadata: { name: namespace },
    spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules }, validations },
  } as KubeObject);
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  await client.create(bindings, {
    apiVersion,
    kind: bindings.kind,
    metadata: { name: namespace },
    spec: { policyName: namespace, validationActions: ['Deny'], matchResources: { namespaceSelector } },
  } as KubeObject);
}

async function isRefused({ kubectl }: Stage): Promise<boolean> {
  const { stderr } = await kubectl('create', 'service', 'clusterip', 'tried', '--tcp=80', '--dry-run=server');
  return stderr.includes('needs a team');
}

describe('while an admission policy refuses a child', () => {
  test('its words are told, and all is made without any change of the spec once it is gone', async ({
    stage,
    cluster,
  }) => {
    const metadata = { name: stage.namespace };
    try {
      await refuseServices(stage, cluster);
      await stage.until('the policy is in force', () => isRefused(stage));
      await stage.apply(smallest);
      const { status } = await stage.untilCondition('Stalled', 'True', 'InvalidSpec');
      expect(conditionOf({ status }, 'Accepted')?.message).toMatch(/^Service\/model: .*every Service needs a team/);
      await stage.until('the pod answers all the same', async () => (await stage.get()).status?.readyReplicas === 1);
      expect(conditionOf(await stage.get(), 'Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    } finally {
      await cluster.client.remove(bindings, metadata);
      await cluster.client.remove(policies, metadata);
    }
    await stage.until('the policy is gone', async () => !(await isRefused(stage)));
    await stage.running.skip(61_000);
    const ready = await stage.untilCondition('Ready', 'True');
    expect(conditionOf(ready, 'Stalled')).toBeUndefined();
  });
});

describe('while the webhook of somebody else is down', () => {
  test('what it forbids is told and tried again, and all is made once it is gone', async ({ stage, cluster }) => {
    const { namespace } = stage;
    await cluster.client.create(webhooks, deadWebhook(namespace));
    try {
      await stage.apply(smallest);
      const { status } = await stage.untilCondition('Reconciling', 'True', 'Retrying');
      expect(conditionOf({ status }, 'Reconciling')?.message).toMatch(/^Service\/model: .*dead\.example\.com/);
      expect(conditionOf({ status }, 'Stalled')).toBeUndefined();
    } finally {
      await cluster.client.remove(webhooks, { name: namespace });
    }
    await stage.untilCondition('Ready', 'True', 'Serving');
  });
});
