// What is written, and what is taken for done. That the API server answers so is shown in test/integration/operator.
import { expect, test } from 'vitest';
import { fieldManagers, labels } from '../../../src/api/types.ts';
import type { Child } from '../../../src/children/pod.ts';
import type { Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { resources } from '../../../src/kube/resources.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { createApplier } from '../../../src/operator/apply.ts';
import { childKey, trimChild } from '../../../src/operator/liveChild.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { deployment, UID } from './observation.ts';

const { signal } = new AbortController();
const owner = { apiVersion: 'localmodels.dev/v1alpha1', kind: 'LocalModelDeployment', name: 'model', uid: UID };

const service: Child = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'model',
    namespace: 'ai',
    labels: { [labels.deployment]: 'model' },
    ownerReferences: [{ ...owner, controller: true }],
  },
  spec: { type: 'ClusterIP', selector: { app: 'model' } },
};

/** Stores what is applied with `change` made to its spec, and says that all of the spec that we gave is ours. */
function serverThat(change: Record<string, unknown>) {
  let stored: KubeObject | undefined;
  let applies = 0;
  const fieldsV1 = { 'f:spec': { 'f:type': {}, 'f:selector': {} } };
  const entry = { manager: fieldManagers.children, operation: 'Apply', fieldsV1 } as const;
  const client = {
    apply: async (_resource: unknown, object: Child) => {
      applies += 1;
      const metadata = { ...object.metadata, uid: 'uid of the Service', managedFields: [entry] };
      stored = { ...object, metadata, spec: { ...object.spec, ...change } } as KubeObject;
      return stored;
    },
  } as unknown as Client;
  const applier = createApplier({ client, clock: createVirtualClock(), log: silentLogger, noteWrite: () => undefined });
  const pass = () => {
    const live = new Map(stored ? [[childKey(stored), trimChild(stored)]] : []);
    return applier.apply(deployment(), live, { children: [service], removals: [] }, signal);
  };
  return { pass, applies: () => applies };
}

test('what the server adds to what we own is no difference', async () => {
  const { pass, applies } = serverThat({ selector: { app: 'model', added: 'by default' } });
  expect(await pass()).toEqual({ failures: [], writes: 1 });
  expect(await pass()).toEqual({ failures: [], writes: 0 });
  expect(applies()).toBe(1);
});

test('what the server puts in the place of what we want is one, until it is clear that writing does not help', async () => {
  const { pass, applies } = serverThat({ type: 'NodePort' });
  for (let time = 1; time <= 3; time++) expect(await pass()).toEqual({ failures: [], writes: 1 });
  expect(applies()).toBe(3);
});

const removing = (remove: () => Promise<boolean>) =>
  createApplier({
    client: { remove } as unknown as Client,
    clock: createVirtualClock(),
    log: silentLogger,
    noteWrite: () => undefined,
  }).apply(
    deployment(),
    new Map(),
    {
      children: [],
      removals: [{ resource: resources.service, ref: service.metadata, uid: 'of old', why: 'not wanted' }],
    },
    signal,
  );

test('an object that has taken the name of what was to be removed stays, and is no failure', async () => {
  const conflict = new ApiError('conflict', 'the UID in the precondition is another');
  expect((await removing(() => Promise.reject(conflict))).failures).toEqual([]);
});

test('what may not be removed is told, and what only failed is tried again', async () => {
  const child = 'Service/model';
  const forbidden = new ApiError('forbidden', 'may not delete');
  expect((await removing(() => Promise.reject(forbidden))).failures).toEqual([
    { child, reason: 'Forbidden', message: 'may not delete' },
  ]);
  const unavailable = new ApiError('unavailable', 'no answer');
  expect((await removing(() => Promise.reject(unavailable))).failures).toEqual([
    { child, reason: 'Failed', message: 'no answer' },
  ]);
});
