// A claim whose volume is a folder of the node that a test has filled.
import { join } from 'node:path';
import type { Setting } from '../test.ts';

/** The name of the claim. `fill` gets the folder as this machine sees it. */
export async function filledClaim(
  { world, cluster, namespace }: Setting,
  fill: (folder: string) => Promise<unknown>,
): Promise<string> {
  await fill(join(world.node.layout.varLib, namespace));
  const capacity = { storage: '1Gi' };
  const shared = { accessModes: ['ReadWriteOnce'], storageClassName: namespace };
  const volume = { ...shared, capacity, hostPath: { path: `/var/lib/${namespace}` } };
  const claim = { ...shared, resources: { requests: capacity } };
  const objects = {
    '/api/v1/persistentvolumes': { kind: 'PersistentVolume', metadata: { name: namespace }, spec: volume },
    [`/api/v1/namespaces/${namespace}/persistentvolumeclaims`]: {
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'library' },
      spec: claim,
    },
  };
  for (const [path, body] of Object.entries(objects)) {
    const { status, body: answer } = await cluster.access.call('POST', path, { body: { apiVersion: 'v1', ...body } });
    if (status !== 201) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`);
  }
  return 'library';
}
