import { describe, expect, test } from 'vitest';
import type { Rung } from '../../../src/api/hardware.ts';
import type { Decision } from '../../../src/placement/decision.ts';
import { decide, decisionIsOpen, type LadderInput, type Outcome, RECHECK_MS } from '../../../src/placement/ladder.ts';
import type { World } from '../../../src/placement/world.ts';
import { foundryLocal } from '../../../src/runtimes/foundryLocal.ts';
import { cpu, forbidden, gpu, inputOf, NOW, node, npu, nvidia, worldOf } from './cluster.ts';

function placedOf(outcome: Outcome) {
  if (outcome.kind !== 'placed') throw new Error(`not placed: ${outcome.message}`);
  return outcome;
}

const nvidiaNode = node('gpu-1', { 'nvidia.com/gpu': '1' });
const npuNode = node('npu-1', { 'npu.intel.com/accel': '1' });

describe('the first rung that can be had', () => {
  test.each<[string, World, number, string]>([
    ['NPU', worldOf(npuNode, nvidiaNode), 0, 'Preferred'],
    ['GPU, when no node has an NPU', worldOf(nvidiaNode), 1, 'FellBack'],
    ['CPU, when no node has either', worldOf(node('plain')), 2, 'FellBack'],
  ])('is %s', (_what, world, rung, reason) => {
    const { decision, ...outcome } = placedOf(decide(inputOf([npu, gpu, cpu], world)));
    expect(outcome.reason).toBe(reason);
    expect(decision.choice.rung).toBe(rung);
    expect(decision.rejected.map((rejection) => rejection.class)).toEqual(['NPU', 'GPU'].slice(0, rung));
    expect(decision.since).toBe('2026-11-23T10:00:00Z');
  });

  test('brings what the pod needs from it', () => {
    const { decision, message } = placedOf(
      decide(inputOf([{ class: 'GPU', count: 2 }], worldOf(node('a', { 'amd.com/gpu': '4' })))),
    );
    expect(decision.choice).toEqual({
      rung: 0,
      class: 'GPU',
      vendor: 'amd',
      resourceName: 'amd.com/gpu',
      count: 2,
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    });
    expect(message).toBe('on GPU amd (2 amd.com/gpu)');
  });

  test('takes the second resource of a vendor where only that is offered', () => {
    const world = worldOf(node('a', { 'gpu.intel.com/xe': '1' }));
    expect(placedOf(decide(inputOf([{ class: 'GPU', vendor: 'intel' }], world))).decision.choice.resourceName).toBe(
      'gpu.intel.com/xe',
    );
  });

  test('skips a vendor that the cluster offers and the runtime cannot use', () => {
    const world = worldOf(node('a', { 'amd.com/gpu': '1' }));
    expect(placedOf(decide(inputOf([gpu, cpu], world))).decision.choice.vendor).toBe('amd');
    const { decision } = placedOf(decide(inputOf([gpu, cpu], world, { runtime: foundryLocal })));
    expect(decision).toMatchObject({ choice: { class: 'CPU' }, rejected: [{ reason: 'NotOffered' }] });
    const own = placedOf(decide(inputOf([{ ...gpu, image: 'x' }], world, { runtime: foundryLocal })));
    expect(own.decision.choice).toEqual({
      rung: 0,
      class: 'GPU',
      vendor: 'amd',
      resourceName: 'amd.com/gpu',
      count: 1,
    });
  });

  test('tolerates the taint that the device plugin documents', () => {
    const { decision } = placedOf(decide(inputOf([nvidia], worldOf(nvidiaNode))));
    expect(decision.choice.tolerations).toEqual([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
  });

  test('with claims asks for no extended resource', () => {
    const claims: Rung = {
      class: 'GPU',
      vendor: 'nvidia',
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }],
    };
    const world: World = { nodes: [], deviceClasses: [{ name: 'gpu.nvidia.com' }] };
    expect(placedOf(decide(inputOf([claims], world))).decision.choice).toEqual({
      rung: 0,
      class: 'GPU',
      vendor: 'nvidia',
    });
  });

  test('says what was passed over and why', () => {
    expect(placedOf(decide(inputOf([npu, cpu], worldOf()))).message).toBe(
      "on CPU. Passed over: NPU intel: no node offers npu.intel.com/accel; install the vendor's device plugin, or set whenAbsent: Wait if nodes with it are made on demand",
    );
  });

  test('is the scheduler to find, where nodes may not be read', () => {
    const outcome = placedOf(decide(inputOf([gpu, cpu], forbidden)));
    expect(outcome.reason).toBe('SchedulerDecides');
    expect(outcome.decision.choice).toMatchObject({ rung: 0, vendor: 'nvidia', resourceName: 'nvidia.com/gpu' });
    expect(outcome.message).toBe(
      'on GPU nvidia (1 nvidia.com/gpu); nodes or DeviceClasses may not be read (get and list them in the ClusterRole), so the scheduler alone decides; after 600 s without a scheduled pod comes CPU',
    );
    expect(outcome.nextCheckMs).toBe(600_000);
  });

  test('is waited for where the rung says so, with pods that an autoscaler can see', () => {
    const outcome = placedOf(decide(inputOf([{ ...nvidia, whenAbsent: 'Wait' }, cpu], worldOf())));
    expect(outcome).toMatchObject({
      reason: 'Waiting',
      decision: { choice: { rung: 0, resourceName: 'nvidia.com/gpu' } },
    });
    expect(outcome.message).toContain('which no node offers yet');
  });

  test('is not waited for where the runtime could not use it anyway', () => {
    const outcome = placedOf(decide(inputOf([{ class: 'NPU', whenAbsent: 'Wait' }, cpu], worldOf())));
    expect(outcome.decision).toMatchObject({ choice: { rung: 1 }, rejected: [{ reason: 'NoBackend' }] });
  });
});

