import { describe, expect, test } from 'vitest';
import { isStuckBeforeStart, STUCK_AFTER_MS, troubleOf } from '../../../src/operator/podProblems.ts';
import { NOW, pod } from './observation.ts';

const unready = { ready: false, phase: 'Pending' } as const;
const waiting = (reason: string, message = 'words') => ({ ready: false, waiting: { reason, message } });
const ended = (exitCode: number, reason: string, message = '') => ({ exitCode, reason, message });

const rows: [string, Parameters<typeof pod>[0], object | undefined][] = [
  ['nothing wrong', { revision: 'r', pod: unready, main: { ready: false } }, undefined],
  [
    'a node that does not report: what the kubelet said last still stands',
    { revision: 'r', pod: { ready: false } },
    { reason: 'NotReady', message: expect.stringContaining('when node node-1 reported last') },
  ],
  [
    'the scheduler’s words before all',
    { revision: 'r', pod: { ...unready, unschedulable: '0/3 nodes' }, main: waiting('CrashLoopBackOff') },
    { reason: 'Unschedulable', message: '0/3 nodes' },
  ],
  ...['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull'].map(
    (reason): (typeof rows)[number] => [
      reason,
      { revision: 'r', pod: unready, gateway: waiting(reason) },
      { reason: 'ImagePullBackOff', message: 'container gateway: words' },
    ],
  ),
  [
    'a container that cannot be made',
    { revision: 'r', pod: unready, main: waiting('CreateContainerConfigError') },
    { reason: 'CreateContainerError', message: 'container ollama: words' },
  ],
  [
    'a container that needed more memory, while it is down',
    { revision: 'r', pod: unready, main: { ready: false, terminated: ended(137, 'OOMKilled') } },
    { reason: 'OOMKilled' },
  ],
  [
    'a container that needed more memory before, rather than that it crashes',
    {
      revision: 'r',
      pod: unready,
      main: { ...waiting('CrashLoopBackOff'), restarts: 3, last: ended(137, 'OOMKilled') },
    },
    { reason: 'OOMKilled' },
  ],
  [
    'a container that crashes, with its last words',
    {
      revision: 'r',
      pod: unready,
      main: { ...waiting('CrashLoopBackOff'), restarts: 3, last: ended(2, 'Error', 'no such file') },
    },
    {
      reason: 'CrashLoopBackOff',
      message: 'container ollama ended 3 times, last with exit code 2: no such file',
    },
  ],
  [
    'a pull that crashes speaks for itself',
    { revision: 'r', pod: unready, pull: waiting('CrashLoopBackOff'), main: { ready: false } },
    undefined,
  ],
  [
    'an init container of somebody else that fails',
    {
      revision: 'r',
      pod: unready,
      gateway: { ready: false, terminated: ended(1, 'Error', 'no config') },
    },
    { reason: 'InitFailed', message: 'init container gateway ended with exit code 1: no config' },
  ],
];

const warning = { reason: 'FailedMount', message: 'FailedMount: words' } as const;

describe('the trouble of a pod', () => {
  test.each(rows)('%s', (_title, given, expected) => {
    const found = troubleOf(pod(given));
    if (expected) expect(found).toMatchObject({ ...expected, pod: 'model-1' });
    else expect(found).toBeUndefined();
  });

  test('a pod that is ready has none, whatever it went through', () => {
    const main = { last: ended(137, 'OOMKilled'), restarts: 3 };
    expect(troubleOf(pod({ revision: 'r', main }), warning)).toBeUndefined();
  });

  test('a warning from its Events counts where nothing else explains', () => {
    const stuck = pod({ revision: 'r', pod: unready });
    expect(troubleOf(stuck, warning)).toMatchObject(warning);
  });
});

describe('stuck before its first container', () => {
  const idle = { ready: false, started: false, startedAt: undefined as never };
  const stuck = pod({ revision: 'r', pod: unready, gateway: idle, pull: idle, main: idle });

  test('from half a minute after it was scheduled', () => {
    expect(isStuckBeforeStart(stuck, NOW + STUCK_AFTER_MS - 1)).toBe(false);
    expect(isStuckBeforeStart(stuck, NOW + STUCK_AFTER_MS)).toBe(true);
  });

  test('not once a container has started, nor without a node', () => {
    const later = NOW + 10 * STUCK_AFTER_MS;
    expect(isStuckBeforeStart(pod({ revision: 'r', pod: unready, pull: idle, main: idle }), later)).toBe(false);
    const homeless = { ...stuck, pod: { ...stuck.pod, scheduledAt: undefined as never } };
    expect(isStuckBeforeStart(homeless, later)).toBe(false);
  });
});
