import { describe, expect } from 'vitest';
import type { StoredDeployment } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import { outcomes as pullOutcomes } from '../../../src/puller/outcome.ts';
import { type Outcome, simulation } from '../../controlplane/stages.ts';
import type { Stage } from './harness.ts';
import { conditionOf, smallest } from './tenant.ts';
import { test } from './test.ts';

const fated = (outcome: Outcome, annotations: Record<string, string> = {}, more: object = {}) => ({
  ...smallest,
  ...more,
  pod: { annotations: { [simulation.outcome]: outcome, ...annotations } },
});
const become = (outcome: Outcome, annotations: Record<string, string> = {}) => ({
  metadata: { annotations: { [simulation.outcome]: outcome, ...annotations } },
});

async function mend(stage: Stage): Promise<StoredDeployment> {
  for (const { metadata } of await stage.pods()) await stage.patch(resources.pod, metadata.name, become('ready'));
  return stage.untilCondition('Ready', 'True');
}

const eventsOf = async (stage: Stage, reason: string) =>
  (await stage.list(resources.event)).filter(
    (event) => event.reason === reason && event.reportingController === 'localmodels.dev/operator',
  );

describe.concurrent('what a pod shows', () => {
  test.for([
    ['image-pull-backoff', 'ImagePullBackOff', /container ollama: Back-off pulling image/],
    ['sidecar-image-missing', 'ImagePullBackOff', /container gateway: /],
    ['init-image-missing', 'ImagePullBackOff', /container pull: /],
    ['crash-loop', 'CrashLoopBackOff', /container ollama ended 3 times, last with exit code 1/],
    ['oom-killed', 'OOMKilled', /raise resources.limits.memory/],
  ] as const)(
    '%s: Ready=False/%s in its words, with one event, and mended once it is',
    async ([outcome, reason, words], { stage }) => {
      await stage.apply(fated(outcome));
      const { status } = await stage.untilCondition('Ready', 'False', reason);
      const [pod] = await stage.pods();
      expect(conditionOf({ status }, 'Ready')?.message).toMatch(words);
      expect(conditionOf({ status }, 'Ready')?.message).toContain(`pod ${pod?.metadata.name}`);
      expect(conditionOf({ status }, 'Reconciling')).toMatchObject({ status: 'True' });
      expect(conditionOf({ status }, 'Stalled')).toBeUndefined();
      await mend(stage);
      await stage.until('the events are there', async () => (await eventsOf(stage, 'Serving')).length > 0);
      expect(await eventsOf(stage, reason)).toMatchObject([{ type: 'Warning', note: expect.stringMatching(words) }]);
    },
  );

  test.for([
    ['pulling', 'Pulling'],
    ['starting', 'Loading'],
    ['never-ready', 'Loading'],
  ] as const)('%s is a step on the way (%s) and no event', async ([outcome, reason], { stage }) => {
    await stage.apply(fated(outcome));
    const { status } = await stage.untilCondition('Ready', 'False', reason);
    expect(conditionOf({ status }, 'Reconciling')).toMatchObject({ status: 'True', reason });
    await mend(stage);
    expect(await eventsOf(stage, reason)).toEqual([]);
  });

  test('a volume that cannot be mounted is told after a while, from the pod’s Events', async ({ stage }) => {
    await stage.apply(fated('mount-fails'));
    await stage.until('the node has complained', async () =>
      (await stage.list(resources.event)).some(
        ({ reason, regarding }) => reason === 'FailedMount' && regarding.kind === 'Pod',
      ),
    );
    await stage.running.skip(31_000);
    const { status } = await stage.untilCondition('Ready', 'False', 'FailedMount');
    expect(conditionOf({ status }, 'Ready')?.message).toMatch(/MountVolume.SetUp failed for volume "models"/);
  });

  test('what keeps a pod from being begun is told also when its node complains late', async ({ stage }) => {
    await stage.apply(fated('mount-fails'));
    const [pod] = await stage.until('its node has complained', async () => {
      const complaints = (await stage.list(resources.event)).filter(({ reason }) => reason === 'FailedMount');
      return complaints.length > 0 && stage.pods();
    });
    await stage.running.skip(31_000);
    await stage.untilCondition('Ready', 'False', 'FailedMount');
    const { name, namespace, uid } = pod?.metadata ?? { name: '' };
    const later = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
    await stage.cluster.access.call('POST', `/api/v1/namespaces/${namespace}/events`, {
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'no-sandbox', namespace },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
        type: 'Warning',
        reason: 'FailedCreatePodSandBox',
        message: 'Failed to create pod sandbox: no runtime for "nvidia" is configured',
        lastTimestamp: later,
      },
    });
    await stage.running.skip(61_000);
    const { status } = await stage.untilCondition('Ready', 'False', 'CreateContainerError');
    expect(conditionOf({ status }, 'Ready')?.message).toMatch(/no runtime for "nvidia" is configured/);
  });

  test('a pod that no node takes has the scheduler’s words in Placed', async ({ stage }) => {
    await stage.apply({ ...smallest, pod: { nodeSelector: { 'example.com/no-such': 'node' } } });
    const { status } = await stage.untilCondition('Placed', 'False', 'Unschedulable');
    expect(conditionOf({ status }, 'Placed')?.message).toMatch(/nodes are available.*didn't match Pod's node affinity/);
    expect(conditionOf({ status }, 'Ready')).toMatchObject({ status: 'False', reason: 'Unschedulable' });
    expect(conditionOf({ status }, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Waiting' });
  });

  test('a quota that lets no pod be made is told', async ({ stage }) => {
    await stage.kubectl('create', 'quota', 'none', '--hard=pods=0');
    await stage.apply(smallest);
    const { status } = await stage.untilCondition('Ready', 'False', 'FailedCreate');
    expect(conditionOf({ status }, 'Ready')?.message).toMatch(/exceeded quota/);
    await stage.kubectl('delete', 'quota', 'none');
    await stage.kubectl('delete', 'rs', '--all'); // its controller would try again only minutes later
    await stage.untilCondition('Ready', 'True');
  });

  test('no progress for as long as was allowed stalls it, and progress ends that', async ({ stage }) => {
    await stage.apply(fated('pulling', {}, { rollout: { progressDeadlineSeconds: 60 } }));
    await stage.untilCondition('Ready', 'False', 'Pulling');
    await stage.running.skip(120_000);
    const stalled = await stage.untilCondition('Stalled', 'True', 'ProgressDeadlineExceeded');
    expect(conditionOf(stalled, 'Ready')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(conditionOf(stalled, 'Reconciling')).toBeUndefined();
    const ready = await mend(stage);
    expect(conditionOf(ready, 'Stalled')).toBeUndefined();
  });

  test('what breaks after hours of service is told as what it is, not as a deadline that has passed', async ({
    stage,
  }) => {
    await stage.apply({ ...smallest, rollout: { progressDeadlineSeconds: 60 } });
    await stage.untilCondition('Ready', 'True');
    await stage.running.skip(7_200_000);
    const [pod] = await stage.pods();
    await stage.patch(resources.pod, pod?.metadata.name ?? '', become('crash-loop'));
    await stage.untilCondition('Ready', 'False', 'CrashLoopBackOff');
    await stage.until('an event tells it', async () => (await eventsOf(stage, 'CrashLoopBackOff')).length > 0);
    expect(await eventsOf(stage, 'ProgressDeadlineExceeded')).toEqual([]);
  });

  test('an affinity that Kubernetes does not know is refused, and changes nothing of what runs', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    const before = await stage.find(resources.deployment);
    await stage.apply({ ...smallest, pod: { affinity: { nodeAfinity: {} } } });
    const refused = await stage.untilCondition('Stalled', 'True', 'InvalidSpec');
    expect(conditionOf(refused, 'Accepted')?.message).toMatch(/^Deployment\/model: .*nodeAfinity: field not declared/);
    expect((await stage.find(resources.deployment))?.metadata.generation).toBe(before?.metadata.generation);
  });

  test('pods that are evicted one after another say why there is none', async ({ stage }) => {
    const words = 'Usage of EmptyDir volume "models" exceeds the limit "1Gi".';
    await stage.apply(fated('evicted', { [simulation.message]: words }));
    await stage.until('the second is gone too', async () => (await stage.pods()).length > 2);
    const told = await stage.until('it is told', async () => {
      const ready = conditionOf(await stage.get(), 'Ready');
      return ready?.message.includes('Evicted') && ready;
    });
    expect(told).toMatchObject({ status: 'False', message: expect.stringContaining(`Evicted: ${words}`) });
  });

  test('an old pod that does not end is what Recreate waits for, and Ready says so', async ({ stage }) => {
    const spec = { ...smallest, rollout: { strategy: 'Recreate' } };
    await stage.apply({ ...spec, pod: { annotations: { [simulation.stop]: 'never' } } });
    await stage.untilCondition('Ready', 'True');
    const [old] = await stage.pods();
    await stage.apply(spec);
    const { message } = await stage.until('it is told', async () => {
      const ready = conditionOf(await stage.get(), 'Ready');
      return ready?.message.includes('waiting for') && ready;
    });
    expect(message).toMatch(new RegExp(`; waiting for pod ${old?.metadata.name} to be gone, .* by 20..-..-..T`));
    await stage.kubectl('delete', 'pod', old?.metadata.name ?? '', '--force', '--grace-period=0');
    await stage.untilCondition('Ready', 'True');
  });

  test('an evicted pod does not count, the one that replaces it does', async ({ stage }) => {
    await stage.apply(smallest);
    await stage.untilCondition('Ready', 'True');
    const [pod] = await stage.pods();
    await stage.patch(resources.pod, pod?.metadata.name ?? '', become('evicted'));
    await stage.until('another one is there', async () => (await stage.pods()).length > 1);
    const ready = await stage.untilCondition('Ready', 'True');
    await stage.until('one is counted', async () => (await stage.get()).status?.replicas === 1);
    expect(ready.status?.readyReplicas).toBe(1);
  });
});

