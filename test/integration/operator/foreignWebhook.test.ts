// We have no webhook, so none of ours can be down. Other people's can, and then our writes fail until it is back.
import { describe, expect } from 'vitest';
import type { Resource } from '../../../src/kube/types.ts';
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
