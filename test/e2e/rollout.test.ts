// What clients notice while pods come and go by intent.
import { expect } from 'vitest';
import { resources } from '../../src/kube/resources.ts';
import { systemClock } from '../../src/process/clock.ts';
import { test } from './test.ts';
import { chat, firstChat, openStream } from './world/chat.ts';
import { specOf } from './world/specs.ts';

const deployment = 'localmodels.dev/deployment=model';

test('a rollout cuts none of twenty open streams, and refuses nobody meanwhile', async ({ setting }) => {
  const { endless } = setting.world.models;
  const many = (batch: number) =>
    specOf(endless, {
      performance: { maxContext: 512, parallel: 20, batchSize: batch },
      resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '1', memory: '1Gi' } },
    });
  await setting.apply(many(512));
  await setting.untilCondition('Ready', 'True');
  await firstChat(setting, { model: endless.name, maxTokens: 1 });
  const [old] = await setting.list(resources.pod, deployment);
  const streams = Array.from({ length: 20 }, () => openStream(setting, { model: endless.name, maxTokens: 2_000 }));
  await Promise.all(streams.map(({ begun }) => begun));
  await setting.apply(many(256)); // another revision
  const refused: string[] = [];
  let asking = true;
  const probing = (async () => {
    while (asking) {
      // All places are taken, so it waits in turn, for as long as the queue lets it.
      await chat(setting, { model: endless.name, maxTokens: 1, deadlineMs: 90_000 }).catch((error: Error) =>
        refused.push(error.message),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  const open = { count: streams.length };
  for (const { ended } of streams) ended.finally(() => open.count--).catch(() => {});
  await setting.until('the old pod is being stopped', async () => {
    const pods = await setting.list(resources.pod, deployment);
    return pods.find(({ metadata }) => metadata.uid === old?.metadata.uid)?.metadata.deletionTimestamp !== undefined;
  });
  expect(open.count, 'streams that were open when the drain began').toBeGreaterThan(0);
  const outcomes = await Promise.allSettled(streams.map(({ ended }) => ended));
  await setting.untilCondition('Ready', 'True');
  await setting.until('the old pod is gone', async () => (await setting.list(resources.pod, deployment)).length === 1);
  asking = false;
  await probing;
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ value: { done: true } });
  }
  expect(refused).toEqual([]);
});

test('scales from one to three and to zero by kubectl', async ({ setting }) => {
  const { first } = setting.world.models;
  await setting.apply(specOf(first));
  await setting.untilCondition('Ready', 'True');
  const scaled = await setting.kubectl('scale', 'lmd/model', '--replicas=3');
  expect(scaled.code, scaled.stderr).toBe(0);
  const ready = async (count: number) => (await setting.get()).status?.readyReplicas === count;
  await setting.until('three replicas answer', () => ready(3));
  const pods = await setting.list(resources.pod, deployment);
  expect(new Set(pods.map(({ metadata }) => metadata.labels?.['localmodels.dev/revision'])).size).toBe(1);
  await setting.kubectl('scale', 'lmd/model', '--replicas=0');
  await setting.untilCondition('Ready', 'True', 'ScaledToZero');
  await setting.until('no pod', async () => (await setting.list(resources.pod, deployment)).length === 0);
  await setting.untilCondition('Available', 'False', 'ScaledToZero');
});

test('replaces the model of the only GPU without a deadlock', async ({ setting }) => {
  const { first, second } = setting.world.models;
  // The device is simulated, so the model sits on the CPU, which may be reported and no more.
  const hardware = { preferred: { class: 'GPU', vendor: 'nvidia' }, residency: 'Report' };
  await setting.apply(specOf(first, { hardware }));
  const { status } = await setting.untilCondition('Ready', 'True');
  expect(status?.hardware).toMatchObject({ class: 'GPU', vendor: 'nvidia', resourceName: 'nvidia.com/gpu' });
  await setting.untilCondition('Accelerated', 'False');
  const answered: { at: number; answer: string }[] = [];
  let asking = true;
  const probing = (async () => {
    while (asking) {
      for (const { name } of [first, second]) {
        const answer = await chat(setting, { model: name, deadlineMs: 2_000 }).catch(() => undefined);
        if (answer !== undefined) answered.push({ at: systemClock.monotonic(), answer });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await setting.until('the first model answers', async () => answered.length > 0);
  await setting.apply(specOf(second, { hardware }));
  await setting.until('the second model answers', async () => answered.at(-1)?.answer === second.answer);
  await setting.untilCondition('Ready', 'True');
  asking = false;
  await probing;
  const last = answered.findLast(({ answer }) => answer === first.answer)?.at ?? 0;
  const next = answered.find(({ answer }) => answer === second.answer)?.at ?? 0;
  process.stderr.write(`Rollout on one GPU: ${((next - last) / 1000).toFixed(1)} s between two answers.\n`);
  expect((await setting.list(resources.pod, deployment)).length).toBe(1);
});
