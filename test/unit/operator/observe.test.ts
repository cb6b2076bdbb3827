import { expect, test } from 'vitest';
import type { StoredDeployment } from '../../../src/api/types.ts';
import type { Caches } from '../../../src/operator/caches.ts';
import { createObserve, NotSynced } from '../../../src/operator/observe.ts';
import { at, deployment, pod } from './observation.ts';

interface Known {
  deployment?: StoredDeployment;
  synced?: boolean;
  forbidden?: string;
  pods?: ReturnType<typeof pod>[];
}

function observing({ deployment: known, synced = true, forbidden, pods = [] }: Known) {
  const caches = {
    isSynced: (namespace: string) => synced && namespace === 'ai',
    deployments: { get: () => known },
    podsOf: () => [...pods],
    childrenOf: () => new Map(),
    stateOf: (kind: string) => (kind === forbidden ? 'forbidden' : 'synced'),
  } as unknown as Caches;
  const observe = createObserve({
    caches,
    warnings: { of: async () => new Map() },
    gateways: { heardOf: () => new Map() },
    upgrades: { may: () => true, begin: () => true, note: () => undefined, forget: () => undefined },
    serviceMonitors: () => 'absent',
  });
  return observe('ai/model', new AbortController().signal);
}

test('nothing is concluded from caches that are not complete', async () => {
  await expect(observing({ synced: false })).rejects.toBeInstanceOf(NotSynced);
});

test('a deployment that is gone is nothing to observe', async () => {
  expect(await observing({})).toBeUndefined();
});

test('a status that is none of ours counts as none', async () => {
  const status = { conditions: 'none', hardware: 3 } as never;
  const seen = await observing({ deployment: { ...deployment(), status } });
  expect(seen?.deployment.status).toEqual({});
});

test('pods come in an order that does not depend on who was heard of first', async () => {
  const pods = [
    pod({ name: 'c', revision: 'r', createdAt: 5 }),
    pod({ name: 'b', revision: 'r', createdAt: 0 }),
    pod({ name: 'a', revision: 'r', createdAt: 5 }),
  ];
  const names = async (given: typeof pods) =>
    (await observing({ deployment: deployment(), pods: given }))?.pods.map(({ metadata }) => metadata.name);
  expect(await names(pods)).toEqual(['b', 'a', 'c']);
  expect(await names([...pods].reverse())).toEqual(['b', 'a', 'c']);
});

test('pods that a deleted deployment of this name has left are not seen', async () => {
  const anew = deployment(undefined, { creationTimestamp: at(10) });
  const pods = [pod({ name: 'old', revision: 'r', createdAt: 5 }), pod({ name: 'new', revision: 'r', createdAt: 15 })];
  const seen = await observing({ deployment: anew, pods });
  expect(seen?.pods.map(({ metadata }) => metadata.name)).toEqual(['new']);
});

test('a kind that may not be listed is known to be unknown', async () => {
  const seen = await observing({ deployment: deployment(), forbidden: 'NetworkPolicy' });
  expect([...(seen?.forbiddenKinds ?? [])]).toEqual(['NetworkPolicy']);
});
