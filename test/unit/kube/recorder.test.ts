import { beforeEach, expect, test } from 'vitest';
import type { Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { createRecorder, type EventFacts, type EventObject, type ObjectReference } from '../../../src/kube/recorder.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';

const phi4: ObjectReference = {
  apiVersion: 'localmodels.dev/v1alpha1',
  kind: 'LocalModelDeployment',
  name: 'phi4',
  namespace: 'ai',
  uid: 'uid-1',
};
const placed: EventFacts = { type: 'Normal', reason: 'Placed', action: 'Place', note: 'chose GPU' };

let clock: VirtualClock;
let events: EventObject[];
let warnings: string[];
/** Errors that the next writes meet, in turn. */
let failures: ApiError[];
let most: number;

beforeEach(() => {
  clock = createVirtualClock();
  events = [];
  warnings = [];
  failures = [];
  most = 0;
});

function recorder() {
  let inFlight = 0;
  const client: Pick<Client, 'create'> = {
    async create<T extends KubeObject>(_: unknown, object: T): Promise<T> {
      most = Math.max(most, ++inFlight);
      await Promise.resolve();
      inFlight--;
      const failure = failures.shift();
      if (failure) throw failure;
      events.push(object as unknown as EventObject);
      return object;
    },
  };
  let calls = 0;
  return createRecorder({
    client,
    clock,
    random: () => (calls++ % 1000) / 1000,
    log: { ...silentLogger, warn: (_, message) => void warnings.push(message) },
    reportingController: 'localmodels.dev/operator',
    reportingInstance: 'operator-0',
  });
}

const notes = () => events.map(({ note }) => note);

test('writes an Event with everything that the API asks for', async () => {
  const { record, flush } = recorder();
  const related = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'phi4', namespace: 'ai', uid: 'uid-2' };
  record(phi4, { ...placed, related });
  await flush();
  expect(events).toEqual([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^phi4\.[0-9a-f]+$/), namespace: 'ai' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      type: 'Normal',
      reason: 'Placed',
      action: 'Place',
      note: 'chose GPU',
      regarding: phi4,
      related,
      reportingController: 'localmodels.dev/operator',
      reportingInstance: 'operator-0',
    },
  ]);
});

test('tells in the default namespace of what has none', async () => {
  const { record, flush } = recorder();
  record({ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'uid-3' }, placed);
  await flush();
  expect(events[0]?.metadata.namespace).toBe('default');
});

test('tells the same thing again only after ten minutes', async () => {
  const { record, flush } = recorder();
  record(phi4, placed);
  await clock.advance(599_999);
  record(phi4, placed);
  await flush();
  expect(events).toHaveLength(1);
  await clock.advance(1);
  record(phi4, placed);
  await flush();
  expect(events).toHaveLength(2);
});

test('tells what differs in object, reason or note', async () => {
  const { record, flush } = recorder();
  record(phi4, placed);
  record(phi4, { ...placed, note: 'chose CPU' });
  record(phi4, { ...placed, reason: 'FellBack' });
  record({ ...phi4, uid: 'uid-of-its-successor' }, placed);
  await flush();
  expect(events).toHaveLength(4);
  expect(new Set(events.map(({ metadata }) => metadata.name)).size).toBe(4);
});

test('cuts a note to 1024 bytes, between characters', async () => {
  const { record, flush } = recorder();
  record(phi4, { ...placed, note: '模'.repeat(1024) });
  record(phi4, { ...placed, note: 'x'.repeat(1024) });
  await flush();
  const [cut = '', whole = ''] = notes();
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1024);
  expect(cut).toMatch(/^模{300,}…$/u);
  expect(whole).toBe('x'.repeat(1024));
});

test('keeps the name of an Event within 253 characters', async () => {
  const { record, flush } = recorder();
  record({ ...phi4, name: 'n'.repeat(253) }, placed);
  await flush();
  expect(events[0]?.metadata.name).toHaveLength(253);
});

test('writes no more than a burst of 25 about one object, and about others all the same', async () => {
  const { record, flush } = recorder();
  for (let i = 0; i < 40; i++) record(phi4, { ...placed, note: `${i}` });
  record({ ...phi4, uid: 'another' }, { ...placed, note: 'other' });
  await flush();
  expect(events).toHaveLength(26);
  expect(notes()).toContain('other');
  await clock.advance(300_000);
  record(phi4, { ...placed, note: 'later' });
  await flush();
  expect(notes()).toContain('later');
});

test('has few requests under way at a time, and drops what a storm leaves over', async () => {
  const { record, flush } = recorder();
  for (let i = 0; i < 1000; i++) record({ ...phi4, uid: `uid-${i}` }, placed);
  await flush();
  expect(most).toBe(4);
  expect(events.length).toBeGreaterThanOrEqual(500);
  expect(events.length).toBeLessThan(1000);
});

test('logs a failure, throws nothing, and tells it at the next occasion', async () => {
  failures = [new ApiError('unavailable', 'down')];
  const { record, flush } = recorder();
  expect(() => record(phi4, placed)).not.toThrow();
  await flush();
  expect([events.length, warnings]).toEqual([0, ['event could not be written']]);
  record(phi4, placed);
  await flush();
  expect(events).toHaveLength(1);
});

test('asks no more for those that wait once it is told that events are forbidden', async () => {
  failures = Array.from({ length: 100 }, () => new ApiError('forbidden', 'events is forbidden'));
  const { record, flush } = recorder();
  for (let i = 0; i < 20; i++) record({ ...phi4, uid: `uid-${i}` }, placed);
  await flush();
  expect(100 - failures.length).toBe(4); // those that were on their way together
  expect(warnings).toHaveLength(1);
});

test('goes quiet where events are forbidden, says so once, and tries again after ten minutes', async () => {
  failures = [new ApiError('forbidden', 'events is forbidden'), new ApiError('forbidden', 'events is forbidden')];
  const { record, flush } = recorder();
  record(phi4, placed);
  await flush();
  record(phi4, { ...placed, note: 'unheard' });
  record({ ...phi4, namespace: 'other', uid: 'other' }, placed);
  await flush();
  record({ ...phi4, namespace: 'allowed', uid: 'allowed' }, placed);
  await flush();
  expect(events.map(({ metadata }) => metadata.namespace)).toEqual(['allowed']);
  expect(warnings).toHaveLength(1);
  await clock.advance(600_000);
  record(phi4, { ...placed, note: 'heard' });
  await flush();
  expect(notes()).toContain('heard');
});

test('flushes at once when there is nothing to write', async () => {
  await expect(recorder().flush()).resolves.toBeUndefined();
});