describe('when no rung can be had', () => {
  test('every rung is listed with its reason, and nodes are looked at again', () => {
    const outcome = decide(inputOf([{ class: 'NPU' }, nvidia], worldOf()));
    expect(outcome).toMatchObject({ kind: 'nothingFits', nextCheckMs: RECHECK_MS });
    expect(outcome.kind === 'nothingFits' && outcome.rejected.map(({ reason }) => reason)).toEqual([
      'NoBackend',
      'NotOffered',
    ]);
    expect(outcome.message).toMatch(
      /^no rung of the ladder can be had: NPU: Ollama has no NPU backend.*\| GPU nvidia: no node offers nvidia.com\/gpu.*add a fallback such as class CPU$/,
    );
  });

  test('nodes are not looked at again where only the spec can help', () => {
    expect(decide(inputOf([{ class: 'NPU' }], undefined))).not.toHaveProperty('nextCheckMs');
  });
});

describe('a recorded decision', () => {
  const made = (ladder: Rung[], world: World, more: Partial<LadderInput> = {}): Decision =>
    placedOf(decide(inputOf(ladder, world, more))).decision;
  const later = (
    ms: number,
    previous: Decision,
    ladder: Rung[],
    world: World | undefined,
    more: Partial<LadderInput> = {},
  ) => decide(inputOf(ladder, world, { previous, now: NOW + ms, ...more }));

  test('stands, also when its device is gone and a better rung has come', () => {
    const ladder = [npu, nvidia, cpu];
    const previous = made(ladder, worldOf(nvidiaNode));
    const outcome = later(1e9, previous, ladder, worldOf(npuNode), { pods: { wanted: 3, everScheduled: true } });
    expect(placedOf(outcome).decision).toBe(previous);
    expect(outcome).not.toHaveProperty('nextCheckMs');
  });

  test('is made anew from the top when its inputs have changed', () => {
    const previous = made([npu, cpu], worldOf());
    const outcome = later(1000, previous, [npu, cpu], worldOf(npuNode), { inputsHash: 'bbbb' });
    expect(placedOf(outcome)).toMatchObject({ reason: 'Preferred', decision: { inputs: 'bbbb', rejected: [] } });
  });

  test('that was made anew has all its time, whatever became of the pods of the one before', () => {
    const previous = made([nvidia, cpu], worldOf(nvidiaNode));
    const changed = { inputsHash: 'bbbb', pods: { wanted: 1, everScheduled: true } };
    expect(later(3_600_000, previous, [nvidia, cpu], worldOf(nvidiaNode), changed).nextCheckMs).toBe(600_000);
  });

  test('tells when its time is over', () => {
    const previous = made([nvidia, cpu], worldOf(nvidiaNode));
    expect(later(250_000, previous, [nvidia, cpu], undefined).nextCheckMs).toBe(350_000);
  });

  test('goes down when no pod was ever scheduled in time, and remembers why', () => {
    const ladder = [npu, nvidia, cpu];
    const previous = made(ladder, worldOf(nvidiaNode));
    const pods = {
      wanted: 1,
      everScheduled: false,
      schedulerMessage: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
    };
    const { decision } = placedOf(later(600_000, previous, ladder, undefined, { pods }));
    expect(decision.choice.rung).toBe(2);
    expect(decision.since).toBe('2026-11-23T10:10:00Z');
    expect(decision.rejected.map(({ reason }) => reason)).toEqual(['NotOffered', 'NotScheduledInTime']);
    expect(decision.rejected[1]).toEqual({
      class: 'GPU',
      vendor: 'nvidia',
      reason: 'NotScheduledInTime',
      message: 'no pod was scheduled within 600 s: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
    });
  });

  test.each<[string, LadderInput['pods']]>([
    ['one pod was scheduled once', { wanted: 3, everScheduled: true }],
    ['no pod is wanted', { wanted: 0, everScheduled: false }],
    [
      'its pods are new, after scaling up from zero',
      { wanted: 1, everScheduled: false, pendingSince: NOW + 3_500_000 },
    ],
  ])('stays when its time is over but %s', (_what, pods) => {
    const previous = made([nvidia, cpu], worldOf(nvidiaNode));
    expect(placedOf(later(3_600_000, previous, [nvidia, cpu], worldOf(), { pods })).decision).toBe(previous);
  });

  test('stays on the last rung for ever', () => {
    const previous = made([cpu], worldOf());
    const outcome = later(1e9, previous, [cpu], undefined);
    expect(placedOf(outcome).decision).toBe(previous);
    expect(outcome).not.toHaveProperty('nextCheckMs');
  });

  test('stays when no lower rung can be had, and asks again in a minute', () => {
    const amd: Rung = { class: 'GPU', vendor: 'amd' };
    const previous = made([nvidia, amd], worldOf(nvidiaNode));
    const outcome = later(700_000, previous, [nvidia, amd], worldOf(nvidiaNode));
    expect(placedOf(outcome).decision).toBe(previous);
    expect(outcome.nextCheckMs).toBe(RECHECK_MS);
  });

  test('asks again at once when its time ran out after the world was left unread', () => {
    const amd: Rung = { class: 'GPU', vendor: 'amd' };
    const previous = made([nvidia, amd], worldOf(nvidiaNode));
    expect(later(700_000, previous, [nvidia, amd], undefined)).toMatchObject({ decision: previous, nextCheckMs: 1 });
  });

  test.each<[string, World, Rung]>([
    ['waited for its device', worldOf(), { ...nvidia, whenAbsent: 'Wait' }],
    ['was left to the scheduler', forbidden, nvidia],
  ])('that %s says so until a pod is scheduled, then no more', (_what, world, rung) => {
    const previous = made([rung, cpu], world);
    const reason = (everScheduled: boolean) =>
      placedOf(later(1000, previous, [rung, cpu], undefined, { pods: { wanted: 1, everScheduled } })).reason;
    expect(reason(false)).toBe(previous.unconfirmed);
    expect(reason(true)).toBe('Preferred');
  });

  test('that is of another ladder by accident is not followed off its end', () => {
    const previous: Decision = {
      inputs: 'aaaa',
      choice: { rung: 5, class: 'GPU' },
      since: '2026-11-23T10:00:00Z',
      rejected: [],
    };
    expect(placedOf(later(0, previous, [cpu], undefined)).decision.choice.rung).toBe(0);
  });
});

