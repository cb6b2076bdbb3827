import { describe, expect, test } from 'vitest';
import { builtInDefaults } from '../../../src/api/defaults.ts';
import type { Spec } from '../../../src/api/schema.ts';
import { annotations } from '../../../src/api/types.ts';
import { desiredHash } from '../../../src/kube/ownedFields.ts';
import { childKey } from '../../../src/operator/liveChild.ts';
import type { Observed } from '../../../src/operator/observed.ts';
import { plan } from '../../../src/operator/plan.ts';
import { unpackTemplate } from '../../../src/operator/record.ts';
import type { World } from '../../../src/placement/world.ts';
import {
  at,
  carriedOut,
  conditionIn,
  config,
  deployment,
  digest,
  live,
  liveMap,
  NOW,
  nothingFailed,
  observed,
  pod,
  report,
  revisionIn,
  spec,
  UID,
} from './observation.ts';

const planned = (given: Spec, more: Parameters<typeof observed>[0] = {}) =>
  plan(observed({ deployment: deployment(given), ...more }), config, NOW);
const keysOf = ({ children }: ReturnType<typeof plan>) => children.map(childKey);
const templateOf = ({ children }: ReturnType<typeof plan>) =>
  children.find(({ kind }) => kind === 'Deployment')?.spec?.template;
const claim = { type: 'PersistentVolumeClaim', persistentVolumeClaim: { size: '1Gi' } } as const;
const nextRelease = {
  defaults: { ...builtInDefaults, images: { ...builtInDefaults.images, operator: 'operator:next' } },
};

describe('children', () => {
  test('of the smallest spec, in the order in which they are written', () => {
    expect(keysOf(planned(spec()))).toEqual([
      'NetworkPolicy/model',
      'Service/model',
      'Service/model-metrics',
      'Deployment/model',
    ]);
  });

  test('what restricts and what is mounted comes before the pods, a ServiceMonitor where there can be one', () => {
    expect(keysOf(planned(spec({ replicas: 2, storage: claim }), { serviceMonitors: 'present' }))).toEqual([
      'NetworkPolicy/model',
      'PersistentVolumeClaim/model-models',
      'Service/model',
      'Service/model-metrics',
      'Deployment/model',
      'PodDisruptionBudget/model',
      'ServiceMonitor/model',
    ]);
  });

  test.each(['absent', 'forbidden', 'unknown'] as const)(
    'no ServiceMonitor while the kind is %s',
    (serviceMonitors) => {
      expect(keysOf(planned(spec(), { serviceMonitors }))).not.toContain('ServiceMonitor/model');
    },
  );

  test('a plan that was carried out leaves nothing to write and nothing to say', () => {
    const first = carriedOut(observed({ deployment: deployment(spec({ replicas: 2, storage: claim })) }));
    const again = plan(first, config, NOW + 60_000);
    for (const child of again.children) expect(first.children.get(childKey(child))?.owned).toBe(desiredHash(child));
    expect(again.removals).toEqual([]);
    expect(again.status(nothingFailed)).toEqual(first.deployment.status);
    expect(again.events(again.status(nothingFailed))).toEqual([]);
  });
});

