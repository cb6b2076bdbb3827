import { describe, expect, it } from 'vitest';
import { canaryDue, wantsLoad } from '../../../src/gateway/state.ts';
import {
  canary,
  cpuRules,
  createPod,
  fails,
  gpuRules,
  lists,
  model,
  otherDigest,
  refused,
  servingPod,
  silent,
  succeeds,
  target,
  up,
} from './pod.ts';

describe('the way to serving', () => {
  it('goes through every phase, with a reason in each', () => {
    const pod = createPod();
    const seen = () => `${pod.state.phase}/${pod.state.reason}`;
    const way = [seen()];
    const then = (...observations: Parameters<typeof pod.sees>) => {
      pod.later(100).sees(...observations);
      way.push(seen());
    };
    then({ kind: 'Pull', done: true });
    then(up);
    then({ kind: 'Target', target });
    then({ kind: 'LoadBegan' });
    then({ kind: 'LoadEnded' });
    then(lists(model));
    expect(way).toEqual([
      'Starting/Pulling',
      'Starting/RuntimeDown',
      'RuntimeUp/TargetUnknown',
      'RuntimeUp/NotLoaded',
      'Loading/Loading',
      'Loading/Loading',
      'Serving/Serving',
    ]);
  });

  it('does not take a model that is still loading for one that is loaded, though Ollama lists it', () => {
    const pod = createPod().sees(up, { kind: 'Target', target }, { kind: 'LoadBegan' }, lists(model));
    expect(pod.state.reason).toBe('Loading');
  });

  it('waits for a Secret that is missing, and names it', () => {
    const message = 'Secret ai/keys is not there; create it with one entry per client';
    const pod = servingPod().sees({ kind: 'Problems', problems: [{ reason: 'SecretMissing', message }] });
    expect(pod.state).toMatchObject({ phase: 'Degraded', reason: 'SecretMissing', message });
    expect(pod.sees({ kind: 'Problems', problems: [] }).state.phase).toBe('Serving');
  });

  it('says since when it stands where it stands', () => {
    const pod = servingPod();
    const { since } = pod.state;
    pod.later(5000).sees(succeeds(pod));
    expect(pod.state.since).toBe(since);
    pod.later(5000).sees(lists());
    expect(pod.state.since).toBe(pod.now);
  });
});

describe('the declared model', () => {
  it('is known by its digest, whatever it is called', () => {
    expect(servingPod().sees(lists({ ...model, name: 'another:name' })).state.reason).toBe('Serving');
    const pod = servingPod().sees(lists({ ...model, digest: otherDigest }));
    expect(pod.state).toMatchObject({ phase: 'Degraded', reason: 'WrongModel' });
    expect(pod.state.message).toContain(otherDigest);
  });

  it('is known by its name where there is no digest', () => {
    const id = 'tiny-generic-cpu:1';
    const pod = createPod()
      .sees(up, { kind: 'Target', target: { name: id } }, { kind: 'LoadBegan' }, { kind: 'LoadEnded' })
      .sees(lists({ name: id }));
    expect(pod.state.reason).toBe('Serving');
    expect(pod.sees(lists({ name: 'other-generic-cpu:1' })).state.reason).toBe('WrongModel');
  });

  it('is loaded again at once when the runtime has unloaded it', () => {
    const pod = servingPod().later(1000).sees(lists());
    expect(pod.state).toMatchObject({ phase: 'Loading', reason: 'ModelLost' });
    expect(wantsLoad(pod.state, pod.now)).toBe(true);
    pod.sees({ kind: 'LoadBegan' });
    expect(pod.state.reason).toBe('ModelLost');
    expect(pod.sees({ kind: 'LoadEnded' }, lists(model)).state.reason).toBe('Serving');
  });

  it('is asked for again ever more slowly when loading does not bring it', () => {
    const pod = createPod().sees(up, { kind: 'Target', target });
    const waits: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const before = pod.now;
      while (!wantsLoad(pod.state, pod.now)) pod.later(1000);
      waits.push((pod.now - before) / 1000);
      pod.sees({ kind: 'LoadBegan' }, { kind: 'LoadFailed', message: 'tensor offset+size exceeds file size' });
    }
    expect(waits).toEqual([0, 5, 10, 20, 40, 60]);
    expect(pod.state).toMatchObject({ phase: 'Loading', reason: 'LoadFailed' });
    expect(pod.state.message).toContain('exceeds file size');
  });

  it('is not loaded in a loop while the runtime serves another digest under its name', () => {
    const pod = createPod().sees(up, { kind: 'Target', target }, { kind: 'LoadBegan' }, { kind: 'LoadEnded' });
    pod.sees(lists({ ...model, digest: otherDigest }));
    expect(wantsLoad(pod.state, pod.now)).toBe(false);
    pod.later(5000);
    expect(wantsLoad(pod.state, pod.now)).toBe(true);
  });

  it('must be loaded anew when what has to be served changes', () => {
    const pod = servingPod().sees({ kind: 'Target', target: { ...target, digest: otherDigest } });
    expect(pod.state.reason).toBe('NotLoaded');
    expect(wantsLoad(pod.state, pod.now)).toBe(true);
  });

  it('is not loaded while the pod is being stopped', () => {
    const pod = servingPod().sees({ kind: 'Drain' }, lists());
    expect(wantsLoad(pod.state, pod.now)).toBe(false);
  });
});

