import { expect, test } from 'vitest';
import type { Client } from '../../../src/kube/client.ts';
import { EVENTS_AGAIN_AFTER_MS, STUCK_AFTER_MS } from '../../../src/operator/podProblems.ts';
import { createPodWarnings } from '../../../src/operator/podWarnings.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { NOW, pod } from './observation.ts';

const { signal } = new AbortController();
const stuck = pod({ revision: 'r', pod: { phase: 'Pending', ready: false, containers: [] } });
const uid = stuck.metadata.uid ?? '';

function watching(events: object[]) {
  const clock = createVirtualClock(NOW);
  const asked: unknown[] = [];
  const answers: (() => object[])[] = [];
  const client = {
    list: async (_resource: unknown, { fieldSelector }: { fieldSelector: string }) => {
      asked.push(fieldSelector);
      return { items: (answers.shift() ?? (() => events))() };
    },
  } as unknown as Client;
  return { clock, asked, answers, warnings: createPodWarnings({ client, clock, log: silentLogger }) };
}

const mount = (message: string, lastTimestamp: string) => ({ reason: 'FailedMount', message, lastTimestamp });

test('nobody is asked about a pod that may still be on its way, nor about one that answers', async () => {
  const { clock, asked, warnings } = watching([mount('no such volume', '2026-11-22T12:00:01Z')]);
  await clock.advance(STUCK_AFTER_MS - 1);
  expect(await warnings.of([stuck, pod({ name: 'well', revision: 'r' })], signal)).toEqual(new Map());
  expect(asked).toEqual([]);
});

test('of a stuck pod the latest Event that explains it is told, and none that does not', async () => {
  const { clock, asked, warnings } = watching([
    mount('first', '2026-11-22T12:00:01Z'),
    mount('second', '2026-11-22T12:00:09Z'),
    { reason: 'FailedScheduling', message: 'told elsewhere', lastTimestamp: '2026-11-22T12:00:20Z' },
  ]);
  await clock.advance(STUCK_AFTER_MS);
  const told = await warnings.of([stuck], signal);
  expect(told.get(uid)).toEqual({ reason: 'FailedMount', message: 'FailedMount: second' });
  expect(asked).toEqual([`involvedObject.uid=${uid},type=Warning`]);
});

test('what was told stands until it is time to ask again, also where asking fails', async () => {
  const { clock, asked, answers, warnings } = watching([mount('gone', '2026-11-22T12:00:01Z')]);
  await clock.advance(STUCK_AFTER_MS);
  const first = await warnings.of([stuck], signal);
  await clock.advance(EVENTS_AGAIN_AFTER_MS - 1);
  expect(await warnings.of([stuck], signal)).toEqual(first);
  expect(asked).toHaveLength(1);
  answers.push(() => {
    throw new Error('no answer');
  });
  await clock.advance(1);
  expect(await warnings.of([stuck], signal)).toEqual(first);
  expect(asked).toHaveLength(2);
});
