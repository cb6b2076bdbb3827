import { describe, expect, test } from 'vitest';
import type { Status } from '../../../src/api/schema.ts';
import type { Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { createReporter } from '../../../src/operator/reporter.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { at, deployment, UID } from './observation.ts';

const signal = new AbortController().signal;
const status = (replicas: number, ready: 'True' | 'False' = 'False'): Status => ({
  observedGeneration: 1,
  replicas,
  conditions: [{ type: 'Ready', status: ready, reason: 'Progressing', message: '', lastTransitionTime: at(0) }],
});

function reporting(refusal?: ApiError) {
  const clock = createVirtualClock();
  const written: Status[] = [];
  const meant: unknown[] = [];
  const client = {
    applyStatus: async (_resource: unknown, body: { metadata: unknown; status: Status }) => {
      if (refusal) throw refusal;
      meant.push(body.metadata);
      written.push(body.status);
      return { ...deployment(), status: body.status };
    },
  } as unknown as Client;
  const noted: unknown[] = [];
  const reporter = createReporter({ client, clock, noteWrite: (_resource, object) => noted.push(object) });
  const report = (before: Status | undefined, next: Status) =>
    reporter.report({ ...deployment(), ...(before && { status: before }) }, next, signal);
  return { clock, written, meant, noted, report, reporter };
}

test('what stands there already is not written again', async () => {
  const { report, written } = reporting();
  expect(await report(status(1), status(1))).toEqual({ written: true });
  expect(written).toEqual([]);
});

test('the first status, and a condition that turns, are written at once', async () => {
  const { report, written, noted } = reporting();
  expect(await report(undefined, status(0))).toEqual({ written: true });
  expect(await report(status(0), status(1, 'True'))).toEqual({ written: true });
  expect(written).toHaveLength(2);
  expect(noted).toHaveLength(2);
});

test('a status is meant for one object, not for whatever has its name', async () => {
  const { report, meant } = reporting();
  await report(undefined, status(0));
  expect(meant).toEqual([{ name: 'model', namespace: 'ai', uid: UID }]);
});

test('a small step waits until two seconds after the last write', async () => {
  const { clock, report, written } = reporting();
  await report(undefined, status(0));
  await clock.advance(500);
  expect(await report(status(0), status(1))).toEqual({ written: false, waitMs: 1500 });
  await clock.advance(1499);
  expect(await report(status(0), status(2))).toEqual({ written: false, waitMs: 1 });
  await clock.advance(1);
  expect(await report(status(0), status(3))).toEqual({ written: true });
  expect(written.map(({ replicas }) => replicas)).toEqual([0, 3]);
});

describe('the progress of a pull', () => {
  const pulling = (completedBytes: number, replicas = 1): Status => ({
    ...status(replicas),
    pull: { phase: 'Fetching', completedBytes, totalBytes: 100 },
  });

  test('is written no more often than every ten seconds', async () => {
    const { clock, report, written } = reporting();
    await report(undefined, pulling(0));
    await clock.advance(4_000);
    expect(await report(pulling(0), pulling(20))).toEqual({ written: false, waitMs: 6_000 });
    await clock.advance(6_000);
    expect(await report(pulling(0), pulling(50))).toEqual({ written: true });
    expect(written.map(({ pull }) => pull?.completedBytes)).toEqual([0, 50]);
  });

  test('goes along with what is written anyway, and its beginning and end are no progress', async () => {
    const { clock, report } = reporting();
    await report(undefined, pulling(0));
    await clock.advance(2_000);
    expect(await report(pulling(0), pulling(20, 2))).toEqual({ written: true });
    await clock.advance(2_000);
    expect(await report(pulling(20, 2), status(2))).toEqual({ written: true });
  });

  test('of many waits its turn: five a second over all', async () => {
    const { clock, reporter, written } = reporting();
    const of = (name: string, before: Status) => ({ ...deployment(undefined, { name }), status: before });
    const names = Array.from({ length: 12 }, (_, i) => `model-${i}`);
    const waits = await Promise.all(
      names.map(async (name) => (await reporter.report(of(name, pulling(0)), pulling(9), signal)).waitMs ?? 0),
    );
    expect(waits).toEqual(names.map((_, i) => i * 200));
    expect(written).toHaveLength(1);
    await clock.advance(1_000);
    for (const name of names.slice(1)) await reporter.report(of(name, pulling(0)), pulling(9), signal);
    expect(written).toHaveLength(6);
  });
});

test('a deployment of the same name that is made later owes nothing to the one before', async () => {
  const { report, reporter } = reporting();
  await report(undefined, status(0));
  reporter.forget('ai/model');
  expect(await report(status(0), status(1))).toEqual({ written: true });
});

test.each(['notFound', 'conflict'] as const)('one that is gone meanwhile (%s) needs no report', async (reason) => {
  const { report } = reporting(new ApiError(reason, 'gone'));
  expect(await report(undefined, status(0))).toEqual({ written: false });
});

test('an API server that fails is for the queue to try again', async () => {
  const { report } = reporting(new ApiError('unavailable', 'down'));
  await expect(report(undefined, status(0))).rejects.toMatchObject({ reason: 'unavailable' });
});