describe('residency', () => {
  it.each([
    [1000, 'Serving', ''],
    [999, 'PartlyOnCPU', '99 %'],
    [250, 'PartlyOnCPU', '25 %'],
    [0, 'NotOnDevice', 'GPU'],
  ])('with %i of 1000 bytes on a required GPU is %s', (deviceBytes, reason, words) => {
    const pod = servingPod(gpuRules).sees(lists({ ...model, deviceBytes }));
    expect(pod.state.reason).toBe(reason);
    expect(pod.state.message).toContain(words);
  });

  it.each([
    ['GPU', 'Serving'],
    ['CPU', 'NotOnDevice'],
    ['NPU', 'NotOnDevice'],
  ] as const)('of a model that says that it sits on a %s, with a required GPU, is %s', (device, reason) => {
    const { deviceBytes: _, sizeBytes: __, ...plain } = model;
    expect(servingPod(gpuRules).sees(lists({ ...plain, device })).state.reason).toBe(reason);
    expect(servingPod(cpuRules).sees(lists({ ...plain, device })).state.reason).toBe('Serving');
  });

  it('is nobody’s concern on the CPU, or where the runtime does not tell', () => {
    expect(servingPod(cpuRules).sees(lists({ ...model, deviceBytes: 0 })).state.reason).toBe('Serving');
    const { deviceBytes: _, ...silentModel } = model;
    expect(servingPod(gpuRules).sees(lists(silentModel)).state.reason).toBe('Serving');
  });
});

describe('the runtime', () => {
  it('is lost with the first refused connection, and what was loaded with it', () => {
    const pod = servingPod().later(1000).sees(refused);
    expect(pod.state).toMatchObject({ phase: 'Degraded', reason: 'RuntimeDown' });
    pod.later(3000).sees(up);
    expect(pod.state).toMatchObject({ phase: 'RuntimeUp', reason: 'NotLoaded' });
    expect(pod.state.facts.runtime.restarts).toBe(1);
  });

  it('has been restarted when its process is another one, though it was never seen to be down', () => {
    const pod = servingPod().sees({ kind: 'Runtime', answer: 'Up', instance: '7' });
    expect(pod.state.reason).toBe('Serving');
    pod.sees({ kind: 'Runtime', answer: 'Up', instance: '8' });
    expect(pod.state.reason).toBe('NotLoaded');
    expect(pod.state.facts.runtime.restarts).toBe(1);
  });

  it('hangs after several unanswered probes, not after one or two', () => {
    const pod = servingPod().sees(silent, silent);
    expect(pod.state.reason).toBe('Serving');
    pod.sees(silent);
    expect(pod.state).toMatchObject({ phase: 'Degraded', reason: 'RuntimeHung' });
    expect(pod.sees(up).state.reason).toBe('Serving');
  });

  it('is busy and not hung while tokens arrive', () => {
    const pod = servingPod();
    for (let second = 0; second < 30; second++)
      pod.later(1000).sees({ kind: 'Request', outcome: 'Progress', startedAt: 0 }, silent);
    expect(pod.state.reason).toBe('Serving');
  });

  it('does not take the end of a load for one of the process that came after it', () => {
    const pod = createPod().sees(up, { kind: 'Target', target }, { kind: 'LoadBegan' }, refused, up);
    expect(pod.sees({ kind: 'LoadEnded' }).state.reason).toBe('NotLoaded');
    expect(pod.sees({ kind: 'LoadFailed', message: 'socket closed' }).state.reason).toBe('NotLoaded');
  });
});

