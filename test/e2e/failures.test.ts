// What goes wrong with a model or its pod, and what people read then.
import { describe, expect } from 'vitest';
import { resources } from '../../src/kube/resources.ts';
import { type Setting, test } from './test.ts';
import { firstChat } from './world/chat.ts';
import { processesOf } from './world/processes.ts';
import { specOf } from './world/specs.ts';

async function theOnlyPod(setting: Setting) {
  const pods = await setting.list(resources.pod, 'localmodels.dev/deployment=model');
  const [pod] = pods.filter(({ metadata }) => !metadata.deletionTimestamp);
  if (!pod?.metadata.uid) throw new Error('no pod');
  return { name: pod.metadata.name, uid: pod.metadata.uid, status: pod.status };
}

describe('a deployment that serves', () => {
  test('serves again after its pod was killed', async ({ setting }) => {
    const { first } = setting.world.models;
    await setting.apply(specOf(first));
    await setting.untilCondition('Ready', 'True');
    const killed = await theOnlyPod(setting);
    const { code, stderr } = await setting.kubectl('delete', 'pod', killed.name, '--grace-period=0', '--force');
    expect(code, stderr).toBe(0);
    await setting.until('another pod', async () => (await theOnlyPod(setting)).uid !== killed.uid);
    await setting.untilCondition('Ready', 'False');
    await setting.untilCondition('Ready', 'True');
    expect(await firstChat(setting, { model: first.name })).toBe(first.answer);
  });

  test('says so while its runtime is gone, and serves again without fetching anything', async ({ setting }) => {
    const { first } = setting.world.models;
    await setting.apply(specOf(first));
    await setting.untilCondition('Ready', 'True');
    const pod = await theOnlyPod(setting);
    const [runtime] = await processesOf(pod.uid, '/ollama');
    process.kill(runtime ?? 0, 'SIGKILL');
    await setting.untilCondition('Ready', 'False');
    await setting.untilCondition('Ready', 'True');
    const after = await theOnlyPod(setting);
    expect(after.uid).toBe(pod.uid);
    expect(after.status.containerStatuses[0]).toMatchObject({ name: 'ollama', restartCount: 1 });
    expect(after.status.initContainerStatuses).toMatchObject([
      { name: 'gateway', restartCount: 0 },
      { name: 'pull', restartCount: 0 },
    ]);
    expect(await firstChat(setting, { model: first.name })).toBe(first.answer);
  });
});

describe('a deployment whose model cannot be had', () => {
  test('says which digest is pinned when the registry has another one', async ({ setting }) => {
    const { first } = setting.world.models;
    const digest = `sha256:${'0'.repeat(64)}`;
    const spec = specOf(first);
    await setting.apply({ ...spec, model: { ...(spec.model as object), digest } });
    const { status } = await setting.untilCondition('Pulled', 'False', 'DigestMismatch');
    expect(status?.conditions?.find(({ type }) => type === 'Pulled')?.message).toContain(digest);
    await setting.untilCondition('Stalled', 'True', 'DigestMismatch');
    await setting.untilCondition('Ready', 'False', 'PullFailed');
  });

  test('pulls the digest that is pinned, whatever the tag has become', async ({ setting }) => {
    const { first, second } = setting.world.models;
    const spec = specOf(first);
    await setting.apply({ ...spec, model: { ...(spec.model as object), digest: second.digest } });
    const { status } = await setting.untilCondition('Ready', 'True');
    expect(status?.model?.sourceDigest).toBe(second.digest);
    expect(await firstChat(setting, { model: first.name })).toBe(second.answer);
  });

  test('says that the registry has no such tag, and serves once the name is right', async ({ setting }) => {
    const { first } = setting.world.models;
    await setting.apply(specOf({ name: first.name.replace(/:first$/, ':none') }));
    await setting.untilCondition('Pulled', 'False', 'NotFound');
    await setting.untilCondition('Stalled', 'True', 'NotFound');
    await setting.apply(specOf(first));
    await setting.untilCondition('Ready', 'True');
    expect(await firstChat(setting, { model: first.name })).toBe(first.answer);
  });
});