describe('a spec that cannot be carried out', () => {
  test.each<[string, unknown]>([
    ['that breaks a rule', spec({ runtime: 'FoundryLocal', ollama: { gpuLayers: 1 } })],
    ['that the runtime refuses', spec({ ollama: { gpuLayers: 1 } })],
    ['that is no spec at all', 7],
    ['that is missing', null],
  ])('%s changes nothing of what runs', (_title, given) => {
    const running = carriedOut(observed());
    const next = plan({ ...running, deployment: deployment(given) }, config, NOW);
    expect(next.children).toEqual([]);
    expect(next.removals).toEqual([]);
    const status = next.status(nothingFailed);
    expect(conditionIn(status, 'Accepted')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    expect(conditionIn(status, 'Accepted')?.message).toMatch(/^spec/);
    expect(conditionIn(status, 'Stalled')).toMatchObject({ status: 'True', reason: 'InvalidSpec' });
  });

  test('because of the claim that exists changes nothing either', () => {
    const running = carriedOut(observed({ deployment: deployment(spec({ storage: claim })) }));
    const smaller = spec({ storage: { ...claim, persistentVolumeClaim: { size: '1Mi' } } });
    const next = plan({ ...running, deployment: deployment(smaller) }, config, NOW);
    expect(next.children).toEqual([]);
    expect(conditionIn(next.status(nothingFailed), 'Accepted')?.reason).toBe('StorageMismatch');
  });
});

test('a decision that could not be recorded yet keeps its time, so that waiting writes nothing', () => {
  const first = plan(observed(), config, NOW).status(nothingFailed);
  const waiting = observed({ deployment: { ...deployment(), status: first } });
  expect(plan(waiting, config, NOW + 60_000).status(nothingFailed)).toEqual(first);
  const edited = { ...waiting.deployment, metadata: { ...waiting.deployment.metadata, generation: 2 } };
  const next = plan({ ...waiting, deployment: edited }, config, NOW + 60_000);
  expect(next.status(nothingFailed).hardware?.since).toBe(at(60));
});

test('no time to fall back runs out while a deployment is paused', () => {
  const hardware: Spec['hardware'] = {
    preferred: { class: 'GPU', vendor: 'nvidia', whenAbsent: 'Wait' },
    fallback: [{ class: 'CPU' }],
  };
  const world: World = { nodes: [], deviceClasses: [] };
  const waiting = carriedOut(observed({ deployment: deployment(spec({ hardware })), world }));
  const after = (paused: boolean) =>
    plan({ ...waiting, deployment: deployment(spec({ hardware, paused })) }, config, NOW + 601_000).status(
      nothingFailed,
    );
  expect(after(true).hardware?.class).toBe('GPU');
  expect(after(false).hardware?.class).toBe('CPU');
});

test('a paused deployment touches nothing and still reports', () => {
  const running = carriedOut(observed());
  const next = plan({ ...running, deployment: deployment(spec({ paused: true, replicas: 3 })) }, config, NOW);
  expect([next.children, next.removals]).toEqual([[], []]);
  expect(conditionIn(next.status(nothingFailed), 'Ready')?.reason).toBe('Paused');
});

describe('when no rung of the ladder can be had', () => {
  const nothing: World = { nodes: [], deviceClasses: [] };
  const gpu = spec({ hardware: { preferred: { class: 'GPU', vendor: 'nvidia' } } });

  test('what runs is left alone, and it is looked at again', () => {
    const running = carriedOut(observed());
    const next = plan({ ...running, deployment: deployment(gpu), world: nothing }, config, NOW);
    expect([next.children, next.removals]).toEqual([[], []]);
    const status = next.status(nothingFailed);
    expect(conditionIn(status, 'Placed')).toMatchObject({ status: 'False', reason: 'NothingFits' });
    expect(status.hardware?.rejected).toMatchObject([{ class: 'GPU', reason: 'NotOffered' }]);
    expect(next.requeueAfterMs(nothingFailed)).toBe(60_000);
  });

  test('nothing is asked again where only the user can mend it', () => {
    const npu = spec({ hardware: { preferred: { class: 'NPU', vendor: 'intel' } } });
    const next = plan(observed({ deployment: deployment(npu), world: nothing }), config, NOW);
    expect(next.requeueAfterMs(nothingFailed)).toBeUndefined();
  });
});

describe('the recorded template', () => {
  test('is kept by an operator that would render another, and the status says so', () => {
    const running = carriedOut(observed());
    const next = plan(running, nextRelease, NOW);
    expect(templateOf(next)).toEqual(templateOf(plan(running, config, NOW)));
    expect(next.upgrades).toBe(false);
    expect(conditionIn(next.status(nothingFailed), 'UpToDate')).toMatchObject({ reason: 'UpgradePending' });
    for (const child of next.children) expect(running.children.get(childKey(child))?.owned).toBe(desiredHash(child));
  });

  test('is kept when the deployment is scaled, and repaired as it was recorded', () => {
    const running = carriedOut(observed());
    const scaled = plan({ ...running, deployment: deployment(spec({ replicas: 5 })) }, nextRelease, NOW);
    expect(templateOf(scaled)).toEqual(templateOf(plan(running, config, NOW)));
  });

  test('is rendered anew with a change of the spec, by the operator that runs then', () => {
    const running = carriedOut(observed());
    const changed = deployment(spec({ performance: { maxContext: 8192 } }));
    const next = plan({ ...running, deployment: changed }, nextRelease, NOW);
    expect(JSON.stringify(templateOf(next))).toContain('operator:next');
    expect(conditionIn(next.status(nothingFailed), 'UpToDate')).toMatchObject({ status: 'True' });
    expect(revisionIn(next)).not.toBe(running.deployment.status?.revision);
  });

  test('is replaced, under the same revision, by an operator that may', () => {
    const running = carriedOut(observed());
    const next = plan({ ...running, mayUpgrade: true }, nextRelease, NOW);
    expect(JSON.stringify(templateOf(next))).toContain('operator:next');
    expect(next.upgrades).toBe(true);
    expect(revisionIn(next)).toBe(running.deployment.status?.revision);
    expect(conditionIn(next.status(nothingFailed), 'UpToDate')).toMatchObject({ status: 'False', reason: 'Upgrading' });
  });

  test('holds its place among the upgrades until every pod is replaced', () => {
    const before = { ...carriedOut(observed()), mayUpgrade: true };
    const begun = plan(before, nextRelease, NOW);
    const status = begun.status(nothingFailed);
    const rolling = (isRolledOut: boolean, more: Partial<Observed> = {}) => {
      const children = liveMap(begun.children);
      const workload = children.get('Deployment/model');
      if (workload) children.set('Deployment/model', { ...workload, workload: { isRolledOut } });
      return plan({ ...before, children, deployment: { ...before.deployment, status }, ...more }, nextRelease, NOW);
    };
    expect(rolling(false).upgrades).toBe(true);
    expect(rolling(false, { mayUpgrade: false }).upgrades, 'where upgrades are for the next change only').toBe(false);
    expect(rolling(true).upgrades).toBe(false);
    expect(conditionIn(rolling(true).status(nothingFailed), 'UpToDate')).toMatchObject({ status: 'True' });
  });

  test('is not replaced while the deployment is paused', () => {
    const running = carriedOut(observed());
    const paused = { ...running, mayUpgrade: true, deployment: deployment(spec({ paused: true })) };
    const next = plan(paused, nextRelease, NOW);
    expect(next.upgrades).toBe(false);
    expect(conditionIn(next.status(nothingFailed), 'UpToDate')?.reason).toBe('Paused');
  });

  test('that cannot be read is rendered anew', () => {
    const running = carriedOut(observed());
    const workload = running.children.get('Deployment/model');
    const notes = { ...workload?.metadata.annotations, [annotations.template]: 'garbage' };
    const children = new Map(running.children);
    if (workload)
      children.set('Deployment/model', { ...workload, metadata: { ...workload.metadata, annotations: notes } });
    const next = plan({ ...running, children }, config, NOW);
    expect(templateOf(next)).toEqual(templateOf(plan(running, config, NOW)));
  });

  test('of a deleted deployment with the same name counts for nothing', () => {
    const running = carriedOut(observed());
    const successor = deployment(spec(), { uid: 'another' });
    const next = plan({ ...running, deployment: successor }, nextRelease, NOW);
    expect(JSON.stringify(templateOf(next))).toContain('operator:next');
    expect(conditionIn(next.status(nothingFailed), 'UpToDate')).toMatchObject({ status: 'True' });
  });

  test('is what the annotation says, packed', () => {
    const workload = planned(spec()).children.find(({ kind }) => kind === 'Deployment');
    expect(unpackTemplate(workload?.metadata.annotations?.[annotations.template])).toEqual(workload?.spec?.template);
  });
});

describe('wishes of people', () => {
  test('restarted-at makes a new revision once, with the same hardware decision', () => {
    const running = carriedOut(observed());
    const asked = deployment(spec(), { annotations: { [annotations.restartedAt]: at(0) } });
    const first = plan({ ...running, deployment: asked }, config, NOW + 60_000);
    expect(revisionIn(first)).not.toBe(running.deployment.status?.revision);
    expect(first.status(nothingFailed).hardware?.since).toBe(running.deployment.status?.hardware?.since);
    const second = plan(carriedOut({ ...running, deployment: asked }), config, NOW + 120_000);
    expect(revisionIn(second)).toBe(revisionIn(first));
  });

  test('reselect-hardware makes the decision anew', () => {
    const running = carriedOut(observed());
    const asked = deployment(spec(), { annotations: { [annotations.reselectHardware]: 'now' } });
    const next = plan({ ...running, deployment: asked }, config, NOW + 60_000);
    expect(next.status(nothingFailed).hardware?.since).toBe(at(60));
    expect(revisionIn(next)).toBe(running.deployment.status?.revision);
  });
});

describe('removals', () => {
  test('what is no longer wanted goes, by uid', () => {
    const two = carriedOut(observed({ deployment: deployment(spec({ replicas: 2 })) }));
    const { removals } = plan({ ...two, deployment: deployment(spec()) }, config, NOW);
    expect(removals).toMatchObject([
      { ref: { name: 'model' }, resource: { kind: 'PodDisruptionBudget' }, uid: 'uid of PodDisruptionBudget/model' },
    ]);
  });

  test('a claim stays until the deployment goes, and what is not ours, or is going, is left alone', () => {
    const running = carriedOut(observed({ deployment: deployment(spec({ replicas: 2, storage: claim })) }));
    const budget = running.children.get('PodDisruptionBudget/model');
    const withoutOwner = { ...budget?.metadata, ownerReferences: [] };
    const leaving = { ...budget?.metadata, deletionTimestamp: at(0) };
    for (const metadata of [withoutOwner, leaving]) {
      const children = new Map(running.children);
      if (budget) children.set('PodDisruptionBudget/model', { ...budget, metadata } as typeof budget);
      expect(plan({ ...running, children, deployment: deployment(spec()) }, config, NOW).removals).toEqual([]);
    }
  });

  test('a pod that found another digest than the lock is replaced', () => {
    const revision = revisionIn(planned(spec()));
    const message = report({ digest: digest('b') });
    const odd = pod({
      name: 'model-2',
      revision,
      createdAt: 1,
      pull: { terminated: { exitCode: 0, reason: 'Completed', message } },
    });
    const next = planned(spec({ replicas: 2 }), { pods: [pod({ revision }), odd] });
    expect(next.removals).toMatchObject([
      { resource: { kind: 'Pod' }, ref: { name: 'model-2' }, uid: 'uid of model-2' },
    ]);
    expect(keysOf(next)).toContain('ConfigMap/model-lock');
    expect(conditionIn(next.status(nothingFailed), 'Pulled')?.reason).toBe('MixedDigests');
  });

  test.each(['absent', 'forbidden', 'unknown'] as const)(
    'a ServiceMonitor that is still known stays while the kind is %s, unless none is wanted',
    (serviceMonitors) => {
      const monitored = carriedOut(observed({ serviceMonitors: 'present' }));
      expect(plan({ ...monitored, serviceMonitors }, config, NOW).removals).toEqual([]);
      const unwanted = deployment(spec({ monitoring: { serviceMonitor: { enabled: false } } }));
      expect(plan({ ...monitored, serviceMonitors, deployment: unwanted }, config, NOW).removals).toMatchObject([
        { ref: { name: 'model' }, resource: { kind: 'ServiceMonitor' } },
      ]);
    },
  );

  test('nothing is ever removed that has another uid as its owner', () => {
    const two = carriedOut(observed({ deployment: deployment(spec({ replicas: 2 })) }));
    const successor = deployment(spec(), { uid: 'another' });
    expect(two.children.get('PodDisruptionBudget/model')?.metadata.ownerReferences?.[0]?.uid).toBe(UID);
    expect(plan({ ...two, deployment: successor }, config, NOW).removals).toEqual([]);
  });
});

test('a workload that somebody adopts without its record is placed anew', () => {
  const workload = planned(spec()).children.find(({ kind }) => kind === 'Deployment');
  const bare = live({ ...workload, metadata: { name: 'model', namespace: 'ai' } } as NonNullable<typeof workload>);
  const next = planned(spec(), { children: new Map([['Deployment/model', bare]]) });
  expect(next.status(nothingFailed).hardware?.since).toBe(at(0));
});