describe('requests', () => {
  it('count as failing when several in a row have failed, and a canary too', () => {
    const pod = servingPod();
    pod.later(100).sees(fails(pod)).later(100).sees(fails(pod));
    expect(canaryDue(pod.sees(canary('Passed')).state, pod.now)).toBe(false);
    for (let i = 0; i < 3; i++) pod.later(500).sees(fails(pod));
    expect(pod.state.reason).toBe('Serving');
    expect(canaryDue(pod.state, pod.now)).toBe(true);
    expect(pod.sees(canary('Failed')).state).toMatchObject({ phase: 'Degraded', reason: 'Failing' });
  });

  it('that a canary does not share are their own fault, however often they are sent', () => {
    const pod = servingPod();
    for (let i = 0; i < 300; i++) {
      pod.later(100).sees(fails(pod));
      if (canaryDue(pod.state, pod.now)) pod.sees(canary('Passed'));
      expect(pod.state.reason).toBe('Serving');
    }
  });

  it('count as failing after seconds where no canary could be sent', () => {
    const pod = servingPod();
    for (let i = 0; i < 3; i++) pod.later(100).sees(fails(pod));
    expect(pod.later(2700).state.reason).toBe('Serving');
    expect(pod.later(200).state.reason).toBe('Failing');
  });

  it('count as failing at once where there is no canary', () => {
    const { canaryIntervalMs: _, ...rules } = cpuRules;
    const pod = servingPod(rules);
    for (let i = 0; i < 3; i++) pod.later(100).sees(fails(pod));
    expect(pod.state).toMatchObject({ phase: 'Degraded', reason: 'Failing' });
  });

  it('start to count anew after a success, and after tokens', () => {
    for (const outcome of ['Succeeded', 'Progress'] as const) {
      const pod = servingPod();
      for (let i = 0; i < 10; i++) {
        pod.later(100).sees(fails(pod)).later(100).sees(fails(pod));
        pod.sees({ kind: 'Request', outcome, startedAt: 0 });
      }
      expect(pod.state.reason).toBe('Serving');
    }
  });

  it('that one crash has broken are one failure', () => {
    const pod = servingPod();
    const running = Array.from({ length: 10 }, () => fails(pod));
    pod.later(500).sees(...running);
    expect(pod.state.reason).toBe('Serving');
  });

  it('are tried out again after a while, and then one failure is enough', () => {
    const pod = servingPod();
    for (let i = 0; i < 3; i++) pod.later(100).sees(fails(pod));
    pod.later(30_000);
    expect(pod.state.reason).toBe('Serving');
    pod.sees(fails(pod));
    expect(pod.state.reason).toBe('Failing');
  });

  it('that fail no more are proven by a canary', () => {
    const pod = servingPod();
    for (let i = 0; i < 3; i++) pod.later(100).sees(fails(pod));
    expect(canaryDue(pod.state, pod.now)).toBe(true);
    expect(pod.sees(canary('Passed')).state.reason).toBe('Serving');
  });
});

describe('the canary', () => {
  it('has to fail twice in a row', () => {
    const pod = servingPod().sees(canary('Failed'));
    expect(pod.state.reason).toBe('Serving');
    expect(pod.sees(canary('Failed')).state).toMatchObject({ phase: 'Degraded', reason: 'CanaryFailed' });
    expect(pod.sees(canary('Passed')).state.reason).toBe('Serving');
  });

  it('catches nonsense, which the success of another request does not disprove', () => {
    const pod = servingPod().sees(canary('Wrong'), canary('Wrong'));
    expect(pod.state.reason).toBe('CanaryWrong');
    expect(pod.sees(succeeds(pod)).state.reason).toBe('CanaryWrong');
    expect(pod.sees(canary('Passed')).state.reason).toBe('Serving');
  });

  it('that got no answer is disproved by any answer', () => {
    const pod = servingPod().sees(canary('Silent'), canary('Silent'));
    expect(pod.state.reason).toBe('CanaryFailed');
    expect(pod.sees(succeeds(pod)).state.reason).toBe('Serving');
  });

  it('that finds no room beside running answers says nothing', () => {
    const pod = servingPod();
    for (let i = 0; i < 5; i++) pod.later(1000).sees(succeeds(pod), canary('Silent'));
    expect(pod.state.reason).toBe('Serving');
  });

  it('is due when nothing has succeeded for an interval, and at once after the load', () => {
    const pod = servingPod();
    expect(canaryDue(pod.state, pod.now)).toBe(true);
    pod.sees(canary('Passed'));
    expect(canaryDue(pod.later(59_000).state, pod.now)).toBe(false);
    expect(canaryDue(pod.later(1000).state, pod.now)).toBe(true);
    pod.sees(succeeds(pod));
    expect(canaryDue(pod.later(59_000).state, pod.now)).toBe(false);
  });

  it('is due soon where there is doubt', () => {
    const pod = servingPod().sees(canary('Failed'));
    expect(canaryDue(pod.later(4000).state, pod.now)).toBe(false);
    expect(canaryDue(pod.later(1000).state, pod.now)).toBe(true);
  });

  it('is never due without a model, while stopping, or when there is none', () => {
    expect(canaryDue(servingPod().sees(lists()).state, 1e6)).toBe(false);
    expect(canaryDue(servingPod().sees({ kind: 'Drain' }).state, 1e6)).toBe(false);
    const { canaryIntervalMs: _, ...rules } = cpuRules;
    expect(canaryDue(servingPod(rules).state, 1e6)).toBe(false);
  });
});
