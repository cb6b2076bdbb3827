// Troubles of the node itself: its container runtime, its disk, its memory; and an image as the source of a model.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { resources } from '../../src/kube/resources.ts';
import { tinyLlama } from '../runtime/models/llama.ts';
import { writeModel } from '../runtime/models/written.ts';
import { importImages, runInNode } from './node/node.ts';
import { type Setting, test } from './test.ts';
import { chat, firstChat } from './world/chat.ts';
import { unitProcess } from './world/processes.ts';
import { specOf } from './world/specs.ts';

const deployment = 'localmodels.dev/deployment=model';
const root = resolve(import.meta.dirname, '../..');

test('a model goes on serving while the container runtime is started anew', async ({ setting }) => {
  const { world } = setting;
  const { first } = world.models;
  await setting.apply(specOf(first));
  await setting.untilCondition('Ready', 'True');
  const [before] = await setting.list(resources.pod, deployment);
  const { layout, programs } = world.node;
  const containerd = () => unitProcess(programs.containerd, layout.folder);
  const old = await containerd();
  await firstChat(setting, { model: first.name });
  process.kill(old, 'SIGKILL');
  expect(await chat(setting, { model: first.name })).toBe(first.answer);
  await setting.until('the container runtime is there again', async () => (await containerd()) !== old);
  await setting.kubectl('scale', 'lmd/model', '--replicas=2'); // it can be asked for new containers
  await setting.until('two replicas', async () => (await setting.get()).status?.readyReplicas === 2);
  const after = (await setting.list(resources.pod, deployment)).find(
    ({ metadata }) => metadata.uid === before?.metadata.uid,
  );
  expect(after?.status.containerStatuses[0].restartCount).toBe(0);
  expect(await chat(setting, { model: first.name })).toBe(first.answer);
});

async function smallDisk({ world, cluster, namespace }: Setting): Promise<string> {
  const path = `/var/lib/${namespace}`;
  await runInNode(world.node, ['mkdir', path]);
  await runInNode(world.node, ['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=1777', 'tmpfs', path]);
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: namespace },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: namespace,
      hostPath: { path },
    },
  };
  const { status } = await cluster.access.call('POST', '/api/v1/persistentvolumes', { body: volume });
  expect(status).toBe(201);
  return path;
}

test('a disk that is full is named, and the pull goes on once there is room', async ({ setting }) => {
  const { world, namespace } = setting;
  const { first } = world.models;
  const path = await smallDisk(setting);
  const persistentVolumeClaim = { size: '1Gi', storageClassName: namespace };
  await setting.apply(specOf(first, { storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim } }));
  await setting.untilCondition('Pulled', 'False', 'DiskFull');
  await setting.untilCondition('Reconciling', 'True', 'Retrying'); // room may be made, and was
  await runInNode(world.node, ['mount', '-o', 'remount,size=64m', path]);
  await setting.untilCondition('Ready', 'True');
  expect(await firstChat(setting, { model: first.name })).toBe(first.answer);
});

test('a runtime that needs more memory than its limit is OOMKilled, and the deployment says so', async ({
  setting,
}) => {
  const { first } = setting.world.models;
  const resources = { requests: { cpu: '50m', memory: '12Mi' }, limits: { cpu: '1', memory: '12Mi' } };
  await setting.apply(specOf(first, { resources }));
  const { status } = await setting.untilCondition('Ready', 'False', 'OOMKilled');
  expect(status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('ollama');
});

test('a model comes out of an image that is mounted', async ({ setting }) => {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-packed-'));
  try {
    const answer = ['Packed', ' in', ' an', ' image.'];
    await writeModel(folder, 'packed:1', { gguf: tinyLlama({ answer, seed: 4 }) });
    const archive = join(folder, 'packed.tar');
    const reference = 'localhost/models/packed:1';
    const words = ['src/cli/main.ts', 'pack', 'packed:1', '--store', folder, '-o', archive, '--tag', reference];
    await promisify(execFile)(process.execPath, words, { cwd: root });
    await importImages(setting.world.node, [archive]);
    const model = { name: 'packed:1', source: { image: { reference } } };
    await setting.apply(specOf({ name: 'packed:1' }, { model }));
    await setting.untilCondition('Ready', 'True');
    expect(await firstChat(setting, { model: 'packed:1' })).toBe(answer.join(''));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
