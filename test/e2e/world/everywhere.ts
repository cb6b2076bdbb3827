// Everything that a program in a pod could want to talk to, and proof that it can be reached by a pod that no policy holds.
import { expect, onTestFinished } from 'vitest';
import { createNamespace } from '../../controlplane/namespaces.ts';
import { createTenant, type Tenant } from '../../integration/operator/tenant.ts';
import { network, ports } from '../node/layout.ts';
import type { Setting } from '../test.ts';
import { type ClientPod, startClient } from './client.ts';
import { startOutside } from './outside.ts';
import { each } from './reach.ts';

/** A client in a namespace of its own, without any policy. */
export async function neighbour({ cluster }: Tenant, labels: Record<string, string> = {}): Promise<ClientPod> {
  const { name, remove } = await createNamespace(cluster.access, 'e2e', labels);
  onTestFinished(remove);
  return startClient(createTenant(cluster, name));
}

export async function everywhere(setting: Setting) {
  const outside = await startOutside(setting.world, [443, 8443]);
  onTestFinished(outside.end);
  const other = await neighbour(setting);
  const targets = {
    names: 'dns:models.registry.svc.cluster.local',
    registry: `${network.node}:${ports.registry}`,
    'API server': `${network.apiService}:443`,
    'another pod': `${other.address}:8080`,
    'another pod, the port of gateways': `${other.address}:9090`,
    'outside, a port of registries': `${outside.address}:443`,
    'outside, another port': `${outside.address}:8443`,
  };
  expect(await other.reach(targets)).toEqual(each(targets, 'answered'));
  return targets;
}