const failures = Object.entries(pullOutcomes).filter(([reason]) => reason !== 'Done');

describe.concurrent('a pull that fails', () => {
  test.for(failures.map(([reason, { exitCode, retry }]) => ({ reason, exitCode, retry })))(
    'with $reason is told in its own words, and is $retry',
    async ({ reason, exitCode, retry }, { stage }) => {
      const message = JSON.stringify({ reason, message: `the words of ${reason}` });
      await stage.apply(
        fated('pull-fails', { [simulation.exitCode]: String(exitCode), [simulation.message]: message }),
      );
      const condition = reason === 'Internal' ? 'PullFailed' : reason;
      const { status } = await stage.untilCondition('Pulled', 'False', condition);
      expect(conditionOf({ status }, 'Pulled')?.message).toMatch(new RegExp(`^pod model-.*: the words of ${reason}$`));
      expect(conditionOf({ status }, 'Ready')).toMatchObject({ status: 'False', reason: 'PullFailed' });
      const stalled = conditionOf({ status }, 'Stalled');
      const reconciling = conditionOf({ status }, 'Reconciling');
      if (retry === 'permanent') {
        expect(stalled).toMatchObject({ status: 'True', reason: condition });
        expect(reconciling).toBeUndefined();
      } else {
        expect(reconciling).toMatchObject({ status: 'True', reason: 'Retrying' });
        expect(stalled).toBeUndefined();
      }
      const ready = await mend(stage);
      expect(conditionOf(ready, 'Stalled')).toBeUndefined();
      expect(await eventsOf(stage, condition)).toHaveLength(1);
    },
  );

  test('again and again says what it said last', async ({ stage }) => {
    const message = JSON.stringify({ reason: 'NotFound', message: 'no such model' });
    await stage.apply(fated('pull-crash-loops', { [simulation.exitCode]: '21', [simulation.message]: message }));
    const { status } = await stage.untilCondition('Pulled', 'False', 'NotFound');
    expect(conditionOf({ status }, 'Ready')?.message).toContain('no such model');
  });
});

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const pulled = (letter: string) => ({
  [simulation.pullMessage]: JSON.stringify({ reason: 'Done', message: '', digest: digest(letter), sizeBytes: 7 }),
});

