// What each e2e test begins with: a namespace of its own on the real node, with restricted Pod Security enforced.
import { test as base, inject } from 'vitest';
import { createClient } from '../../src/kube/client.ts';
import { createTransport } from '../../src/kube/transport.ts';
import { systemClock } from '../../src/process/clock.ts';
import { connect } from '../controlplane/access.ts';
import { createNamespace } from '../controlplane/namespaces.ts';
import type { Cluster } from '../integration/operator/harness.ts';
import { createTenant, type Tenant } from '../integration/operator/tenant.ts';
import { doorAgent } from './node/door.ts';
import type { World } from './world/world.ts';

const restricted = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/enforce-version': 'latest',
  'pod-security.kubernetes.io/warn': 'restricted',
};

export interface Setting extends Tenant {
  readonly world: World;
  /** For fetch: addresses and names of the node's network. */
  readonly dispatcher: ReturnType<typeof doorAgent>;
}

interface Fixtures {
  setting: Setting;
}

function openCluster({ node: { connection } }: World): Cluster {
  const { server, ca, token } = connection;
  const credentials = { headers: { authorization: `Bearer ${token}` }, tls: { ca } };
  const auth = { server, credentials: () => Promise.resolve(credentials), refuse: () => undefined };
  const transport = createTransport({ auth, clock: systemClock, random: Math.random, userAgent: 'e2e-test' });
  return {
    access: connect(connection),
    client: createClient(transport),
    clientOf: () => Promise.reject(new Error('e2e tests act as the administrator')),
    close: () => transport.close(),
  };
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the pattern
  setting: async ({}, use) => {
    const world = inject('world');
    if ('problem' in world) throw new Error(world.problem);
    const cluster = openCluster(world);
    const namespace = await createNamespace(cluster.access, 'e2e', restricted);
    const dispatcher = doorAgent(world.node.layout.door);
    await use({ ...createTenant(cluster, namespace.name), world, dispatcher });
    await namespace.remove();
    await dispatcher.destroy(); // a connection may be waiting for a pod that is gone
    await cluster.close();
  },
});

test.beforeEach(({ skip }) => {
  const world = inject('world');
  if ('problem' in world) skip(world.problem);
});
