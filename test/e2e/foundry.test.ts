// The other runtime in a container: the real core of Foundry Local, with a model that lies in a volume.
import { join } from 'node:path';
import { expect } from 'vitest';
import { writeModelFolder } from '../runtime/foundry/pod.ts';
import { onnxAnswer, tinyOnnx } from '../runtime/models/onnxLlama.ts';
import { type Setting, test } from './test.ts';
import { firstChat } from './world/chat.ts';

/** A claim whose volume is a folder of the node with a model in it. */
async function library({ world, cluster, namespace }: Setting): Promise<string> {
  await writeModelFolder(join(world.node.layout.varLib, namespace), tinyOnnx());
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
    expect(status, JSON.stringify(answer)).toBe(201);
  }
  return 'library';
}

test('Foundry Local serves a model out of a volume', async ({ setting }) => {
  const claimName = await library(setting);
  await setting.apply({
    runtime: 'FoundryLocal',
    model: { name: 'tiny-generic-cpu:1', servedNames: ['tiny'], source: { volume: { claimName } } },
    resources: { requests: { cpu: '50m', memory: '256Mi' }, limits: { cpu: '1', memory: '1Gi' } },
  });
  const { status } = await setting.untilCondition('Ready', 'True');
  expect(status).toMatchObject({ readyReplicas: 1, hardware: { class: 'CPU' } });
  expect((await firstChat(setting, { model: 'tiny' })).trim()).toBe(onnxAnswer.join('').trim());
});