describe.concurrent('the lock', () => {
  const lockOf = async (stage: Stage) => {
    const lock = await stage.find(resources.configMap, 'model-lock');
    return Object.fromEntries(
      Object.entries((lock?.data ?? {}) as Record<string, string>).map(([key, text]) => [key, JSON.parse(text)]),
    );
  };

  test('holds the digest that the first pod found, and a pod that found another is replaced', async ({ stage }) => {
    await stage.apply(fated('pulling', {}, { replicas: 2 }));
    const pods = await stage.until('two pods are pulling', async () => {
      const all = await stage.pods();
      return all.length === 2 && all.every(({ pod }) => pod.node) && all;
    });
    const [first, second] = pods.map(({ metadata }) => metadata);
    await stage.patch(resources.pod, first?.name ?? '', become('ready', pulled('a')));
    const { revision } = (await stage.until('the lock', async () =>
      (await stage.find(resources.configMap, 'model-lock')) ? (await stage.get()).status : undefined,
    )) as { revision: string };
    expect(await lockOf(stage)).toEqual({ [`${revision}.json`]: { reference: 'qwen2.5:0.5b', digest: digest('a') } });
    await stage.patch(resources.pod, second?.name ?? '', become('ready', pulled('b')));
    await stage.until('the odd pod is replaced', async () => {
      const now = await stage.pods();
      return now.length === 2 && now.every(({ metadata }) => metadata.uid !== second?.uid);
    });
    const third = (await stage.pods()).find(({ metadata }) => metadata.uid !== first?.uid);
    await stage.patch(resources.pod, third?.metadata.name ?? '', become('ready', pulled('a')));
    const ready = await stage.untilCondition('Ready', 'True');
    expect(ready.status?.model?.sourceDigest).toBe(digest('a'));
    expect(conditionOf(ready, 'Pulled')?.message).toContain(digest('a'));
    expect((await stage.pods()).map(({ metadata }) => metadata.uid)).toContain(first?.uid);
  });

  test('keeps the older revision’s digest while a pod of it lives, and forgets it then', async ({ stage }) => {
    await stage.apply(fated('ready', pulled('a')));
    const { status: before } = await stage.untilCondition('Ready', 'True');
    await stage.apply(fated('pulling', pulled('b')));
    const { status: after } = await stage.untilCondition('Ready', 'False', 'Pulling');
    expect(await lockOf(stage)).toHaveProperty([`${before?.revision}.json`]);
    await mendNew(stage, after?.revision ?? '');
    await stage.untilCondition('Ready', 'True');
    await stage.until('the older entry is gone', async () => Object.keys(await lockOf(stage)).length === 1);
    expect(await lockOf(stage)).toMatchObject({ [`${after?.revision}.json`]: { digest: digest('b') } });
  });

  test('is not made where the user pins the digest, and another digest is not served', async ({ stage }) => {
    await stage.apply({ ...fated('pulling'), model: { name: 'qwen2.5:0.5b', digest: digest('a') } });
    await stage.until('a pod is pulling', async () => (await stage.pods()).some(({ pod }) => pod.node));
    const [pod] = await stage.pods();
    await stage.patch(resources.pod, pod?.metadata.name ?? '', become('pulling', pulled('a')));
    await stage.patch(resources.pod, pod?.metadata.name ?? '', become('ready', pulled('a')));
    await stage.untilCondition('Ready', 'True');
    expect(await stage.find(resources.configMap, 'model-lock')).toBeUndefined();
  });
});

async function mendNew(stage: Stage, revision: string): Promise<void> {
  const pods = await stage.until('a new pod', async () => {
    const found = (await stage.pods()).filter(({ pod }) => pod.revision === revision && pod.node);
    return found.length > 0 && found;
  });
  for (const { metadata } of pods) await stage.patch(resources.pod, metadata.name, become('ready'));
}
