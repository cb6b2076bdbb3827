// The other runtime in a container: the real core of Foundry Local, with a model that lies in a volume.
import { expect } from 'vitest';
import { writeModelFolder } from '../runtime/foundry/pod.ts';
import { onnxAnswer, tinyOnnx } from '../runtime/models/onnxLlama.ts';
import { test } from './test.ts';
import { firstChat } from './world/chat.ts';
import { droppedPackets } from './world/dropped.ts';
import { everywhere } from './world/everywhere.ts';
import { modelNetwork } from './world/processes.ts';
import { expectReach } from './world/reach.ts';
import { filledClaim } from './world/volumes.ts';

test('Foundry Local serves a model out of a volume, tries to reach nothing, and could not', async ({ setting }) => {
  const claimName = await filledClaim(setting, (folder) => writeModelFolder(folder, tinyOnnx()));
  await setting.apply({
    runtime: 'FoundryLocal',
    model: { name: 'tiny-generic-cpu:1', servedNames: ['tiny'], source: { volume: { claimName } } },
    resources: { requests: { cpu: '50m', memory: '256Mi' }, limits: { cpu: '1', memory: '1Gi' } },
  });
  const { status } = await setting.untilCondition('Ready', 'True');
  expect(status).toMatchObject({ readyReplicas: 1, hardware: { class: 'CPU' } });
  expect((await firstChat(setting, { model: 'tiny' })).trim()).toBe(onnxAnswer.join('').trim());
  expect(await droppedPackets(setting)).toBe(0);
  await expectReach(setting, await modelNetwork(setting, 'node'), await everywhere(setting), 'silent');
});
