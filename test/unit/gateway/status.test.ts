import { describe, expect, it } from 'vitest';
import { readStatus } from '../../../src/gateway/status.ts';
import { statusOf } from '../../../src/gateway/statusReport.ts';
import { testConfig } from './config.ts';
import { canary, createPod, digest, gpuRules, lists, model, type Pod, servingPod } from './pod.ts';

const config = testConfig({ residency: { class: 'GPU', required: true } });

const reportOf = ({ state, now }: Pod) =>
  statusOf({
    config,
    state,
    version: '1.2.0',
    monotonicNow: now,
    wallNow: Date.UTC(2026, 0, 1) + now,
    source: { digest: `sha256:${'c'.repeat(64)}`, sizeBytes: 900 },
    requests: { inFlight: 1, queued: 2, total: 30, lastAt: now },
  });

describe('the status of a pod', () => {
  it('tells all that the operator wants to know, in a form that it can read', () => {
    const pod = servingPod(gpuRules).sees(canary('Passed'), lists({ ...model, deviceBytes: 500 }));
    const status = reportOf(pod);
    expect(status).toMatchObject({
      schema: 1,
      version: '1.2.0',
      phase: 'Degraded',
      reason: 'PartlyOnCPU',
      ready: false,
      since: '2026-01-01T00:00:02.000Z',
      model: {
        runtimeName: 'tiny:latest',
        sourceDigest: `sha256:${'c'.repeat(64)}`,
        servedDigest: digest,
        loadedDigest: digest,
        sizeBytes: 900,
        loadSeconds: 2,
      },
      residency: { class: 'GPU', required: true, ratio: 0.5 },
      requests: { inFlight: 1, queued: 2, maxInFlight: 2, maxQueue: 64, total: 30, lastAt: '2026-01-01T00:00:02.000Z' },
      canary: { enabled: true, outcome: 'Passed', failuresInARow: 0 },
      runtime: { kind: 'Ollama', up: true, restarts: 0 },
    });
    expect(readStatus(JSON.parse(JSON.stringify(status)))).toEqual(status);
  });

  it('tells on what the model runs, where the runtime says it', () => {
    const { deviceBytes: _, ...plain } = model;
    const place = { executionProvider: 'CUDAExecutionProvider', device: 'GPU' } as const;
    const status = reportOf(servingPod(gpuRules).sees(lists({ ...plain, ...place })));
    expect(status).toMatchObject({
      ready: true,
      residency: { ratio: 1 },
      runtime: { executionProvider: 'CUDAExecutionProvider' },
    });
    expect(readStatus(JSON.parse(JSON.stringify(status)))).toEqual(status);
    const fallen = { executionProvider: 'CPUExecutionProvider', device: 'CPU' } as const;
    expect(reportOf(servingPod(gpuRules).sees(lists({ ...plain, ...fallen })))).toMatchObject({
      ready: false,
      reason: 'NotOnDevice',
      residency: { ratio: 0 },
      runtime: { executionProvider: 'CPUExecutionProvider' },
    });
  });

  it('leaves out what is not known', () => {
    const status = reportOf(createPod());
    expect(status.model).not.toHaveProperty('loadedDigest');
    expect(status.residency).toEqual({ class: 'GPU', required: true });
    expect(status).not.toHaveProperty('pull');
    expect(status.runtime).not.toHaveProperty('executionProvider');
  });

  it('shows what is loaded when it is not what was declared', () => {
    const pod = servingPod().sees(lists({ name: 'intruder:latest', digest: 'sha256:x' }));
    expect(reportOf(pod).model).toMatchObject({ loadedName: 'intruder:latest', loadedDigest: 'sha256:x' });
  });
});

describe('reading the status of another version', () => {
  const least = {
    schema: 1,
    deployment: { namespace: 'ai', name: 'tiny' },
    revision: 'r1',
    phase: 'Serving',
    reason: 'Serving',
    ready: true,
  };

  it('takes an older one that says little', () => {
    expect(readStatus(least)).toMatchObject({ ready: true, version: 'unknown', requests: { inFlight: 0, queued: 0 } });
  });

  it('takes a newer one: what is new is left aside, and what has another form counts as not said', () => {
    const newer = {
      ...least,
      schema: 3,
      phase: 'Hibernating',
      reason: 'Asleep',
      model: { reference: 'tiny', servedNames: ['a'], sizeBytes: '4.7 GiB', fingerprint: 'x' },
      pull: { phase: 'Fetching', completedBytes: 5, perLayer: [] },
      canary: 'off',
      somethingElse: {},
    };
    expect(readStatus(newer)).toEqual({
      ...least,
      schema: 3,
      version: 'unknown',
      phase: 'Hibernating',
      reason: 'Asleep',
      message: '',
      model: { reference: 'tiny', servedNames: ['a'] },
      pull: { phase: 'Fetching', completedBytes: 5 },
      canary: { enabled: false },
      requests: { inFlight: 0, queued: 0 },
    });
  });

  it.each([undefined, null, 'ok', {}, { ...least, ready: 'yes' }, { ...least, schema: 0 }])(
    'takes nothing else for one: %j',
    (value) => {
      expect(readStatus(value)).toBeUndefined();
    },
  );
});