describe('nodes are read', () => {
  const standing: Decision = {
    inputs: 'aaaa',
    choice: { rung: 0, class: 'GPU' },
    since: '2026-11-23T10:00:00Z',
    rejected: [],
  };
  const late = { now: NOW + 600_000 };

  test.each<[string, boolean, Rung[], Partial<LadderInput>]>([
    ['for a first decision about a device', true, [nvidia, cpu], {}],
    ['not for a ladder of CPU alone', false, [cpu], {}],
    ['not for rungs below CPU', false, [cpu, nvidia], {}],
    ['not where the runtime has a backend for CPU only', false, [{ class: 'NPU' }, cpu], {}],
    ['not while a decision stands', false, [nvidia, nvidia], { previous: standing }],
    ['when its time is over and another device is next', true, [nvidia, nvidia], { previous: standing, ...late }],
    ['not when its time is over and CPU is next', false, [nvidia, cpu], { previous: standing, ...late }],
    ['not when its time is over and it is the last', false, [nvidia], { previous: standing, ...late }],
    ['when its inputs have changed', true, [nvidia], { previous: standing, inputsHash: 'bbbb' }],
  ])('%s: %s', (_what, open, ladder, more) => expect(decisionIsOpen(inputOf(ladder, undefined, more))).toBe(open));

  test('or the decision is refused as a bug', () => {
    expect(() => decide(inputOf([nvidia], undefined))).toThrow('the world must be read');
  });
});
