import { describe, expect, test } from 'vitest';
import { annotations } from '../../../src/api/types.ts';
import type { Priority, Queue } from '../../../src/kube/queue.ts';
import { createTriggers, isWish } from '../../../src/operator/triggers.ts';
import { deployment, pod, spec } from './observation.ts';

function listening({ settled = true, leads = true } = {}) {
  const added: [string, Priority | undefined][] = [];
  const queue = { add: (key: string, options?: { priority?: Priority }) => added.push([key, options?.priority]) };
  const triggers = createTriggers(
    () => (leads ? (queue as unknown as Queue) : undefined),
    () => settled,
  );
  return { triggers, added };
}

describe('a deployment is looked at', () => {
  const before = deployment();

  test.each([
    ['its generation moved', deployment(spec(), { generation: 2 }), true],
    ['it is another of that name', deployment(spec(), { uid: 'other' }), true],
    ['it is being deleted', deployment(spec(), { deletionTimestamp: 'now' }), true],
    ['a restart is asked for', deployment(spec(), { annotations: { [annotations.restartedAt]: 'now' } }), true],
    ['a choice is asked for', deployment(spec(), { annotations: { [annotations.reselectHardware]: '1' } }), true],
    ['objects are handed over', deployment(spec(), { annotations: { [annotations.adopt]: 'true' } }), true],
    ['somebody leaves a note', deployment(spec(), { annotations: { note: 'x' } }), false],
    ['we wrote its status', deployment(spec(), { resourceVersion: '2' }), false],
  ])('when %s: %s', (_title, now, expected) => {
    expect(isWish(before, now)).toBe(expected);
    const { triggers, added } = listening();
    triggers.deployment('ai/model', 'changed', now, before);
    expect(added).toEqual(expected ? [['ai/model', 'user']] : []);
  });

  test('when it comes or goes, before others once the start is over', () => {
    const { triggers, added } = listening();
    triggers.deployment('ai/model', 'added', before);
    triggers.deployment('ai/model', 'deleted', before);
    expect(added).toEqual([
      ['ai/model', 'user'],
      ['ai/model', 'user'],
    ]);
    const starting = listening({ settled: false });
    starting.triggers.deployment('ai/model', 'added', before);
    expect(starting.added).toEqual([['ai/model', 'resync']]);
  });

  test('not at all by one that does not lead', () => {
    const { triggers, added } = listening({ leads: false });
    triggers.deployment('ai/model', 'added', before);
    triggers.pod('ai/model', pod({ revision: 'r' }));
    expect(added).toEqual([]);
  });
});

test('a pod counts when what is remembered of it changes, not with every write', () => {
  const { triggers, added } = listening();
  const one = pod({ revision: 'r', metadata: { resourceVersion: '1' } });
  triggers.pod('ai/model', pod({ revision: 'r', metadata: { resourceVersion: '2' } }), one);
  expect(added).toEqual([]);
  triggers.pod('ai/model', pod({ revision: 'r', pod: { ready: false } }), one);
  triggers.pod('ai/model', one);
  expect(added).toHaveLength(2);
});
