import { expect, test } from 'vitest';
import type { Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { createWorldReader } from '../../../src/operator/worldReader.ts';
import { createVirtualClock } from '../virtualClock.ts';

const signal = new AbortController().signal;

const nodeOf = (name: string, allocatable: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { allocatable },
});

const nodes = [
  nodeOf('plain', { cpu: '4', memory: '8Gi', 'attachable-volumes-csi-x': '25' }),
  nodeOf('gpu-1', { cpu: '4', 'nvidia.com/gpu': '1' }),
];

/** Counts how often nodes were listed; `answer` may hold a list up, or refuse it. */
function reading(given: { answer?: () => Promise<void>; classes?: () => Promise<never> } = {}) {
  const clock = createVirtualClock();
  let reads = 0;
  const client = {
    async *pages() {
      reads += 1;
      await given.answer?.();
      yield { items: nodes };
    },
    list: async () => (await given.classes?.()) ?? { items: [] },
  } as unknown as Client;
  return { clock, reader: createWorldReader({ client, clock }), reads: () => reads };
}

test('nodes that offer no device are not kept', async () => {
  const { reader } = reading();
  const world = await reader.read(signal);
  expect(world.nodes).toMatchObject([{ name: 'gpu-1', allocatable: { 'nvidia.com/gpu': '1' } }]);
});

test('decisions that are open together look at one picture, later ones at a new one', async () => {
  const { reader, clock, reads } = reading();
  const [one, other] = await Promise.all([reader.read(signal), reader.read(signal)]);
  expect(other).toBe(one);
  await clock.advance(4_999);
  expect(await reader.read(signal)).toBe(one);
  await clock.advance(1);
  expect(await reader.read(signal)).not.toBe(one);
  expect(reads()).toBe(2);
});

test('a picture that could not be had is not looked at again', async () => {
  const failures = [new ApiError('unavailable', 'no answer')];
  const { reader, reads } = reading({
    answer: async () => {
      const failure = failures.shift();
      if (failure) throw failure;
    },
  });
  await expect(reader.read(signal)).rejects.toThrow('no answer');
  await expect(reader.read(signal)).resolves.toMatchObject({ deviceClasses: [] });
  expect(reads()).toBe(2);
});

test.each(['who began the reading', 'who joined it'])('%s may leave, and the others get it', async (who) => {
  const held = Promise.withResolvers<void>();
  const { reader, reads } = reading({ answer: () => held.promise });
  const leaving = new AbortController();
  const first = reader.read(who === 'who began the reading' ? leaving.signal : signal);
  const second = reader.read(who === 'who began the reading' ? signal : leaving.signal);
  const [stays, leaves] = who === 'who began the reading' ? [second, first] : [first, second];
  const reason = new Error('deadline');
  leaving.abort(reason);
  await expect(leaves).rejects.toBe(reason);
  held.resolve();
  expect((await stays).nodes).toHaveLength(1);
  expect(reads()).toBe(1);
});

test.each([
  ['forbidden', 'forbidden'],
  ['notFound', 'absent'],
] as const)('DeviceClasses that are %s count as %s', async (reason, expected) => {
  const { reader } = reading({ classes: () => Promise.reject(new ApiError(reason, 'no')) });
  expect((await reader.read(signal)).deviceClasses).toBe(expected);
});

test('nodes that may not be read count as forbidden, and leave the rest', async () => {
  const { reader } = reading({ answer: () => Promise.reject(new ApiError('forbidden', 'no')) });
  expect(await reader.read(signal)).toEqual({ nodes: 'forbidden', deviceClasses: [] });
});
